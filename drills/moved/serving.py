"""An app behind a real socket on loopback, for one night."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass
class Served:
    """Where it is, and what answers there: an app may need its own address before it can be made."""

    url: str
    app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.app is None:
            raise LookupError("nobody lives here yet")
        await self.app(scope, receive, send)


@asynccontextmanager
async def serve(app: ASGIApp | None = None) -> AsyncIterator[Served]:
    """Serve until the block ends; the app's lifespan does not run."""
    with socket.socket() as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(("127.0.0.1", 0))
        door.listen()
        door.setblocking(False)
        served = Served(f"http://127.0.0.1:{door.getsockname()[1]}", app)
        server = uvicorn.Server(uvicorn.Config(served, lifespan="off", log_config=None, access_log=False))
        serving = asyncio.create_task(server.serve(sockets=[door]))
        try:
            yield served
        finally:
            server.should_exit = True
            server.force_exit = True
            await serving
