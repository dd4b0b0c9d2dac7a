"""The pager: sends what the outbox holds, at once, and finds another way when one fails.

A message is leased while it is being sent. A pager that dies loses its lease and the message is sent again:
twice beats never. Retrying, falling back to another channel and going on to the next person are decided here;
the channels themselves try once.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from watchkeeper.channels import Receipt, Sender
from watchkeeper.clock import Clock
from watchkeeper.decisions import LOUDNESS, Route, retry_after, routes_to_person
from watchkeeper.errors import StoreUnavailable, VendorError, VendorUnavailable
from watchkeeper.guarding import Guard, Work, where
from watchkeeper.incidents import policy_of, read_incident
from watchkeeper.links import LinkSigner, pages_in, tokens_in
from watchkeeper.model import Channel, RemediationState, TimelineKind, incident_number
from watchkeeper.oncall.shifts import shift_at
from watchkeeper.paging.contact import ask_contact
from watchkeeper.paging.desk import LINK_LIFE, Desk, page_because
from watchkeeper.paging.model import Message, Notification, Purpose
from watchkeeper.paging.outbox import enqueue
from watchkeeper.policy import Policy
from watchkeeper.policy.rules import Throttle
from watchkeeper.quiet.hours import channels_now
from watchkeeper.remediations import read_remediation
from watchkeeper.store import Db, Row, Store, present
from watchkeeper.timeline import record

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
AT_ONCE = 50
LONGEST_ASKED_SECONDS = 60

# Statuspage takes 60 requests a minute; a post is at most three of them.
STATUS_PAGE_THROTTLE = Throttle(messages=20, per=timedelta(minutes=1))


class Pager:
    """Takes due messages in order of urgency and sends them side by side."""

    def __init__(
        self,
        store: Store,
        channels: Mapping[Channel, Sender],
        desk: Desk,
        signer: LinkSigner,
        clock: Clock,
        more: Callable[[], None] = lambda: None,
        guard: Guard | None = None,
    ) -> None:
        """`more` is called when there is room for another message."""
        self._guard = guard or Guard(store, clock)
        self._sending: set[asyncio.Task[None]] = set()
        self._more = more
        self._store = store
        self._channels = channels
        self._desk = desk
        self._signer = signer
        self._clock = clock

    async def start_due(self) -> None:
        """Begin to send what is due, and wait for none of it: a vendor that hangs delays no other page."""
        now = self._clock()
        room = AT_ONCE - len(self._sending)
        for row in await self._store.all("outbox/claim", now=now, lease_until=now + LEASE, limit=room):
            if row["state"] == "cancelled":
                continue  # it was called off while somebody was sending it
            task = asyncio.create_task(self._send_row(row), name=f"notification {row['id']}")
            self._sending.add(task)
            task.add_done_callback(self._sent_or_not)

    async def send_all_due(self) -> None:
        """Send until nothing is due and nothing is on its way."""
        await self.start_due()
        while self._sending:
            await asyncio.wait(self._sending)
            await self.start_due()

    async def finish(self) -> None:
        """Wait for what is on its way."""
        await asyncio.gather(*self._sending, return_exceptions=True)

    def _sent_or_not(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # Told by its type: a vendor's text may hold what must not be logged. It is sent again.
            log.error("%s: %s; its lease will run out", task.get_name(), type(error).__name__)
        self._more()

    async def _send_row(self, row: Row) -> None:
        async with self._guard.over(Work.MESSAGE, row["id"]):
            known = {name: row[name] for name in Notification.model_fields}
            await self._send(Notification.model_validate(known))

    async def _send(self, notification: Notification) -> None:
        if asks_again(notification) and not await _is_wanted(self._store, notification):
            # Somebody answered while this was being written: their answer could not see it yet.
            await self._store.run("outbox/call_off", id=notification.id)
            return
        if await self._throttled(notification):
            return
        address = address_of(notification, await policy_for(self._store, self._desk, notification))
        sender = self._channels.get(notification.channel)
        if sender is None or address is None:
            await self._failed(notification, f"{notification.channel} is not configured")
            return
        try:
            receipt = await self._hand_to_vendor(sender, address, notification)
        except VendorUnavailable as error:
            await self._try_again(notification, error)
        except VendorError as error:
            await self._failed(notification, str(error))
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with this way, there may be another
            await self._failed(notification, where(error))
        else:
            await self._sent(notification, receipt)

    async def _hand_to_vendor(self, sender: Sender, address: str, notification: Notification) -> Receipt:
        thread = await self._store.one(
            "outbox/thread",
            incident_id=notification.incident_id,
            recipient=notification.recipient,
            channel=notification.channel,
        )
        return await sender.send(
            address,
            self._signed(notification),
            callback_url=receipt_address(self._desk.public_url, notification),
            thread=thread["thread"] if thread else None,
        )

    def _signed(self, notification: Notification) -> Message:
        """Signatures for its own link and its incident's page, and for nothing else that a text may hold."""
        fields = notification.message.model_dump()
        text = " ".join(value for value in fields.values() if isinstance(value, str))
        not_after = self._clock() + LINK_LIFE
        pages = pages_in(text, notification.incident_id or 0, notification.recipient, not_after=not_after)
        only = {*tokens_in(notification.message.link or ""), *pages}
        filled = {
            name: self._signer.fill(value, only) if isinstance(value, str) else value
            for name, value in fields.items()
        }
        return Message.model_validate(filled)

    async def _throttled(self, notification: Notification) -> bool:
        """Put off what would flood a person, or be too much for a vendor; an incident's first page to each person goes
        regardless."""
        rule = await self._throttle_for(notification)
        if rule is None:
            if notification.purpose is Purpose.ESCALATION:
                # The next one counts it, as it counts every page.
                await self._store.run("outbox/let_go", id=notification.id)
            return False
        now = self._clock()
        to = {"recipient": notification.recipient, "channel": notification.channel}
        async with self._store.transaction() as db:
            await db.one("outbox/lock_recipient", **to)
            lately = present(
                await db.one(
                    "outbox/sent_lately",
                    **to,
                    since=now - rule.per,
                    now=now,
                    id=notification.id,
                    priority=notification.priority,
                    due_at=notification.due_at,
                )
            )
            if lately["messages"] < rule.messages:
                await db.run("outbox/let_go", id=notification.id)
                return False
            await db.run(
                "outbox/postpone",
                id=notification.id,
                due_at=lately["oldest"] + rule.per,
                error="held back: too many messages in a short time",
                uncounted=1,
            )
        return True

    async def _throttle_for(self, notification: Notification) -> Throttle | None:
        if notification.channel is Channel.STATUS_PAGE:
            return STATUS_PAGE_THROTTLE
        if notification.recipient not in self._desk.policy.people or await self._is_first_page(notification):
            return None
        rule = self._desk.policy.throttle
        is_repeat = asks_again(notification) and await self._was_told_before(notification)
        return rule.model_copy(update={"messages": rule.repeats}) if is_repeat else rule

    async def _is_first_page(self, notification: Notification) -> bool:
        """Whether it is an incident's first page to this person: whoever was silent before them, it is new to them."""
        if notification.purpose is Purpose.PAGE:
            return True
        if notification.purpose is not Purpose.ESCALATION or notification.incident_id is None:
            return False
        return not present(await self._store.one("outbox/asked_before", id=notification.id))["asked"]

    async def _was_told_before(self, notification: Notification) -> bool:
        which = {name: getattr(notification, name) for name in ("id", "incident_id", "recipient", "channel")}
        return bool(present(await self._store.one("outbox/told_before", **which))["told"])

    async def _sent(self, notification: Notification, receipt: Receipt) -> None:
        now = self._clock()
        async with self._store.transaction() as db:
            await db.one(
                "outbox/sent",
                id=notification.id,
                vendor_id=receipt.vendor_id,
                thread=receipt.thread,
                now=now,
            )
            await _note(db, notification, "sent", now)

    async def _try_again(self, notification: Notification, error: VendorUnavailable) -> None:
        is_audience = notification.recipient not in self._desk.policy.people
        wait = retry_after(notification.attempts, only_way=is_audience)
        if wait is None:
            await self._failed(notification, str(error))
            return
        asked = timedelta(seconds=min(error.retry_after_seconds or 0, LONGEST_ASKED_SECONDS))
        await self._store.run(
            "outbox/postpone",
            id=notification.id,
            due_at=self._clock() + max(wait, asked),
            error=str(error),
            uncounted=0,
        )

    async def _failed(self, notification: Notification, why: str) -> None:
        async with self._store.transaction() as db:
            await fail_over(db, self._desk, notification, why, now=self._clock())


async def fail_over(db: Db, desk: Desk, notification: Notification, why: str, *, now: datetime) -> None:
    """It cannot go this way: the person's next channel, and when none is left, the next person."""
    # Two messages that fail at once would each wait for the fallback that the other adds.
    await db.one("incidents/lock", id=notification.incident_id)
    row = await db.one("outbox/failed", id=notification.id, error=why)
    if row is None:
        return
    await _note(db, notification, f"failed ({why})", now)
    if row["called_off"] or not await _is_wanted(db, notification):
        return
    channels = await _channels_now(db, desk, notification, now)
    for channel in (c for c in notification.fallback if c in channels):
        rest = [c for c in notification.fallback if c is not channel]
        if await _pass_on(db, notification, Route(notification.recipient, channel, rest), now):
            return
    await _next_person(db, desk, notification, channels, now)


async def _channels_now(db: Db, desk: Desk, notification: Notification, now: datetime) -> Sequence[Channel]:
    if notification.incident_id is None:
        return LOUDNESS
    incident = await read_incident(db, notification.incident_id)
    return channels_now(incident.severity, desk.policy, now)


async def _is_wanted(db: Db, notification: Notification) -> bool:
    """Whether it is to find another way: what asks for an answer or a decision, until somebody gives one; what calls for
    help in spite of an answer, while the incident is open."""
    if notification.incident_id is None or notification.purpose not in (*URGENT, *OF_OPEN):
        return True
    incident = await read_incident(db, notification.incident_id)
    if notification.purpose is Purpose.APPROVAL:
        asks, _, number = _what(notification).partition(":")
        if asks != "approval":
            return True  # about mail to customers, also once it is over
        plan = await read_remediation(db, int(number))
        return incident.is_open and plan.state is RemediationState.PLANNED
    asks_for_answer = notification.purpose is Purpose.PAGE or asks_again(notification)
    return incident.is_open and not (asks_for_answer and incident.acknowledged_at)


def asks_again(notification: Notification) -> bool:
    """Whether it only repeats to people what they have not answered."""
    return any(f":{what}:" in notification.key for what in ("unanswered", "call"))


async def _pass_on(db: Db, notification: Notification, route: Route, now: datetime) -> bool:
    return await enqueue(
        db,
        key=notification.key.removesuffix(f":{notification.recipient}:{notification.channel}"),
        incident_id=notification.incident_id,
        purpose=notification.purpose,
        route=route,
        message=notification.message,
        now=now,
    )


# What must reach somebody, in whoever's place. What asks for an approval or hands over goes to everyone on call anyway.
URGENT = (Purpose.PAGE, Purpose.ESCALATION, Purpose.COMEBACK)
# Nobody is called up about these once the incident is over.
OF_OPEN = (Purpose.APPROVAL, Purpose.HANDOVER, Purpose.REMINDER)


async def _next_person(
    db: Db, desk: Desk, notification: Notification, channels: Sequence[Channel], now: datetime
) -> None:
    """A page that reaches nobody goes to whoever is next, with a link of their own; after the last, to the contact."""
    silent = (await policy_for(db, desk, notification)).people.get(notification.recipient)
    if notification.purpose not in URGENT or silent is None:
        return
    which = {"incident_id": notification.incident_id}
    told = {"purpose": notification.purpose, "recipient": notification.recipient}
    if present(await db.one("outbox/still_hopeful", **which, **told))["messages"]:
        return
    incident = await read_incident(db, notification.incident_id or 0)
    shift = await shift_at(db, desk.policy, now=now)
    handle = shift.after(notification.recipient)
    if handle is not None:
        routes = [
            route._replace(fallback=[c for c in route.fallback if c in channels])
            for route in routes_to_person(handle, channels, desk.policy)
        ]
        why = f"{silent.name} cannot be reached"
        what, purpose = _what(notification), notification.purpose
        await page_because(db, desk, incident, routes, why, what=what, purpose=purpose, now=now)
    elif not present(await db.one("outbox/anybody_hopeful", **which))["messages"]:
        await ask_contact(db, desk.policy, incident, shift, key="unreached", now=now)


def _what(notification: Notification) -> str:
    """What the message is, without the incident, the recipient and the channel that its key adds."""
    number = f"{incident_number(notification.incident_id)}:" if notification.incident_id else ""
    whole = notification.key.removesuffix(f":{notification.recipient}:{notification.channel}")
    return whole.removeprefix(number)


async def receive_receipt(
    db: Db, desk: Desk, notification_id: int, *, delivered: bool, detail: str, now: datetime
) -> None:
    """The vendor says what became of a message: delivered, or undeliverable and on to the next channel."""
    if delivered:
        await db.one("outbox/delivered", id=notification_id, now=now)
        return
    row = await db.one("outbox/one", id=notification_id)
    if row is not None:
        notification = Notification.model_validate({name: row[name] for name in Notification.model_fields})
        await fail_over(db, desk, notification, f"undelivered: {detail}", now=now)


def receipt_address(public_url: str, notification: Notification) -> str:
    """Where a receipt of this message belongs. SendGrid carries it in every event that it tells the whole account of: there
    it names this very message, so that an installation whose store began anew does not take an older one's for its own.
    """
    address = f"{public_url.rstrip('/')}/receipts"
    if notification.channel is not Channel.EMAIL:
        return f"{address}/twilio/{notification.id}"
    words = f"{notification.key} {notification.message.model_dump_json()}"
    return f"{address}/sendgrid/{notification.id}-{hashlib.sha256(words.encode()).hexdigest()[:12]}"


async def policy_for(db: Db, desk: Desk, notification: Notification) -> Policy:
    """The policy in force; for somebody whom it does not name any more, the one that the incident began under."""
    is_personal = notification.channel in (Channel.SMS, Channel.VOICE, Channel.EMAIL)
    if notification.incident_id is None or not is_personal or notification.recipient in desk.policy.people:
        return desk.policy
    return policy_of(await read_incident(db, notification.incident_id))


def address_of(notification: Notification, policy: Policy) -> str | None:
    """A person's address on the channel; an audience such as "#incidents" is its own."""
    person = policy.people.get(notification.recipient)
    return person.address(notification.channel) if person else notification.recipient


async def _note(db: Db, notification: Notification, outcome: str, now: datetime) -> None:
    if notification.incident_id is not None:
        incident = await read_incident(db, notification.incident_id)
        text = f"{notification.purpose} to {notification.recipient} by {notification.channel} {outcome}"
        await record(db, incident.id, TimelineKind.PAGE, text, now=now)
