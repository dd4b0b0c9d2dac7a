"""A door in front of a server, as a hosted database's pooler is one: what comes in is passed on, until it is closed."""

import asyncio
from contextlib import suppress

CHUNK_BYTES = 65536


class Door:
    """Listens on a loopback port and passes every connection on to a Unix socket.

    Closed, it still listens, so that nobody else gets the port, and hangs up on everybody.
    """

    def __init__(self, port: int, socket_path: str) -> None:
        self._port = port
        self._socket_path = socket_path
        self._inside: set[asyncio.StreamWriter] = set()
        self.is_open = True
        self.passed = 0
        self.turned_away = 0

    async def listen(self) -> None:
        """For ever."""
        server = await asyncio.start_server(self._enter, "127.0.0.1", self._port)
        async with server:
            await server.serve_forever()

    def open(self) -> None:
        self.is_open = True

    def close(self) -> None:
        """Hang up on everybody who is inside, and let nobody in."""
        self.is_open = False
        for writer in self._inside:
            writer.transport.abort()

    async def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.is_open:
            self.turned_away += 1
            writer.transport.abort()
            return
        self.passed += 1
        self._inside.add(writer)
        try:
            await self._pass_on(reader, writer)
        except OSError:
            pass  # one of the two sides is gone
        finally:
            self._inside.discard(writer)
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_unix_connection(self._socket_path)
        ways = [asyncio.create_task(copy(*way)) for way in ((reader, inner_writer), (inner_reader, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            inner_writer.close()
            with suppress(OSError):
                await inner_writer.wait_closed()


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Everything that is read, until there is no more."""
    while chunk := await reader.read(CHUNK_BYTES):
        writer.write(chunk)
        await writer.drain()
