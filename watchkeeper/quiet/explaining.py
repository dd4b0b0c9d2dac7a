"""Why an alert was paged or not, to whom and by which rule, in plain words: out of rows alone."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from watchkeeper.deadlines import read_deadlines
from watchkeeper.errors import BadInput
from watchkeeper.incidents import policy_of, read_incident
from watchkeeper.model import (
    Deadline,
    DeadlineKind,
    DeadlineState,
    Incident,
    TimelineEntry,
    TimelineKind,
    incident_id_of,
    incident_number,
)
from watchkeeper.paging.model import Notification
from watchkeeper.paging.outbox import read_notifications
from watchkeeper.policy import Policy
from watchkeeper.quiet.hours import in_words
from watchkeeper.rendering import duration, one_line, utc, words
from watchkeeper.store import Db, Row
from watchkeeper.timeline import read_timeline

# What calls a person; anything else is news for whom it concerns.
CALLS = frozenset({"page", "ticket", "escalation", "comeback", "contact", "approval", "handover"})

INCIDENT = re.compile(r"INC-\d+", re.IGNORECASE)
PAGES = {"always": "at any hour", "business_hours": "in business hours", "ticket": "nobody: it is a ticket,"}

# What admission decided, by the name that it wrote down.
DECISIONS = {
    "nothing_open_explains_it": "nothing that was open explained it, so it opened {incident}",
    "same_fingerprint": "this very alert belongs to {incident}, which was open already",
    "same_service_already_down": "its service was down already, so it joined {incident}",
    "depends_on_service_already_down": "it depends on a service that was down already, so it joined {incident}",
    "cause_is_known_already": "it came while {incident}, whose cause was known, was being cured",
    "is_what_the_open_incident_depends_on": "{incident} depends on its service, which became what that is about",
    "seen_through_the_same_service": "it is seen through the same service as {incident}, so it joined that",
    "depends_on_the_same_service": "it depends on the same service as {incident}, so it joined that",
    "nothing_open_to_resolve": "it tells that something is over, and nothing of it was open",
    "silenced": "a silence held it back: {held_by}",
    "in_maintenance_window": "it was expected: {held_by}",
    "proof": "it was Watchkeeper's own test alert, which pages Watchkeeper's own phone",
}


# The clocks of a page that waits, and what for.
HELD_FOR = {
    DeadlineKind.PAGE: "",
    DeadlineKind.NIGHT: ", at the latest, for what was signed in advance for the night",
}


class Facts(NamedTuple):
    """What the store knows of one alert. `held` where a silence still holds it back; `told` of its fingerprint."""

    alert: Row
    told: int
    held: Row | None
    incident: Incident | None
    notifications: Sequence[Notification]
    deadlines: Sequence[Deadline]
    timeline: Sequence[TimelineEntry]


async def list_newest(db: Db, policy: Policy, *, limit: int) -> list[str]:
    """The newest alerts, a line each, newest first: what came in, and what was decided."""
    rows = await db.all("alerts/newest", limit=limit)
    return [
        f"{row['id']:>6}  {in_words(row['received_at'], policy)}  {row['source']}: {one_line(row['summary'])}  "
        f"[{words(row['decision'] or 'not decided')}"
        + (f", {incident_number(row['incident_id'])}]" if row["incident_id"] else "]")
        for row in rows
    ]


async def read_facts(db: Db, reference: str) -> Facts:
    """The facts about an alert, named by its number, its fingerprint (the newest), or the incident that it opened.

    Raises:
        BadInput: there is none.
    """
    number = int(reference) if reference.isdecimal() else None
    opened = incident_id_of(reference) if INCIDENT.fullmatch(reference) else None
    alert = await db.one("alerts/find", id=number, fingerprint=reference, incident_id=opened)
    if alert is None:
        raise BadInput(
            f"there is no alert {reference!r}; give its number, its whole fingerprint, or its incident's number "
            "(`watchkeeper explain` alone lists the newest)"
        )
    told = await db.one("alerts/told", fingerprint=alert["fingerprint"])
    held = await db.one("silences/held", fingerprint=alert["fingerprint"])
    known = told["alerts"] if told else 1
    if alert["incident_id"] is None:
        return Facts(alert, known, held, None, [], [], [])
    incident = await read_incident(db, alert["incident_id"])
    return Facts(
        alert,
        known,
        held,
        incident,
        await read_notifications(db, incident.id),
        await read_deadlines(db, incident.id),
        await read_timeline(db, incident.id),
    )


def explain(facts: Facts, policy: Policy) -> list[str]:
    """The whole story of one alert, a sentence a line. An incident is told of by the policy that it started under."""
    rules = policy_of(facts.incident) if facts.incident else policy
    return [
        *_what_it_was(facts),
        *_how_bad(facts, rules),
        _decision(facts),
        *_held(facts, rules),
        *(_paging(facts.incident, facts, rules) if facts.incident else ["Nobody was paged for it."]),
    ]


def _what_it_was(facts: Facts) -> list[str]:
    alert = facts.alert
    word = "fires" if alert["firing"] else "is over"
    lines = [
        f"Alert {alert['id']}: {alert['source']} said on {utc(alert['received_at'])}: "
        f"{one_line(alert['summary'])} ({word})",
        f"It is about {alert['service']} ({words(alert['kind'])}); its fingerprint is {alert['fingerprint']}.",
    ]
    if facts.told > 1:
        lines.append(f"With this fingerprint {facts.told} alerts came in so far.")
    return lines


def _how_bad(facts: Facts, policy: Policy) -> list[str]:
    detail = facts.alert["detail"]
    if "severity" not in detail:
        return []
    why = words(detail["judged"])
    if detail["judged"] == f"kind_{facts.alert['kind']}":
        why = f"that is what kinds.{facts.alert['kind']} in the policy says"
    return [f"It was judged {detail['severity']}: {why}."]


def _decision(facts: Facts) -> str:
    alert = facts.alert
    text = DECISIONS.get(alert["decision"] or "", words(alert["decision"] or "not decided"))
    number = facts.incident.number if facts.incident else "no incident"
    held_by = alert["detail"].get("hold", {}).get("by", "")
    return f"Decided: {text.format(incident=number, held_by=held_by)}."


def _held(facts: Facts, policy: Policy) -> list[str]:
    hold = facts.alert["detail"].get("hold")
    if hold is None:
        return []
    until = in_words(datetime.fromisoformat(hold["until"]), policy)
    if facts.held is not None:
        again = in_words(facts.held["release_at"], policy)
        return [f"It still fires as far as is known. If it does on {again}, it opens its incident then."]
    if facts.incident is not None:
        return [
            f"Before that it was held back until {until} by {hold['by']}; it still fired when that ended."
        ]
    return [
        f"That held until {until}, and nothing waits for it: it went quiet, or it is of a kind that never ends."
    ]


def _paging(incident: Incident, facts: Facts, policy: Policy) -> list[str]:
    rule = policy.rule(incident.severity)
    channels = ", ".join(rule.channels)
    lines = [
        f"{incident.number} is a {incident.severity}: severities.{incident.severity} pages "
        f"{PAGES[rule.pages]} by {channels}, and asks for an answer within {duration(rule.acknowledge_within)}."
    ]
    lines += [
        f"  {utc(entry.at)}  {entry.text}"
        for entry in facts.timeline
        if entry.kind in (TimelineKind.DECISION, TimelineKind.ACKNOWLEDGED)
        or entry.text.startswith("Not paged")
    ]
    calls = [each for each in facts.notifications if each.purpose in CALLS]
    lines += [f"Who was called: {'' if calls else 'nobody so far.'}".rstrip(), *map(_call, calls)]
    return lines + [
        f"The page is held until {in_words(each.due_at, policy)}{HELD_FOR[each.kind]}."
        for each in facts.deadlines
        if each.kind in HELD_FOR and each.state is DeadlineState.PENDING
    ]


def _call(notification: Notification) -> str:
    when = utc(notification.sent_at) if notification.sent_at else "not sent yet"
    error = f" ({one_line(notification.error)})" if notification.error else ""
    return (
        f"  {when}  {notification.recipient} by {notification.channel}: "
        f"{notification.purpose}, {notification.state}{error}"
    )
