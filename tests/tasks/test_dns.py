"""Whether the domain still leads somewhere, asked of a real name server on loopback."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import cast

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset
import pytest
import pytest_asyncio

from tasks import dns as dns_tasks
from tasks.dns import domain_records
from watchkeeper.model import Check, CheckStatus

DOMAIN = "shop.example"

Reply = Callable[[dns.message.Message], dns.message.Message | None]


class NameServer(asyncio.DatagramProtocol):
    """Says what it is told to, to whoever asks."""

    def __init__(self) -> None:
        self.port = 0
        self.asked: list[str] = []
        self.reply: Reply = lambda query: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        self.asked.append(query.question[0].name.to_text())
        if reply := self.reply(query):
            self._transport.sendto(reply.to_wire(), address)

    async def look(self, domain: str | None = DOMAIN, expected: dict[str, list[str]] | None = None) -> Check:
        return await domain_records(domain, resolvers=[self.name], expected=expected)

    @property
    def name(self) -> str:
        return f"127.0.0.1:{self.port}"


@pytest_asyncio.fixture
async def server() -> AsyncIterator[NameServer]:
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(NameServer, local_addr=("127.0.0.1", 0))
    yield server
    transport.close()
    await asyncio.sleep(0)


def refuses(code: dns.rcode.Rcode) -> Reply:
    def reply(query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query, recursion_available=True)
        answer.set_rcode(code)
        return answer

    return reply


def leads_to(*addresses: str, **other: str) -> Reply:
    """These addresses, and one record of each other type that is named."""

    def reply(query: dns.message.Message) -> dns.message.Message:
        [asked] = query.question
        kind = dns.rdatatype.to_text(asked.rdtype)
        answer = dns.message.make_response(query, recursion_available=True)
        records = addresses if kind == "A" else [other[kind]] if kind in other else []
        if records:
            answer.answer.append(dns.rrset.from_text(asked.name, 60, "IN", kind, *records))
        return answer

    return reply


async def test_gives_the_addresses_in_order(server: NameServer) -> None:
    server.reply = leads_to("198.51.100.7", "192.0.2.1", AAAA="2001:db8::1")

    check = await server.look()

    assert check.status is CheckStatus.OK
    assert check.facts["addresses"] == ["192.0.2.1", "198.51.100.7", "2001:db8::1"]
    assert check.summary == f"{DOMAIN} -> 192.0.2.1, 198.51.100.7, 2001:db8::1"
    assert server.asked == [f"{DOMAIN}."] * 3


@pytest.mark.parametrize(
    ("code", "trouble"),
    [
        (dns.rcode.NXDOMAIN, "NXDOMAIN"),
        (dns.rcode.NOERROR, "no address"),
        (dns.rcode.SERVFAIL, "SERVFAIL"),
    ],
)
async def test_is_bad_when_the_domain_leads_nowhere(
    server: NameServer, code: dns.rcode.Rcode, trouble: str
) -> None:
    server.reply = refuses(code)

    check = await server.look()

    assert check.status is CheckStatus.BAD
    assert check.facts["addresses"] == []
    assert check.summary == f"{DOMAIN} does not lead to the site: {trouble} (seen from {server.name})"
    assert check.output == f"@{server.name} {DOMAIN}: {trouble}"


@pytest.mark.parametrize(
    ("expected", "trouble"),
    [
        ({"A": ["192.0.2.1"]}, ""),
        ({"A": ["192.0.2.1"], "CNAME": ["CNAME.vercel-dns.example."]}, ""),
        ({"A": ["192.0.2.9"]}, "points elsewhere: A is 192.0.2.1, expected 192.0.2.9"),
        ({"AAAA": ["2001:db8::1"]}, "points elsewhere: AAAA is missing, expected 2001:db8::1"),
        (
            {"A": ["192.0.2.1"], "CNAME": ["other.example"]},
            "points elsewhere: CNAME is cname.vercel-dns.example, expected other.example",
        ),
    ],
)
async def test_compares_with_the_records_that_the_domain_must_have(
    server: NameServer, expected: dict[str, list[str]], trouble: str
) -> None:
    server.reply = leads_to("192.0.2.1", CNAME="cname.vercel-dns.example.")

    check = await server.look(expected=expected)

    assert check.status is (CheckStatus.BAD if trouble else CheckStatus.OK)
    assert check.facts["answers"][0]["trouble"] == trouble


async def test_is_bad_when_one_resolver_of_several_sends_customers_nowhere(
    server: NameServer, unused_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dns_tasks, "LIMIT_SECONDS", 0.3)
    server.reply = refuses(dns.rcode.NXDOMAIN)
    silent = f"127.0.0.1:{unused_port}"

    check = await domain_records(DOMAIN, resolvers=[silent, server.name])

    assert check.status is CheckStatus.BAD
    assert [answer["resolver"] for answer in check.facts["answers"]] == [silent, server.name]
    assert check.summary.endswith(f"NXDOMAIN (seen from {server.name})")


async def test_says_unknown_when_the_name_server_refuses_us(server: NameServer) -> None:
    server.reply = refuses(dns.rcode.REFUSED)

    check = await server.look()

    assert check.status is CheckStatus.UNKNOWN
    assert check.summary == "dns did not answer to resolve: REFUSED"


async def test_does_not_hold_a_broken_resolver_of_this_machine_against_the_domain(
    server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.reply = refuses(dns.rcode.SERVFAIL)
    there = dns_tasks._resolver(server.name)
    monkeypatch.setattr(dns_tasks, "_resolver", lambda name: there)

    check = await domain_records(DOMAIN)

    assert check.status is CheckStatus.UNKNOWN


async def test_says_unknown_when_the_name_server_is_silent(
    server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dns_tasks, "LIMIT_SECONDS", 0.1)

    check = await server.look()

    assert check.status is CheckStatus.UNKNOWN
    assert check.summary == "dns did not answer to resolve: LifetimeTimeout"
    assert check.seconds < 3


async def test_says_unknown_where_no_name_server_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def unset(*, configure: bool) -> dns.asyncresolver.Resolver:
        raise dns.resolver.NoResolverConfiguration("cannot open /etc/resolv.conf")

    monkeypatch.setattr(dns.asyncresolver, "Resolver", unset)

    check = await domain_records(DOMAIN)

    assert check.status is CheckStatus.UNKNOWN
    assert check.summary == "dns did not answer to resolve: NoResolverConfiguration"


@pytest.mark.parametrize("impossible", ["a" * 64 + ".example", "shop..example"])
async def test_says_unknown_to_a_name_that_cannot_be_asked_for(server: NameServer, impossible: str) -> None:
    check = await server.look(impossible)

    assert check.status is CheckStatus.UNKNOWN
    assert server.asked == []


@pytest.mark.parametrize(
    ("domain", "address"), [("localhost", "127.0.0.1"), ("127.0.0.1", "127.0.0.1"), ("::1", "::1")]
)
async def test_asks_nobody_for_what_needs_no_asking(server: NameServer, domain: str, address: str) -> None:
    check = await server.look(domain)

    assert check.facts["addresses"] == [address]
    assert server.asked == []


async def test_says_not_configured_without_a_domain() -> None:
    check = await domain_records(None)

    assert check.status is CheckStatus.NOT_CONFIGURED
