"""Ports for what is to be started in a moment."""

import secrets
import socket
from contextlib import suppress

# Below those that systems give to whoever asks for any, as each outgoing connection does: one that is free now
# would be somebody else's by the time that its server starts.
NOT_GIVEN_TO_ANY = range(20_000, 32_768)


def open_port() -> socket.socket:
    """A listening socket on loopback, on a port that was free."""
    while True:
        with suppress(OSError):
            return socket.create_server(("127.0.0.1", secrets.choice(NOT_GIVEN_TO_ANY)))


def free_port() -> int:
    """A port that is free now."""
    with open_port() as opened:
        return int(opened.getsockname()[1])
