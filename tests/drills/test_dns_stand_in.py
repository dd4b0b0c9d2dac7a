"""The domain's stand-in name server, and UptimeRobot's, which finds its monitors through it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.resolver
import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.routing import Route

from drills.vendors.config import Dns
from drills.vendors.dns import DnsServer
from drills.vendors.uptimerobot import DOWN, UP, look_at
from tasks.dns import domain_records
from tests.tasks.conftest import Answer, open_wire
from watchkeeper.model import CheckStatus

NAME = "www.shop.example"


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


class Server:
    """The stand-in, told what to do as a drill tells it."""

    def __init__(self) -> None:
        self.port = free_udp_port()
        self.dns = DnsServer(Dns(port=self.port, zone={NAME: {"A": ["127.0.0.1"], "AAAA": ["::1"]}}))

    async def do(self, **told: Any) -> None:
        app = Starlette(routes=[Route("/answer", self.dns.controls()["answer"], methods=["POST"])])
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://dns") as client:
            (await client.post("/answer", json=told)).raise_for_status()


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    living = asyncio.create_task(made.dns.live())
    async with asyncio.timeout(5):
        while True:
            try:
                await made.dns.resolve(NAME)
                break
            except (dns.exception.DNSException, OSError):
                await asyncio.sleep(0.01)
    yield made
    living.cancel()
    await asyncio.gather(living, return_exceptions=True)


@pytest.mark.parametrize(
    ("told", "trouble"),
    [
        ({"mode": "nxdomain"}, "NXDOMAIN"),
        ({"mode": "servfail"}, "SERVFAIL"),
        ({"mode": "empty"}, "no address"),
        (
            {"mode": "elsewhere", "address": "127.0.0.9"},
            "points elsewhere: A is 127.0.0.9, expected 127.0.0.1",
        ),
    ],
)
async def test_is_seen_to_be_broken_and_well_again(
    server: Server, told: dict[str, str], trouble: str
) -> None:
    async def seen() -> tuple[CheckStatus, str]:
        check = await domain_records(
            NAME, resolvers=[f"127.0.0.1:{server.port}"], expected={"A": ["127.0.0.1"]}
        )
        return check.status, check.facts["answers"][0]["trouble"]

    await server.do(**told)
    assert await seen() == (CheckStatus.BAD, trouble)

    server.dns.reset()
    assert await seen() == (CheckStatus.OK, "")


async def test_knows_no_other_names(server: Server) -> None:
    with pytest.raises(dns.resolver.NXDOMAIN):
        await server.dns.resolve("other.example")


async def test_a_monitor_is_down_when_its_name_leads_nowhere_though_its_page_is_served(
    server: Server,
) -> None:
    async with open_wire() as wire, httpx.AsyncClient(timeout=5) as client:
        wire.answers(Answer(200, b"hello"))
        url = f"{wire.url.replace('127.0.0.1', NAME)}/"

        assert (await look_at(client, url, server.dns.resolve))[0] == UP
        assert wire.asked[0].headers["host"] == url.split("/")[2]

        await server.do(mode="nxdomain")
        assert await look_at(client, url, server.dns.resolve) == (DOWN, "DNS resolving problem (NXDOMAIN)")

        await server.do(mode="elsewhere", address="127.0.0.9")
        assert (await look_at(client, url, server.dns.resolve))[0] == DOWN
