"""One night with the clock moved: what happens in it, whoever takes the kernel's steps.

Messages leave through the real channels and the vendors' own libraries; receipts, replies and presses come back over
HTTP, signed as the vendors sign them. A drill runs the kernel as a process of its own; a story takes its steps itself.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from drills.moved.clock import MovedClock
from drills.moved.people import Phone, Somebody
from drills.moved.vendors import Vendors
from watchkeeper.incidents import read_incident
from watchkeeper.model import Incident, Plan, Remediation
from watchkeeper.paging.desk import Desk, request_approval
from watchkeeper.remediations import plan_remediation, read_remediation
from watchkeeper.store import Store
from watchkeeper.timeline import read_timeline

SAID_WITHIN_SECONDS = 10.0
LOOK_SECONDS = 0.03


@dataclass(frozen=True)
class MovedNight(ABC):
    """The house, its vendors and its people.

    Attributes:
        noted: what the house answered where it sends no message, by what was tried: for grading.
    """

    desk: Desk
    clock: MovedClock
    client: httpx.AsyncClient
    vendors: Vendors
    store: Store
    webhook_secret: str
    noted: list[tuple[str, str]] = field(default_factory=list, kw_only=True)

    @abstractmethod
    async def settle(self) -> None:
        """Until nothing is due and no vendor has anything left to say."""

    def note(self, tried: str, answered: object) -> None:
        """Keep what was answered to something that a person, or somebody else, tried."""
        self.noted.append((tried, str(answered)))

    async def said_in_slack(self, pressing: Awaitable[int]) -> str:
        """Press a button in Slack; what is said back there, which comes after the press has been answered.

        Raises:
            TimeoutError: nothing is said.
        """
        responses = self.vendors.slack.responses
        before = len(responses)
        await pressing
        async with asyncio.timeout(SAID_WITHIN_SECONDS):
            while len(responses) == before:  # noqa: ASYNC110 it comes over HTTP
                await asyncio.sleep(LOOK_SECONDS)
        return str(responses[-1]["text"])

    def somebody(self, handle: str) -> Somebody:
        return Somebody(self, handle)

    @property
    def ana(self) -> Somebody:
        return self.somebody("ana")

    @property
    def ben(self) -> Somebody:
        return self.somebody("ben")

    def phone(self, handle: str) -> Phone:
        number = self.desk.policy.people[handle].phone
        return Phone(self.vendors.twilio.phones.get(number or "", []))

    @property
    def posts(self) -> list[dict[str, Any]]:
        """The team's channel in Slack, oldest first."""
        return self.vendors.slack.channels[self.desk.policy.chat_channel]

    def mails(self, handle: str) -> list[dict[str, Any]]:
        return self.vendors.sendgrid.mailboxes.get(self.desk.policy.people[handle].email or "", [])

    @property
    def customer_mail(self) -> dict[str, list[str]]:
        """The subjects in each mailbox that is nobody's of the team."""
        team = {person.email for person in self.desk.policy.people.values()}
        boxes = self.vendors.sendgrid.mailboxes.items()
        return {address: [mail["subject"] for mail in box] for address, box in boxes if address not in team}

    async def hear(self, **told: Any) -> httpx.Response:
        """An alert comes in by the generic webhook, and what it makes necessary is sent."""
        known = {"service": "backend", "kind": "site_outage", "summary": "Backend is down"}
        headers = {"Authorization": f"Bearer {self.webhook_secret}"}
        answer = await self.client.post("/webhooks/generic", json=known | told, headers=headers)
        if answer.status_code != httpx.codes.ACCEPTED:
            raise LookupError(f"the alert was answered with {answer.status_code}: {answer.text}")
        await self.settle()
        return answer

    async def pass_time(self, **duration: float) -> None:
        """Move the clock, stopping wherever something is due on the way."""
        until = self.clock() + timedelta(**duration)
        while (stop := await self._next_due(before=until)) is not None:
            self.clock.now = stop
            await self.settle()
        self.clock.now = until
        await self.settle()

    async def plan(self, *, step: int = 1, **own: Any) -> Remediation:
        """A response plans a change that needs an approval, and asks everyone on call for it."""
        known = {
            "action": "roll_back_deployment",
            "target": "backend",
            "cause": "bad_deployment",
            "summary": "Roll back the backend to d4e5f6",
            "preview": ["from a1b2c3 (12 minutes old)", "to d4e5f6", "no migrations lie between"],
        }
        incident, now = await self.incident(), self.clock()
        async with self.store.transaction() as db:
            plan = Plan.model_validate(known | own)
            remediation = await plan_remediation(db, incident, plan, self.desk.policy, step=step, now=now)
            await request_approval(db, self.desk, incident, remediation, now=now)
        await self.settle()
        return remediation

    async def plan_now(self, number: int = 1) -> Remediation:
        """What has become of a plan."""
        return await read_remediation(self.store, number)

    async def incident(self, number: int = 1) -> Incident:
        return await read_incident(self.store, number)

    async def timeline(self, number: int = 1) -> list[str]:
        return [entry.text for entry in await read_timeline(self.store, number)]

    async def _next_due(self, *, before: datetime) -> datetime | None:
        async with self.store._pool.connection() as connection:
            cursor = await connection.execute(NEXT_DUE, {"now": self.clock(), "before": before})
            row = await cursor.fetchone()
        return row["due_at"] if row else None


# Later than now: what is due and still pending was looked at already, and stays for a reason.
NEXT_DUE = """
SELECT due_at FROM (SELECT due_at FROM deadlines WHERE state = 'pending'
                    UNION ALL SELECT release_at FROM held_alerts
                    UNION ALL SELECT due_at FROM occasions WHERE done_at IS NULL
                    UNION ALL SELECT due_at FROM mailings WHERE state IN ('proposed', 'approved')
                    UNION ALL SELECT due_at FROM notifications WHERE state = 'pending') AS waiting
 WHERE due_at > %(now)s AND due_at < %(before)s ORDER BY due_at LIMIT 1
"""
