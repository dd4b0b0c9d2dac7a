"""What can take the frontend down while the backend serves: its deployment, its host, its domain. Pure."""

from datetime import timedelta
from typing import Any

from watchkeeper.diagnosis.case import Case, Cause, Looks
from watchkeeper.model import Fault, Kind
from watchkeeper.policy import Policy
from watchkeeper.rendering import duration

BAD_FRONTEND_DEPLOYMENT = "bad_frontend_deployment"
VERCEL_OUTAGE = "vercel_outage"
DNS_BROKEN = "dns_broken"


def bad_frontend_deployment(looks: Looks, policy: Policy) -> Case:
    """Did we deploy in the last hour? Then consider rolling back, says the guide; of Vercel's deployments too."""
    case = Case(BAD_FRONTEND_DEPLOYMENT, Fault.DEPLOYMENT)
    facts = looks.facts("vercel_deployments")
    current, minutes = facts.get("current") or {}, facts.get("deployed_minutes_ago")
    limit = policy.thresholds.recent_deployment
    recent = minutes is not None and minutes <= limit.total_seconds() / 60
    when = f"{duration(timedelta(minutes=minutes))} ago" if minutes is not None else "at an unknown time"
    what = current.get("commit_message") or current.get("commit_hash") or "unknown commit"
    seen = looks.saw("vercel_deployments")
    none = f"no deployment of the frontend in the last {duration(limit)}"
    case.weigh(4, recent, f"the frontend was deployed {when}: {what}", none, seen=seen)
    status = looks.facts("frontend_health").get("status_code")
    case.weigh(
        4,
        looks.is_bad("frontend_health"),
        f"the site answers {status or 'nothing'}",
        "the site answers 200",
        seen=looks.saw("frontend_health"),
    )
    back = bool(facts.get("previous_good"))
    case.weigh(1, back, "an earlier deployment can be gone back to", "nothing to go back to", seen=seen)
    # Without a recent deployment these tell of a page that is broken, and of nothing that going back would mend.
    if recent and (changed := looks.facts("vercel_variables").get("changed")):
        case.weigh(1, holds=True, evidence=f"variables of the frontend changed lately: {', '.join(changed)}")
    if recent and looks.is_bad("vercel_logs"):
        case.weigh(1, holds=True, evidence=f"Vercel's log: {looks.summary('vercel_logs')}")
    if looks.is_bad("dns"):
        case.weigh(EXPLAINED, holds=False, evidence="", otherwise="the domain itself does not lead there")
    if is_major(looks):
        case.weigh(EXPLAINED, holds=False, evidence="", otherwise="Vercel itself has a major outage")
    return case


# What explains a dead page whatever was deployed: beside it, having deployed is a guess.
EXPLAINED = 8


def is_major(looks: Looks) -> bool:
    """A page is amber every few days, for something that most do not use; only red explains a page that is dead."""
    return looks.facts("vendor_status_vercel").get("indicator") in ("major", "critical")


def vercel_outage(looks: Looks, policy: Policy) -> Case:
    """The vendor's own status page is red, and we feel it."""
    case = Case(VERCEL_OUTAGE, Fault.VENDOR)
    red = looks.is_bad("vendor_status_vercel")
    case.weigh(2, red, f"Vercel: {looks.summary('vendor_status_vercel')}")
    if red and not is_major(looks):
        case.weigh(2, holds=False, evidence="", otherwise="Vercel does not call it a major outage")
    else:
        case.weigh(2, red, "Vercel calls it a major outage")
    case.weigh(4, red and looks.is_bad("frontend_health"), "the site does not answer")
    return case


def dns_broken(looks: Looks, policy: Policy) -> Case:
    """What customers type leads nowhere, or to somebody else; only the registrar or the DNS provider can mend it."""
    case = Case(DNS_BROKEN, Fault.OURS)
    bad = looks.is_bad("dns")
    case.weigh(1, bad, looks.summary("dns"))
    if bad:
        case.advice = advice_on(looks.facts("dns"))
    return case


def advice_on(facts: dict[str, Any]) -> list[str]:
    """What was expected, what was seen from where, and what to look at."""
    domain, expected = facts.get("domain", "the domain"), facts.get("expected", {})
    wanted = "; ".join(f"{kind} {', '.join(records)}" for kind, records in expected.items())
    lines = [f"expected for {domain}: {wanted or 'any address (name the records under services.*.records)'}"]
    lines += [f"seen from {answer['resolver']}: {_seen(answer)}" for answer in facts.get("answers", [])]
    troubles = {answer["trouble"].partition(":")[0] for answer in facts.get("answers", [])}
    lines += [CHECK_AT_REGISTRAR[trouble] for trouble in CHECK_AT_REGISTRAR if trouble in troubles]
    return [*lines, f"see it mended: dig {domain} A AAAA CNAME; it may take one TTL until everybody does"]


# Which part of a domain's way is broken, by what the resolvers answer.
CHECK_AT_REGISTRAR = {
    "NXDOMAIN": "at the registrar: is the domain paid for and not on hold, and are its name servers the DNS provider's?",
    "no address": "at the DNS provider: the name is known and has no address; is the A or CNAME record gone?",
    "SERVFAIL": "at the registrar: does the DNSSEC record (DS) fit the zone's keys, and do its name servers answer?",
    "points elsewhere": "at the DNS provider: who changed the record, and when? If nobody did, secure the account first",
}


def _seen(answer: dict[str, Any]) -> str:
    records = [f"{kind} {', '.join(answer[kind])}" for kind in ("A", "AAAA", "CNAME") if answer[kind]]
    return "; ".join(records) or answer["trouble"] or f"nothing ({answer['unknown']})"


CAUSES = (
    Cause(DNS_BROKEN, Kind.SITE_OUTAGE, dns_broken),
    Cause(VERCEL_OUTAGE, Kind.SITE_OUTAGE, vercel_outage),
    Cause(BAD_FRONTEND_DEPLOYMENT, Kind.SITE_OUTAGE, bad_frontend_deployment),
)
