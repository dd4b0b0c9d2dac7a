"""What people are told about a review: in the team's channel, and by email to those whom it concerns."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from watchkeeper.decisions import Route, status_in_words
from watchkeeper.messages import SUBJECT_LENGTH, fit_sms
from watchkeeper.model import Channel, Incident
from watchkeeper.oncall.shifts import shift_at
from watchkeeper.paging.desk import Desk
from watchkeeper.paging.model import Message, Purpose
from watchkeeper.paging.outbox import enqueue
from watchkeeper.policy import Policy
from watchkeeper.rendering import duration, one_line, render
from watchkeeper.store import Db, Row


async def remind_author(
    db: Db, desk: Desk, incident: Incident, review: Row, *, key: str, second: bool, now: datetime
) -> None:
    """The post-mortem is due, or overdue: to its author, the team's channel and, where `second`, the other on call."""
    left = review["due_at"] - now
    when = f"due in {duration(left)}" if left > timedelta() else _overdue(-left)
    author = desk.policy.people.get(review["author"])
    message = compose(
        "review",
        incident,
        subject=f"Post-mortem of {incident.number} is {when}",
        now=now,
        when=when,
        due_at=review["due_at"],
        draft_path=review["draft_path"],
        author=author.name if author else review["author"],
    )
    handles = [review["author"]]
    if second:
        handles.append(await next_after(db, review["author"], desk.policy, now=now))
    await send(db, desk, incident, key, message, people=handles, now=now)


def _overdue(by: timedelta) -> str:
    return f"overdue by {duration(by)}" if by >= timedelta(minutes=1) else "due now"


async def next_after(db: Db, author: str, policy: Policy, *, now: datetime) -> str:
    """Whose turn it is after the author: the next person on call; alone on call, whoever that is."""
    shift = await shift_at(db, policy, now=now)
    return shift.after(author) or shift.first


def handle_of(name: str, policy: Policy) -> str | None:
    """The person who is called by this name or handle, if it is one whom the policy knows."""
    wanted = name.strip().lstrip("@").casefold()
    return next(
        (
            handle
            for handle, person in policy.people.items()
            if wanted in (handle.casefold(), person.name.casefold())
        ),
        None,
    )


async def tell_team(
    db: Db,
    desk: Desk,
    incident: Incident,
    what: str,
    *,
    subject: str,
    template: str,
    now: datetime,
    **values: Any,
) -> None:
    """Say it in the team's channel, and to nobody in person."""
    message = compose(template, incident, subject=subject, now=now, **values)
    await send(db, desk, incident, f"review:{what}", message, people=[], now=now)


async def send(
    db: Db,
    desk: Desk,
    incident: Incident,
    key: str,
    message: Message,
    *,
    people: Iterable[str],
    now: datetime,
    personal: Mapping[str, Message] = MappingProxyType({}),
) -> None:
    """By email to these people, and in the team's channel; `personal` is what single ones get in its place."""
    known = {handle: desk.policy.people[handle] for handle in people if handle in desk.policy.people}
    # Nothing louder follows where an email fails: nobody is called up for a document, and the channel has it too.
    routes = [Route(handle, Channel.EMAIL, []) for handle, person in known.items() if person.email]
    for route in [*routes, Route(desk.policy.chat_channel, Channel.SLACK, [])]:
        await enqueue(
            db,
            key=f"{incident.number}:{key}",
            incident_id=incident.id,
            purpose=Purpose.REVIEW,
            route=route,
            message=personal.get(route.recipient, message),
            now=now,
        )


def compose(template: str, incident: Incident, *, subject: str, now: datetime, **values: Any) -> Message:
    """A message in the words of `templates/messages/TEMPLATE`."""
    known = {"incident": incident, "now": now, "status": status_in_words(incident.status), **values}
    flat = one_line(subject)
    return Message(
        subject=flat if len(flat) <= SUBJECT_LENGTH else f"{flat[: SUBJECT_LENGTH - 3]}...",
        text=render(f"messages/{template}.txt.j2", **known).strip() + "\n",
        html=render(f"messages/{template}.html.j2", **known),
        short=fit_sms(flat),
    )
