"""TLS for our HTTP clients."""

import ssl
from functools import cache

import certifi


@cache
def tls_context() -> ssl.SSLContext:
    """One context for every client of a process: loading the certificates anew costs each of them 30 ms."""
    return ssl.create_default_context(cafile=certifi.where())
