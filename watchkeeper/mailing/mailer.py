"""The mailer: reads whom an approved mail is for, and sends it in batches. Any number of mailers may run."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx

from watchkeeper.clock import Clock
from watchkeeper.errors import NotConfigured, WatchkeeperError
from watchkeeper.guarding import Guard, Work
from watchkeeper.incidents import read_incident
from watchkeeper.mailing.model import Batch, Mailing
from watchkeeper.mailing.proposing import LINK_LIFE, follow_up, is_first_word
from watchkeeper.mailing.reading import read_addresses
from watchkeeper.mailing.sending import Outcome, batch_client, post_batch, wire_mail
from watchkeeper.mailing.settling import ask_about, hold_up, is_doubtful, settle
from watchkeeper.model import TimelineKind
from watchkeeper.paging.desk import desk_of
from watchkeeper.settings import Settings
from watchkeeper.store import Db, Store, present
from watchkeeper.timeline import record
from watchkeeper.tls import tls_context

log = logging.getLogger(__name__)

# Longer than a request may take.
LEASE = timedelta(minutes=2)
READ_AGAIN = timedelta(minutes=1)
PORTION = 10_000


class Mailer:
    """One look at everything that is to be mailed, to be repeated for ever."""

    def __init__(
        self,
        store: Store,
        client: httpx.AsyncClient | None,
        *,
        from_address: str,
        production_url: str | None,
        public_url: str,
        clock: Clock,
        guard: Guard | None = None,
    ) -> None:
        """Without a `client`, as without SendGrid's credentials, addresses are read and nothing is sent."""
        self._store = store
        self._client = client
        self._from = from_address
        self._production_url = production_url
        self._public_url = public_url
        self._clock = clock
        self._guard = guard or Guard(store, clock)

    async def pass_once(self) -> None:
        while await self._gather_next():
            pass
        await self._doubt_orphans()
        await self._ask_where_in_doubt()
        await self._follow_up_undecided()
        if self._client is None:
            await self._hold_all_up()
            return
        while await self._send_next(self._client):
            pass

    async def _hold_all_up(self) -> None:
        """Nothing can leave before SendGrid's credentials are there."""
        now = self._clock()
        why = str(NotConfigured("sendgrid", setting="WATCHKEEPER_SENDGRID__API_KEY"))
        for row in await self._store.all("mailings/to_send", now=now):
            async with self._guard.over(Work.MAILING, row["id"]), self._store.transaction() as db:
                mailing = Mailing.model_validate(row)
                incident = await read_incident(db, mailing.incident_id)
                desk = desk_of(incident, self._public_url)
                due_at = now + desk.policy.customers.pause
                await hold_up(db, desk, incident, mailing, why, doing="sending", due_at=due_at, now=now)

    async def _gather_next(self) -> bool:
        row = await self._store.one("mailings/to_gather", now=self._clock())
        if row is None:
            return False
        async with self._guard.over(Work.GATHER, row["id"]):
            mailing = Mailing.model_validate(row)
            if mailing.purpose == "detected" or await is_first_word(self._store, mailing):
                await self._gather_affected(mailing)
            else:
                await self._gather_told(mailing)
        return True

    async def _gather_told(self, mailing: Mailing) -> None:
        async with self._store.transaction() as db:
            await db.run("mailings/gather_told", incident_id=mailing.incident_id)
            await db.one("mailings/gathered", id=mailing.id, unusable=0)

    async def _gather_affected(self, mailing: Mailing) -> None:
        incident = await read_incident(self._store, mailing.incident_id)
        desk = desk_of(incident, self._public_url)
        now = self._clock()
        try:
            found = await read_addresses(desk.policy.customers, self._production_url, incident)
        except WatchkeeperError as error:
            async with self._store.transaction() as db:
                await hold_up(
                    db, desk, incident, mailing, str(error), doing="reading", due_at=now + READ_AGAIN, now=now
                )
            return
        async with self._store.transaction() as db:
            for start in range(0, len(found.usable), PORTION):
                portion = found.usable[start : start + PORTION]
                await db.run("mailings/gather", id=mailing.id, addresses=portion)
            await db.one("mailings/gathered", id=mailing.id, unusable=found.unusable)
            text = (
                f"Mail to customers is for {len(found.usable)} addresses; {found.unusable} entries are none"
            )
            await record(db, incident.id, TimelineKind.NOTE, text, now=now, key=f"mail:{mailing.id}:gathered")

    async def _doubt_orphans(self) -> None:
        now = self._clock()
        for row in await self._store.all("mailings/orphaned", now=now):
            async with self._guard.over(Work.BATCH, row["id"]), self._store.transaction() as db:
                batch = Batch.model_validate(row)
                mailing = await read_mailing(db, batch.mailing_id)
                await is_doubtful(db, mailing, batch, "its sender died before the answer", now=now)

    async def _ask_where_in_doubt(self) -> None:
        now = self._clock()
        for row in await self._store.all("mailings/to_ask", now=now):
            async with self._guard.over(Work.DOUBT, row["id"]), self._store.transaction() as db:
                batch = Batch.model_validate(row)
                incident = await read_incident(db, row["incident_id"])
                desk = desk_of(incident, self._public_url)
                customers = desk.policy.customers
                due_at = (
                    batch.claimed_at + customers.doubt_after
                    if batch.asked_at is None
                    else batch.asked_at + customers.ask_again_after
                )
                if due_at <= now:
                    await ask_about(db, desk, incident, batch, now=now)

    async def _follow_up_undecided(self) -> None:
        now = self._clock()
        for row in await self._store.all("mailings/undecided", now=now, given_up=now - LINK_LIFE):
            async with self._guard.over(Work.UNDECIDED, row["id"]), self._store.transaction() as db:
                mailing = Mailing.model_validate(row)
                incident = await read_incident(db, mailing.incident_id)
                await follow_up(db, desk_of(incident, self._public_url), incident, mailing, now=now)

    async def _send_next(self, client: httpx.AsyncClient) -> bool:
        """Send one batch of each mailing that has any left; whether there was one."""
        sent = False
        for row in await self._store.all("mailings/to_send", now=self._clock()):
            async with self._guard.over(Work.MAILING, row["id"]):
                sent = await self._send_batch(client, Mailing.model_validate(row)) or sent
        return sent

    async def _send_batch(self, client: httpx.AsyncClient, mailing: Mailing) -> bool:
        incident = await read_incident(self._store, mailing.incident_id)
        desk = desk_of(incident, self._public_url)
        policy = desk.policy
        claimed = await self._claim(mailing, policy.customers.batch)
        if claimed is None:
            return False
        batch, addresses = claimed
        mail = wire_mail(mailing, batch, addresses, self._from, policy.status_page.support)
        outcome: Outcome = await post_batch(client, mail)
        if outcome.proof != "taken":
            log.warning("%s: batch %s is %s: %s", mailing.mark, batch.id, outcome.proof, outcome.why)
        async with self._store.transaction() as db:
            await settle(db, desk, incident, mailing, batch, outcome, now=self._clock())
        return True

    async def _claim(self, mailing: Mailing, at_most: int) -> tuple[Batch, list[str]] | None:
        """Take addresses for good, before anything leaves."""
        now = self._clock()
        async with self._store.transaction() as db:
            values = {"mailing_id": mailing.id, "now": now}
            opened = present(await db.one("mailings/open_batch", **values, lease_until=now + LEASE))
            rows = await db.all("mailings/claim", mailing_id=mailing.id, batch=at_most, batch_id=opened["id"])
            if not rows:
                await db.run("mailings/drop_batch", id=opened["id"])
                return None
            sized = await db.one("mailings/size", id=opened["id"], size=len(rows))
            return Batch.model_validate(sized), sorted(row["address"] for row in rows)


@asynccontextmanager
async def open_mailer(
    settings: Settings, store: Store, clock: Clock, guard: Guard | None = None
) -> AsyncIterator[Mailer]:
    """The mailer of this installation; without SendGrid it only reads."""
    production = settings.production
    known: dict[str, Any] = {
        "production_url": production.database_url.get_secret_value() if production else None,
        "public_url": settings.public_url,
        "clock": clock,
        "guard": guard,
    }
    if settings.sendgrid is None:
        yield Mailer(store, None, from_address="", **known)
        return
    key, base_url = settings.sendgrid.api_key.get_secret_value(), settings.sendgrid.base_url
    async with batch_client(api_key=key, base_url=base_url, verify=tls_context()) as client:
        yield Mailer(store, client, from_address=settings.sendgrid.from_address, **known)


async def read_mailing(db: Db, mailing_id: int) -> Mailing:
    return Mailing.model_validate(present(await db.one("mailings/one", id=mailing_id)))
