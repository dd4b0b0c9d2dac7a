"""The front door before the company's real Redis: it lets commands through, counts them, and can be shut."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit

from drills.vendors.door import copy

# A client that leaves in the middle of a command, or speaks something else.
PEER_TROUBLE = (OSError, asyncio.IncompleteReadError, ValueError)


class RedisDoor:
    """A TCP proxy that understands where one command ends and the next begins.

    Attributes:
        counts: commands that were let through, by name, as the vendor counts them.
        refused: commands that were answered with the quota's error.
        refusal: asked at every command; an error's text means that the plan is used up.
    """

    def __init__(self, port: int, redis_url: str, refusal: Callable[[], str | None]) -> None:
        address = urlsplit(redis_url)
        self._behind = (str(address.hostname), address.port or 6379)
        self._port = port
        self._refusal = refusal
        self._open: set[asyncio.StreamWriter] = set()
        self._shut = False
        self.ready = asyncio.Event()
        self.counts: Counter[str] = Counter()
        self.refused = 0

    @property
    def connections(self) -> int:
        return len(self._open)

    async def serve(self) -> None:
        server = await asyncio.start_server(self._welcome, "127.0.0.1", self._port)
        self.ready.set()
        async with server:
            await server.serve_forever()

    def shut(self) -> None:
        """An outage: whoever is connected is cut off, and whoever comes is sent away."""
        self._shut = True
        for writer in list(self._open):
            writer.transport.abort()

    def open(self) -> None:
        self._shut = False

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._shut:
            writer.transport.abort()
            return
        self._open.add(writer)
        try:
            behind_reader, behind = await asyncio.open_connection(*self._behind)
            answers = asyncio.create_task(pass_on(behind_reader, writer))
            try:
                await self._take_commands(reader, writer, behind)
            finally:
                answers.cancel()
                behind.close()
        except PEER_TROUBLE:
            pass  # clients come and go: that is ordinary at a door
        finally:
            self._open.discard(writer)
            writer.close()

    async def _take_commands(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, behind: asyncio.StreamWriter
    ) -> None:
        """Pass commands on, or refuse each, until the client leaves or that changes.

        A connection never mixes the two: an error of ours could overtake an answer that is still on its way.
        """
        refused_before: bool | None = None
        while (command := await next_command(reader)) is not None:
            frame, name = command
            refusal = self._refusal()
            if refused_before is not None and refused_before != (refusal is not None):
                return
            refused_before = refusal is not None
            if refusal is None:
                self.counts[name] += 1
                behind.write(frame)
                await behind.drain()
            else:
                self.refused += 1
                writer.write(f"-{refusal}\r\n".encode())
                await writer.drain()


async def next_command(reader: asyncio.StreamReader) -> tuple[bytes, str] | None:
    """One command as it came, and its name in capitals; None when the client has left.

    Source:
        https://redis.io/docs/latest/develop/reference/protocol-spec/#sending-commands-to-a-redis-server
    """
    line = await reader.readline()
    if not line:
        return None
    if not line.startswith(b"*"):
        return line, name_of(line)
    parts, words = [line], []
    for _ in range(int(line[1:])):
        size = await reader.readline()
        word = await reader.readexactly(int(size[1:]) + 2)
        parts += [size, word]
        words.append(word)
    return b"".join(parts), name_of(b" ".join(words[:1]))


def name_of(word: bytes) -> str:
    return (word.split() or [b""])[0].decode(errors="replace").upper()


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Everything that the server says, as it comes; when the server is gone, so is the client's connection."""
    with suppress(*PEER_TROUBLE):
        await copy(reader, writer)
    writer.transport.abort()
