"""Whether the domain still leads where it should, asked of each name server on its own."""

import asyncio
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

import dns.asyncresolver
import dns.exception
import dns.rcode
import dns.resolver

from tasks.looking import Seen, look
from tasks.shapes import look_task
from watchkeeper.errors import NotConfigured, VendorUnavailable
from watchkeeper.model import Check

LIMIT_SECONDS = 4.0
PORT = 53
LOCAL = "localhost"
OWN_RESOLVER = "this machine's resolver"
TYPES = ("A", "AAAA", "CNAME")

Answer = dict[str, Any]


async def domain_records(
    domain: str | None,
    *,
    resolvers: Sequence[str] = (),
    expected: Mapping[str, Sequence[str]] | None = None,
) -> Check:
    """What the domain's records are at every resolver; bad where one says that it leads nowhere, or elsewhere.

    Args:
        resolvers: addresses of name servers, with or without a port; none for this machine's own.
        expected: the records that it must have, by type; a type that is not named is not compared.
    """
    wanted = {kind: normal(records) for kind, records in (expected or {}).items()}

    async def read() -> Seen:
        if domain is None:
            raise NotConfigured("the site's domain", setting="services.frontend.domain")
        if domain == LOCAL or _is_address(domain):
            return _needs_no_asking(domain)
        asked = resolvers or [OWN_RESOLVER]
        answers = await asyncio.gather(*(_ask(domain, resolver, wanted) for resolver in asked))
        return _judge(domain, list(answers), wanted)

    return await look("dns", "dns", f"dig {domain} A AAAA CNAME", read)


def normal(records: Sequence[str]) -> list[str]:
    """Records as they are compared: without the root's dot, in lower case, in order."""
    return sorted(record.rstrip(".").lower() for record in records)


def _needs_no_asking(domain: str) -> Seen:
    address = "127.0.0.1" if domain == LOCAL else domain
    facts = {"domain": domain, "addresses": [address], "expected": {}, "answers": []}
    return Seen(True, f"{domain} -> {address}", facts)


async def _ask(domain: str, resolver: str, wanted: Mapping[str, list[str]]) -> Answer:
    """One resolver's records of each type. `trouble`: why customers behind it do not get there; `unknown`: why it
    says nothing about that."""
    found = await asyncio.gather(*(_resolve(domain, kind, resolver) for kind in TYPES))
    records = {kind: seen for kind, (seen, _) in zip(TYPES, found, strict=True)}
    answer: Answer = {"resolver": resolver, **records, "trouble": "", "unknown": ""}
    address_error = found[0][1]
    if records["A"] or records["AAAA"]:
        answer["trouble"] = _elsewhere(records, wanted)
    elif address_error in ("NXDOMAIN", "no address"):
        answer["trouble"] = address_error
    elif address_error == "SERVFAIL" and resolver != OWN_RESOLVER:
        # A resolver that was chosen and cannot answer finds the zone broken; this machine's own may be broken itself.
        answer["trouble"] = address_error
    else:
        answer["unknown"] = address_error
    return answer


def _elsewhere(records: Mapping[str, list[str]], wanted: Mapping[str, list[str]]) -> str:
    differ = [
        f"{kind} is {', '.join(records[kind]) or 'missing'}, expected {', '.join(expected)}"
        for kind, expected in wanted.items()
        if records[kind] != expected
    ]
    return f"points elsewhere: {'; '.join(differ)}" if differ else ""


def _judge(domain: str, answers: list[Answer], wanted: Mapping[str, list[str]]) -> Seen:
    troubled = [answer for answer in answers if answer["trouble"]]
    if all(answer["unknown"] for answer in answers):
        raise VendorUnavailable(vendor="dns", action="resolve", reason=answers[0]["unknown"])
    addresses = sorted({a for answer in answers for a in [*answer["A"], *answer["AAAA"]]})
    facts = {"domain": domain, "addresses": addresses, "expected": dict(wanted), "answers": answers}
    words = f"{domain} -> {', '.join(addresses)}"
    if troubled:
        first, places = troubled[0], ", ".join(answer["resolver"] for answer in troubled)
        words = f"{domain} does not lead to the site: {first['trouble']} (seen from {places})"
    return Seen(not troubled, words, facts, output="\n".join(line_of(domain, answer) for answer in answers))


def line_of(domain: str, answer: Answer) -> str:
    """One resolver's answer in a line."""
    records = [f"{kind} {', '.join(answer[kind])}" for kind in TYPES if answer[kind]]
    return f"@{answer['resolver']} {domain}: {'; '.join(records) or answer['trouble'] or answer['unknown']}"


async def _resolve(domain: str, kind: str, resolver: str) -> tuple[list[str], str]:
    """The records of one type at one resolver, and in a word why there are none."""
    try:
        answer = await _resolver(resolver).resolve(domain, kind, lifetime=LIMIT_SECONDS)
    except dns.resolver.NXDOMAIN:
        return [], "NXDOMAIN"
    except dns.resolver.NoAnswer:
        return [], "no address"
    except dns.resolver.NoNameservers as error:
        return [], _refusal(error)
    except (dns.exception.DNSException, OSError) as error:
        return [], type(error).__name__
    return normal([str(record) for record in answer]), ""


def _resolver(name: str) -> dns.asyncresolver.Resolver:
    if name == OWN_RESOLVER:
        return dns.asyncresolver.Resolver(configure=True)
    resolver = dns.asyncresolver.Resolver(configure=False)
    address, _, port = name.partition(":") if name.count(":") == 1 else (name, "", "")
    resolver.nameservers, resolver.port = [address], int(port or PORT)
    return resolver


def _refusal(error: dns.resolver.NoNameservers) -> str:
    """The response code with which the name server refused, such as SERVFAIL."""
    responses = [told[4] for told in error.kwargs.get("errors", []) if told[4] is not None]
    return dns.rcode.to_text(responses[-1].rcode()) if responses else "NoNameservers"


def _is_address(domain: str) -> bool:
    try:
        ip_address(domain)
    except ValueError:
        return False
    return True


check_dns = look_task("check_dns", "dns")(domain_records)
