"""HTTP between the parts of the stand-in world, all of which are on loopback."""

import ssl
from typing import Any

import httpx

# Nothing is encrypted there, but each client would load a hundred certificates: 30 ms of CPU, and megabytes.
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def http_client(**options: Any) -> httpx.AsyncClient:
    """A client that could not speak to anybody by TLS."""
    return httpx.AsyncClient(verify=NO_CERTIFICATES, **options)
