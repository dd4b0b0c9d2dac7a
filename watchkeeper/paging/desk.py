"""What people are told and when: messages composed from an incident and put into the outbox.

Everything here runs inside the transaction that makes telling necessary, so that a page is never forgotten
between a decision and its message.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from watchkeeper import messages
from watchkeeper.deadlines import cancel, next_deadline, set_deadline
from watchkeeper.decisions import (
    Route,
    first_pages,
    routes_to_person,
    status_in_words,
    ticket_routes,
)
from watchkeeper.figures.estimates import read_similar
from watchkeeper.figures.repeats import read_earlier, repeat_in_words
from watchkeeper.incidents import MAX_ATTEMPTS, policy_of
from watchkeeper.links import PageOf, create_link, incident_address
from watchkeeper.model import Channel, DeadlineKind, Finding, Incident, Remediation, Severity, TimelineKind
from watchkeeper.oncall import Shift
from watchkeeper.oncall.shifts import describe, shift_at
from watchkeeper.paging.contact import ask_contact
from watchkeeper.paging.ladder import calls_after
from watchkeeper.paging.model import Purpose
from watchkeeper.paging.outbox import Told, tell, told_of_start
from watchkeeper.policy import Policy
from watchkeeper.quiet.hours import routes_now
from watchkeeper.quiet.worth import ask_worth, written_to
from watchkeeper.remediations import read_remediations
from watchkeeper.rendering import words
from watchkeeper.status_page.board import belongs_on_page, functionality
from watchkeeper.status_page.posting import post_all_clear
from watchkeeper.status_page.wording import Ending
from watchkeeper.store import Db
from watchkeeper.timeline import record

# An acknowledge link outlives the night in which it was sent, and not much more.
LINK_LIFE = timedelta(hours=24)
# Room for the looks of one hand-over that a flapping alert puts off, before the numbers of the next.
LOOKS_OF_HAND_OVER = 100
# A ticket lies over a weekend, or over the holidays.
TICKET_LINK_LIFE = timedelta(days=14)


@dataclass(frozen=True)
class Desk:
    """Where pages are written: the policy in force and the address that links start with."""

    policy: Policy
    public_url: str

    def incident_url(self, incident: Incident) -> str:
        """The address of the incident's page for a channel: it shows, and nobody acts by it."""
        return incident_address(self.public_url, PageOf(incident.id))

    def own_url(self, incident: Incident, viewer: str, *, until: datetime) -> str:
        """The address of the page for one person, who may act by it for a while."""
        return incident_address(self.public_url, PageOf(incident.id, viewer, until))


async def page_first(
    db: Db, desk: Desk, incident: Incident, *, doing: str, now: datetime, tried: str = ""
) -> None:
    """Wake whoever has it or is first on call, and tell the team's channel."""
    shift = await shift_for(db, desk, incident, now=now)
    if shift.nobody_can_be_reached:
        await ask_contact(db, desk.policy, incident, shift, key="away", now=now)
    earlier = await read_earlier(db, incident.id)
    before = repeat_in_words(earlier, desk.policy, now) if earlier else None
    for route in first_pages(incident.severity, desk.policy, shift, incident.acknowledged_by):
        link = await _acknowledge_link(db, desk, incident, route.recipient, now)
        name = desk.policy.people[route.recipient].name
        message = messages.page(
            incident,
            name,
            now=now,
            acknowledge_link=link,
            incident_link=desk.own_url(incident, route.recipient, until=now + LINK_LIFE),
            doing=doing,
            before=before,
            tried=tried,
        )
        await tell(db, incident, f"page:{incident.severity}", Purpose.PAGE, route, message, now)
    updates = [before.text] if before else []
    await announce(db, desk, incident, doing=[doing], updates=updates, now=now)


async def wake(db: Db, desk: Desk, incident: Incident, why: str, *, now: datetime) -> bool:
    """The first page waits no longer for what was signed in advance: it goes out, with what was tried.

    Returns:
        Whether it was waiting; exactly one caller hears that it was.
    """
    # Its clock first: whoever deals with that has it locked, and takes the page's own lock next.
    await cancel(db, incident.id, [DeadlineKind.NIGHT], now=now)
    held = await db.one("night/wake", incident_id=incident.id, why=why, now=now)
    if held is None:
        return False
    tried = [r for r in await read_remediations(db, incident.id) if r.claimed_at is not None]
    done = "; ".join(f"{r.plan.summary} ({r.state})" for r in tried) or "nothing"
    text = f"The page that waited since {held['held_at']:%H:%M} UTC goes out: {why}. Tried meanwhile: {done}"
    await record(db, incident.id, TimelineKind.DECISION, text, now=now)
    await update_team(db, desk, incident, text, key="woken", now=now)
    short = f"tried {words(tried[-1].action)}" if tried else "nothing tried"
    await page_first(db, desk, incident, doing=text, tried=short, now=now)
    return True


async def send_ticket(
    db: Db, desk: Desk, incident: Incident, *, answer_by: str, key: str, now: datetime
) -> None:
    """Write to whoever is first on call, and to the ticket system where the policy names its address."""
    shift = await shift_for(db, desk, incident, now=now)
    link = await _acknowledge_link(db, desk, incident, shift.first, now, life=TICKET_LINK_LIFE)
    for route in ticket_routes(desk.policy, shift):
        message = messages.ticket(
            incident,
            now=now,
            answer_by=answer_by,
            # Whoever reads the ticket system must not be able to answer as the person on call.
            acknowledge_link=link if route.recipient == shift.first else None,
            incident_link=desk.incident_url(incident),
        )
        await tell(db, incident, key, Purpose.TICKET, route, message, now)


async def page_because(
    db: Db,
    desk: Desk,
    incident: Incident,
    routes: Sequence[Route],
    why: str,
    *,
    what: str,
    purpose: Purpose,
    now: datetime,
) -> None:
    """Page these, with the reason for which it comes to them. `what` makes asking twice one message each."""
    for route in routes:
        link = await _acknowledge_link(db, desk, incident, route.recipient, now)
        message = messages.escalation(
            incident,
            now=now,
            why=why,
            acknowledge_link=link,
            incident_link=desk.own_url(incident, route.recipient, until=now + LINK_LIFE),
        )
        await tell(db, incident, what, purpose, route, message, now)


async def announce(
    db: Db,
    desk: Desk,
    incident: Incident,
    *,
    doing: Sequence[str],
    now: datetime,
    key: str = "announce:start",
    updates: Sequence[str] = (),
) -> None:
    """Post the guide's alert to the team's channel, where the severity asks for it."""
    if Channel.SLACK not in desk.policy.rule(incident.severity).channels:
        return
    message = messages.announcement(
        incident,
        now=now,
        status=status_in_words(incident.status),
        eta=await _eta(db, incident),
        doing=list(doing),
        updates=list(updates),
        document_link=desk.incident_url(incident),
        features=functionality(incident.service, desk.policy),
        next_due=await _next_update(db, desk, incident, now=now),
    )
    route = Route(desk.policy.chat_channel, Channel.SLACK, [])
    await tell(db, incident, key, Purpose.ANNOUNCEMENT, route, message, now)


async def _eta(db: Db, incident: Incident) -> str | None:
    """The guide's "ETA: if known": known is what similar incidents of the past took."""
    found = await read_similar(db, incident)
    return found.in_words() if found.median is not None else None


async def update_team(db: Db, desk: Desk, incident: Incident, text: str, *, key: str, now: datetime) -> None:
    """Say in the incident's thread what happened, and when the next update is promised, where the severity is told of
    in the team's channel."""
    if Channel.SLACK not in desk.policy.rule(incident.severity).channels:
        return
    due = await _next_update(db, desk, incident, now=now)
    message = messages.update(incident, now=now, text=text, next_due=due)
    route = Route(desk.policy.chat_channel, Channel.SLACK, [])
    await tell(db, incident, f"update:{key}", Purpose.UPDATE, route, message, now)


async def tell_of_taking(db: Db, desk: Desk, incident: Incident, had_it: str, *, now: datetime) -> None:
    """Somebody has taken it over: whoever had it hears so, and so does the team."""
    handle = incident.acknowledged_by or ""
    names = [
        desk.policy.people[each].name if each in desk.policy.people else each for each in (handle, had_it)
    ]
    text = f"{names[0]} has taken it over from {names[1]}"
    key = f"taken:{handle}:{now.isoformat()}"
    await update_team(db, desk, incident, text, key=key, now=now)
    if had_it in desk.policy.people:
        message = messages.update(incident, now=now, text=f"{incident.number}: {text}", next_due=None)
        for route in routes_to_person(had_it, [Channel.SMS, Channel.EMAIL], desk.policy)[:1]:
            await tell(db, incident, f"update:{key}", Purpose.UPDATE, route, message, now)


def update_key(desk: Desk, incident: Incident, key: str) -> str:
    """The message in the outbox that `update_team` writes under this key."""
    return f"{incident.number}:update:{key}:{desk.policy.chat_channel}:{Channel.SLACK}"


async def _next_update(db: Db, desk: Desk, incident: Incident, *, now: datetime) -> datetime | None:
    """When the next update is due; of an incident that is just being opened, when it will be."""
    due = await next_deadline(db, incident.id, DeadlineKind.UPDATE)
    every = desk.policy.rule(incident.severity).update_every
    return due.due_at if due else now + every if every else None


async def remind_of_maintenance(
    db: Db, desk: Desk, incident: Incident, text: str, *, number: int, now: datetime
) -> None:
    """Maintenance mode is on: said in the team's channel, and to the first on call by text and email."""
    key = f"maintenance-on:{number}"
    await update_team(db, desk, incident, text, key=key, now=now)
    message = messages.update(incident, now=now, text=text, next_due=None)
    shift = await shift_at(db, desk.policy, now=now)
    for route in routes_to_person(shift.first, [Channel.SMS, Channel.EMAIL], desk.policy):
        await tell(db, incident, f"update:{key}", Purpose.UPDATE, route, message, now)


async def request_approval(
    db: Db, desk: Desk, incident: Incident, remediation: Remediation, *, now: datetime
) -> None:
    """Send everyone on call a link of their own that decides on exactly this plan."""
    await wake(db, desk, incident, "a change needs an approval", now=now)
    expires_at = remediation.expires_at or now + LINK_LIFE
    shift = await shift_for(db, desk, incident, now=now)
    for route in _everyone_on_call(incident, desk.policy, shift, now):
        link = await create_link(
            db,
            public_url=desk.public_url,
            purpose="approve",
            incident_id=incident.id,
            person=route.recipient,
            expires_at=expires_at,
            remediation_id=remediation.id,
            plan_digest=remediation.plan_digest,
        )
        page = desk.own_url(incident, route.recipient, until=now + LINK_LIFE)
        message = messages.approval_request(
            incident, remediation, now=now, approve_link=link, incident_link=page
        )
        await tell(db, incident, f"approval:{remediation.id}", Purpose.APPROVAL, route, message, now)
    if Channel.SLACK in desk.policy.rule(incident.severity).channels:
        post, team = (
            messages.approval_post(incident, remediation),
            Route(desk.policy.chat_channel, Channel.SLACK, []),
        )
        await tell(db, incident, f"approval:{remediation.id}", Purpose.APPROVAL, team, post, now)


async def hand_over(
    db: Db, desk: Desk, incident: Incident, why: str, findings: Sequence[Finding], *, now: datetime
) -> None:
    """Wake everyone on call with all that was learned: from here a person goes on."""
    await wake(db, desk, incident, why, now=now)
    tried = await read_remediations(db, incident.id)
    shift = await shift_for(db, desk, incident, now=now)
    for route in _everyone_on_call(incident, desk.policy, shift, now):
        message = messages.handover(
            incident,
            now=now,
            why=why,
            findings=list(findings),
            tried=tried,
            incident_link=desk.own_url(incident, route.recipient, until=now + LINK_LIFE),
        )
        await tell(db, incident, f"handover:{incident.attempt}", Purpose.HANDOVER, route, message, now)
    text = f"Handed over to the people on call: {why}"
    await record(db, incident.id, TimelineKind.DECISION, text, now=now, key=f"handover:{incident.attempt}")
    await update_team(db, desk, incident, text, key=f"handover:{incident.attempt}", now=now)
    if incident.attempt < MAX_ATTEMPTS:
        # Each look that found it still broken makes the next one wait twice as long.
        looked_at = now + desk.policy.verification.stable_for * 2 ** (incident.attempt - 1)
        number = incident.attempt * LOOKS_OF_HAND_OVER
        await set_deadline(db, incident.id, DeadlineKind.WATCH, number, looked_at, now=now)


async def tell_resolved(
    db: Db, desk: Desk, incident: Incident, *, cause: str, resolution: str, proved: bool, now: datetime
) -> None:
    """Say that it is over to all who were told of the start, by the way they were told, and to nobody else."""
    links = await ask_worth(db, desk.public_url, incident, now=now)
    affected = functionality(incident.service, desk.policy)
    # Customers have words of their own.
    told_somehow = await told_of_start(db, incident.id)
    everyone = without_calls([each for each in told_somehow if each.channel != Channel.STATUS_PAGE])
    for told in everyone:
        link = links.get(told.recipient) if told == written_to(told.recipient, everyone) else None
        message = messages.resolved(
            incident,
            now=now,
            cause=cause,
            resolution=resolution,
            proved=proved,
            question_link=link,
            to_test=affected if proved and told.recipient == incident.acknowledged_by else None,
        )
        # Who was called may have been so because no text message got through.
        fallback = [] if told in told_somehow else [Channel.EMAIL]
        route = Route(told.recipient, Channel(told.channel), fallback)
        await tell(db, incident, "resolved", Purpose.RESOLVED, route, message, now)
    ending: Ending = "proved" if proved else "said"
    await post_all_clear(db, desk.policy, incident, ending=ending, now=now)


def without_calls(told: Sequence[Told]) -> list[Told]:
    """Nobody is called up to hear that they may sleep on: whoever was told by nothing but a call gets a text message."""
    written = [each for each in told if each.channel != Channel.VOICE]
    reached = {each.recipient for each in written}
    called = [each.recipient for each in told if each.channel == Channel.VOICE]
    return written + [Told(each, Channel.SMS) for each in called if each not in reached]


def _everyone_on_call(incident: Incident, policy: Policy, shift: Shift, now: datetime) -> list[Route]:
    channels = [c for c in policy.rule(incident.severity).channels if c not in (Channel.SLACK, Channel.VOICE)]
    routes = [route for handle in shift.in_turn for route in routes_to_person(handle, channels, policy)]
    return routes_now(routes, incident.severity, policy, now)


async def shift_for(db: Db, desk: Desk, incident: Incident, *, now: datetime) -> Shift:
    """Who is on call at this moment. Whom that skips, and why, goes on the timeline, once for each absence."""
    shift = await shift_at(db, desk.policy, now=now)
    for handle in shift.people:
        if handle in shift.away:
            paged = "Paged all the same" if shift.nobody_can_be_reached else "Not paged"
            text = f"{paged}: {describe(shift.away[handle], desk.policy)}"
            key = f"away:{handle}:{shift.away[handle].ends_at.isoformat()}"
            await record(db, incident.id, TimelineKind.PAGE, text, now=now, key=key)
    return shift


async def _acknowledge_link(
    db: Db, desk: Desk, incident: Incident, person: str, now: datetime, life: timedelta = LINK_LIFE
) -> str:
    return await create_link(
        db,
        public_url=desk.public_url,
        purpose="acknowledge",
        incident_id=incident.id,
        person=person,
        expires_at=now + life,
    )


def desk_of(incident: Incident, public_url: str) -> Desk:
    """The desk of an incident that is under way: it keeps the policy that it started under."""
    return Desk(policy_of(incident), public_url)


def severity_deadlines(severity: Severity, policy: Policy) -> dict[DeadlineKind, timedelta]:
    """What must happen within which time of an incident's detection."""
    rule = policy.rule(severity)
    every, ahead = rule.update_every, policy.telling.remind_update_before
    wanted = {
        DeadlineKind.ACKNOWLEDGE: rule.acknowledge_within,
        DeadlineKind.CALL_AGAIN: calls_after(severity, policy),
        DeadlineKind.ESCALATE: rule.escalate_after,
        DeadlineKind.UPDATE: every,
        DeadlineKind.UPDATE_REMINDER: every - ahead if every and every > ahead else None,
        DeadlineKind.TRIAGE: policy.telling.triage_within if belongs_on_page(severity, policy) else None,
    }
    return {kind: within for kind, within in wanted.items() if within is not None}
