"""The domain's name server, on UDP: it answers for the company's names, and as wrongly as the drill says."""

import asyncio
from typing import Any, cast

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset
from starlette.requests import Request
from starlette.responses import JSONResponse

from drills.vendors.config import Dns
from drills.vendors.vendor import Handler, Vendor

TTL_SECONDS = 1
RESOLVE_SECONDS = 2.0
RCODES = {"nxdomain": dns.rcode.NXDOMAIN, "servfail": dns.rcode.SERVFAIL, "refused": dns.rcode.REFUSED}
WELL = {"mode": "well"}


class DnsServer(Vendor):
    """Modes: "well", "nxdomain", "servfail", "refused", "empty" (no records), "silent", and "elsewhere", where every
    name has the address that was named with it."""

    def __init__(self, config: Dns) -> None:
        self._config = config
        self._zone = {dns.name.from_text(name): records for name, records in config.zone.items()}
        self._now: dict[str, str] = dict(WELL)
        self.asked = 0

    def controls(self) -> dict[str, Handler]:
        return {"answer": self.set_mode}

    def state(self) -> dict[str, Any]:
        return {"mode": self._now["mode"], "asked": self.asked}

    def reset(self) -> None:
        self._now = dict(WELL)

    async def set_mode(self, request: Request) -> JSONResponse:
        self._now = await request.json()
        return JSONResponse(self._now)

    async def live(self) -> None:
        loop = asyncio.get_running_loop()
        where = ("127.0.0.1", self._config.port)
        transport, _ = await loop.create_datagram_endpoint(lambda: _Protocol(self), local_addr=where)
        try:
            await asyncio.Event().wait()
        finally:
            transport.close()

    def answer(self, query: dns.message.Message) -> dns.message.Message | None:
        """The answer to one question; None for silence."""
        self.asked += 1
        mode, [asked] = self._now["mode"], query.question
        if mode == "silent":
            return None
        answer = dns.message.make_response(query, recursion_available=True)
        answer.flags |= dns.flags.AA
        records = self._zone.get(asked.name)
        if mode in RCODES or records is None:
            answer.set_rcode(RCODES.get(mode, dns.rcode.NXDOMAIN))
            return answer
        kind = dns.rdatatype.to_text(asked.rdtype)
        if mode == "elsewhere":
            records = {"A": [self._now["address"]]}
        if mode != "empty" and kind in records:
            answer.answer.append(dns.rrset.from_text(asked.name, TTL_SECONDS, "IN", kind, *records[kind]))
        return answer

    async def resolve(self, name: str) -> str:
        """An address of this name, asked for over the wire as anybody would.

        Raises:
            dns.exception.DNSException: there is none.
        """
        resolver = dns.asyncresolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], self._config.port
        return str((await resolver.resolve(name, "A", lifetime=RESOLVE_SECONDS))[0])


class _Protocol(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self._server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        try:
            query = dns.message.from_wire(data)
        except dns.exception.DNSException:
            return  # not a question
        if answer := self._server.answer(query):
            self._transport.sendto(answer.to_wire(), address)
