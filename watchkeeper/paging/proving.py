"""Proving that somebody can be woken: once in each period a synthetic alert goes the whole way.

It comes in at the public address as any alert does, is admitted, its page waits in the outbox, the pager signs and
sends it, and a phone of Watchkeeper's own answers it at the public address. Only after that is the outside heartbeat
told that all is well; whoever watches the heartbeat raises the alarm when it falls silent.

What it does not prove is that Twilio, SendGrid and Slack deliver: their receipts on real pages do.
"""

import asyncio
import logging
from datetime import datetime, timedelta

import httpx

from watchkeeper.clock import Clock
from watchkeeper.decisions import Route
from watchkeeper.guarding import Guard, Work
from watchkeeper.links import LinkSigner, proof_address
from watchkeeper.model import Alert, Channel, Data, Kind, Severity
from watchkeeper.paging.model import Message, Purpose
from watchkeeper.paging.outbox import enqueue
from watchkeeper.policy import Policy
from watchkeeper.store import Db, Row, Store, present

log = logging.getLogger(__name__)

PROOF = "proof"
# A page that takes longer is no page.
WITHIN_SECONDS = 60.0
LOOK_SECONDS = 0.1
KEPT_FOR = timedelta(days=30)


class Proof(Data):
    """The newest proof that ended. `proven_at` is when a test page was last answered, by this or an older one."""

    started_at: datetime
    proven_at: datetime | None
    error: str | None


def proof_alert(proof_id: int, *, now: datetime) -> Alert:
    """The synthetic alert of one proof."""
    return Alert(
        source=PROOF,
        fingerprint=f"{PROOF}:{proof_id}",
        delivery_id=str(proof_id),
        service="watchkeeper",
        kind=Kind.OTHER,
        severity=Severity.P3,
        summary="Can a page leave?",
        started_at=now,
        ends=False,
        payload={"proof": proof_id},
    )


async def page_own_phone(db: Db, alert: Alert, public_url: str, *, now: datetime) -> None:
    """Put the page of a proof into the outbox."""
    proof_id = alert.payload["proof"]
    text = "Watchkeeper proves that a page can leave. Nobody needs to do anything."
    await enqueue(
        db,
        key=f"{PROOF}:{proof_id}",
        incident_id=None,
        purpose=Purpose.PROOF,
        route=Route("watchkeeper", Channel.OWN_PHONE, []),
        message=Message(subject="Test page", text=text, short=text, link=proof_address(public_url, proof_id)),
        now=now,
    )


async def acknowledge_proof(db: Db, proof_id: int, *, now: datetime) -> bool:
    """The test page was answered; False where it was answered before."""
    return await db.one("proofs/acknowledge", id=proof_id, now=now) is not None


async def last_proof(db: Db) -> Proof | None:
    row = await db.one("proofs/last")
    return Proof.model_validate({name: row[name] for name in Proof.model_fields}) if row else None


class Prover:
    """Begins the proof of each period, follows it to its end, and tells the heartbeat."""

    def __init__(
        self,
        store: Store,
        client: httpx.AsyncClient,
        signer: LinkSigner,
        policy: Policy,
        *,
        public_url: str,
        heartbeat_url: str | None,
        clock: Clock,
        guard: Guard | None = None,
    ) -> None:
        self._guard = guard or Guard(store, clock)
        self._store = store
        self._client = client
        self._signer = signer
        self._every = policy.proving.every
        self._public_url = public_url.rstrip("/")
        self._heartbeat_url = heartbeat_url
        self._clock = clock

    async def pass_once(self) -> None:
        """Prove it, where this period has not seen a proof yet."""
        now = self._clock()
        begun = await self._store.one("proofs/begin", every=self._every, now=now)
        if begun is not None:
            async with self._guard.over(Work.PROOF, "of now"):
                await self._go_through(begun, now)

    async def _go_through(self, begun: Row, now: datetime) -> None:
        await self._store.run("proofs/prune", before=now - KEPT_FOR)
        if error := await self._prove(begun["id"]) or await self._tell_heartbeat(begun["id"]):
            log.error("not proven able to wake anybody: %s", error)
            await self._store.run("proofs/failed", id=begun["id"], error=error)

    async def _prove(self, proof_id: int) -> str | None:
        """Send the alert and wait for the answered page; what went wrong, if anything."""
        try:
            answer = await self._client.post(
                f"{self._public_url}/webhooks/proof", json={"token": self._signer.proof_token(proof_id)}
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"the public address does not answer ({type(error).__name__})"
        if answer.status_code != httpx.codes.ACCEPTED:
            return f"the alert was answered with status {answer.status_code}"
        try:
            async with asyncio.timeout(WITHIN_SECONDS):
                # It is answered over HTTP, maybe by another intake: only the row tells.
                while not await self._is_answered(proof_id):  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            return f"the test page was not answered within {WITHIN_SECONDS:g} s"
        return None

    async def _is_answered(self, proof_id: int) -> bool:
        row = present(await self._store.one("proofs/read", id=proof_id))
        return row["acknowledged_at"] is not None

    async def _tell_heartbeat(self, proof_id: int) -> str | None:
        """Tell the outside address, if there is one; its own text holds a secret and is never repeated."""
        if self._heartbeat_url is None:
            return None
        try:
            answer = await self._client.get(self._heartbeat_url)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"the heartbeat address does not answer ({type(error).__name__})"
        if not answer.is_success:
            return f"the heartbeat address answered with status {answer.status_code}"
        await self._store.run("proofs/told", id=proof_id, now=self._clock())
        return None
