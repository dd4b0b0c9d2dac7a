"""Asking a vendor's support, as the guide names it: a note that is ready to be sent, by a person. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote, urlencode

from watchkeeper.model import Check, Finding, Incident, Reading
from watchkeeper.policy import Policy
from watchkeeper.rendering import one_line, render, utc

# A mail program takes an address of about this length, and support reads no more.
LONGEST_OBSERVED = 8
LONGEST_LINE = 300


class Support(NamedTuple):
    """Where a vendor's support is reached: by the guide's emergency contacts, or through its form."""

    title: str
    email: str | None
    form: str | None

    @property
    def where(self) -> str:
        return self.email or self.form or ""


SUPPORT = {
    "supabase": Support("Supabase", "support@supabase.io", "https://supabase.com/dashboard/support/new"),
    "railway": Support("Railway", "team@railway.app", "https://station.railway.com"),
    "stripe": Support("Stripe", None, "https://support.stripe.com/contact"),
}


class SupportNote(NamedTuple):
    """One note, ready to be sent."""

    vendor: str
    support: Support
    subject: str
    text: str

    @property
    def mail_link(self) -> str | None:
        """Opens it in the mail program, where the vendor takes mail."""
        if self.support.email is None:
            return None
        values = urlencode({"subject": self.subject, "body": self.text}, quote_via=quote)
        return f"mailto:{self.support.email}?{values}"


def write_note(
    vendor: str,
    *,
    what: str,
    since: datetime | None,
    identifiers: Iterable[str],
    observed: Iterable[str],
    question: str = "Do you see an incident on your side, and when may we expect it to be over?",
) -> SupportNote:
    """The one mechanism for all of them: what fails, since when, what identifies us, what was seen, and our question."""
    support = SUPPORT[vendor]
    text = render(
        "messages/support.txt.j2",
        vendor=support.title,
        what=what,
        since=utc(since) if since else "not known",
        identifiers=list(identifiers),
        observed=[one_line(each)[:LONGEST_LINE] for each in observed][:LONGEST_OBSERVED],
        question=question,
    )
    return SupportNote(vendor, support, f"{support.title}: {one_line(what)}"[:120], text.strip() + "\n")


def notes_for(
    incident: Incident,
    policy: Policy,
    findings: Sequence[Finding],
    checks: Sequence[Check],
    readings: Sequence[Reading],
) -> list[SupportNote]:
    """A note for each vendor on whose part the incident's service stands, or whom a finding names."""
    return [
        write_note(
            vendor,
            what=f"{incident.service} of ours fails",
            since=incident.started_at,
            identifiers=identifiers_of(vendor, incident.service, policy),
            observed=observed_of(vendor, incident, findings, checks, readings),
        )
        for vendor in SUPPORT
        if concerns(vendor, incident, policy, findings)
    ]


def concerns(vendor: str, incident: Incident, policy: Policy, findings: Sequence[Finding]) -> bool:
    named = any(vendor in finding.cause for finding in findings)
    return named or bool(identifiers_of(vendor, incident.service, policy))


def identifiers_of(vendor: str, affected: str, policy: Policy) -> list[str]:
    """What the vendor finds us by: its own ids of the service that is affected and of what it needs."""
    names = [affected, *sorted(policy.depends_on(affected))]
    services = [(name, policy.services[name]) for name in names if name in policy.services]
    found: list[str] = []
    for name, service in services:
        if vendor == "supabase" and service.supabase:
            found.append(f"{name}: project {service.supabase.project_ref}")
        if vendor == "railway" and service.railway:
            here = service.railway
            ids = f"project {here.project_id}, environment {here.environment_id}, service {here.service_id}"
            found.append(f"{name}: {ids}")
        if vendor == "stripe" and service.stripe:
            found.append(f"{name}: webhook endpoint {service.stripe.endpoint_url}")
        if vendor == "upstash" and service.upstash:
            found.append(f"{name}: database {service.upstash.database_id}")
        if vendor == "vercel" and service.vercel:
            found.append(f"{name}: project {service.vercel.project_id}, team {service.vercel.team_id}")
    return found


def observed_of(
    vendor: str,
    incident: Incident,
    findings: Sequence[Finding],
    checks: Sequence[Check],
    readings: Sequence[Reading],
) -> list[str]:
    """With its time: the alert, what our looks at this vendor gave, what failed last, and what we make of it."""
    looks = [
        f"{utc(check.observed_at)} {check.name}: {check.summary}"
        for check in checks
        if check.system == vendor or check.name == f"vendor_status_{vendor}"
    ]
    failed = {reading.probe: reading for reading in readings if not reading.ok}
    seen = [f"{utc(r.observed_at)} {r.service} {r.probe}: {r.detail or 'failed'}" for r in failed.values()]
    believed = [
        f"we take it for: {f.cause.replace('_', ' ')} ({'; '.join(f.evidence)}){f.doubt}"
        for f in findings[:1]
    ]
    return [f"{utc(incident.started_at)} {incident.summary}", *looks, *seen, *believed]
