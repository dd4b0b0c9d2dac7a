"""Phase 5: the fix is proved. Every probe stays green for the policy's time, or the response investigates again."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from prefect import flow, task
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.cache_policies import NO_CACHE

from flows.artifacts import publish
from flows.bench import Bench, open_bench
from flows.checks import look_at_payments, read_vendor_page, run_payment_probes, run_probes
from flows.resolution import held_back_for
from flows.runbooks.cures import choose_cure
from flows.tidying import resolve_ended_issues
from tasks.shapes import store_task
from watchkeeper.closing import close_as_proved
from watchkeeper.diagnosis import KINDS
from watchkeeper.documents.cards import verification_card
from watchkeeper.findings import read_findings, read_readings, save_reading
from watchkeeper.model import CheckStatus, Incident, Kind, Reading, TimelineKind
from watchkeeper.paging import update_team
from watchkeeper.policy import Policy
from watchkeeper.policy.rules import Verification
from watchkeeper.timeline import record

# One bad look may be a blip of the network; two in a row are a relapse.
BAD_LOOKS_TO_RELAPSE = 2


class Verdict(StrEnum):
    """What the readings say."""

    WATCHING = "watching"
    STABLE = "stable"
    RELAPSED = "it got better and then worse again"
    NOT_RECOVERED = "the readings did not turn green"
    VENDOR_OVERDUE = "the vendor has not recovered in the time that the policy waits for one"


class Look(NamedTuple):
    """All probes at one time."""

    at: datetime
    green: bool


class Waiting(NamedTuple):
    """Whom this response waits for; `held_back` where a plan of ours waits with it."""

    vendor: str = ""
    held_back: bool = False


FOR_NOBODY = Waiting()


class Progress(NamedTuple):
    verdict: Verdict
    green_since: datetime | None


@flow(name="verification", flow_run_name="INC-{incident_id:04d} verification")
async def verification(incident_id: int) -> Verdict:
    """Watch the incident's probes until they have been green for long enough, or it is clear that they are not."""
    async with open_bench() as bench:
        incident = await bench.incident(incident_id)
        rules = bench.desk(incident).policy.verification
        waiting = await waiting_of(bench, incident)
        bar = await acreate_progress_artifact(0.0, key=f"{incident.number.lower()}-verification")
        while True:
            progress = await look_once(bench, incident, rules, waiting)
            share = share_done(progress, rules, bench.now())
            await aupdate_progress_artifact(bar, progress=share * 100)
            if progress.verdict is Verdict.STABLE:
                await compare_payments(bench, incident)
                await resolve_ended_issues(bench, incident, quiet_since=progress.green_since)
                if await close(bench, incident, progress):
                    return Verdict.STABLE
            elif progress.verdict is not Verdict.WATCHING:
                return progress.verdict
            await asyncio.sleep(rules.check_every.total_seconds())


async def waiting_of(bench: Bench, incident: Incident) -> Waiting:
    """The vendor that the cure waits for, or that a plan was held back for."""
    cure = choose_cure(await read_findings(bench.store, incident.id, incident.round))
    if cure is not None and cure.waits_for:
        return Waiting(cure.waits_for)
    held_for = await held_back_for(bench, incident)
    return Waiting(held_for, held_back=bool(held_for))


@task(name="look", cache_policy=NO_CACHE)
async def take_look(incident_id: int, vendor: str = "") -> list[Reading]:
    """One look at every probe, and at the page of a vendor that is waited for, written down."""
    async with open_bench() as bench:
        incident = await bench.incident(incident_id)
        policy = bench.desk(incident).policy
        readings = await run_probes(policy)
        page = await read_vendor_page(vendor, policy) if vendor else None
        if page is not None:
            readings.append(page)
        if KINDS.get(incident.cause or "") is Kind.PAYMENT_FAILURE:
            readings += await run_payment_probes(policy)
        for reading in readings:
            await save_reading(bench.store, incident_id, reading)
        return readings


async def look_once(
    bench: Bench, incident: Incident, rules: Verification, waiting: Waiting = FOR_NOBODY
) -> Progress:
    await take_look(incident.id, waiting.vendor)
    since = incident.mitigated_at or incident.detected_at
    readings = [r for r in await read_readings(bench.store, incident.id) if r.observed_at >= since]
    row = await bench.store.one("alerts/last_firing", incident_id=incident.id)
    last_alert, now = row["at"] if row else None, bench.now()
    looks = looks_of(readings)
    if not waiting.vendor:
        return judge_progress(looks, rules, watched_since=since, last_alert=last_alert, now=now)
    policy = bench.desk(incident).policy
    page = [reading for reading in readings if reading.service == waiting.vendor.lower()]
    return judge_waiting(looks, page, waiting, policy, watched_since=since, last_alert=last_alert, now=now)


def judge_waiting(
    looks: Sequence[Look],
    page: Sequence[Reading],
    waiting: Waiting,
    policy: Policy,
    *,
    watched_since: datetime,
    last_alert: datetime | None,
    now: datetime,
) -> Progress:
    """The same while a vendor has to recover first: as long as its page tells of trouble it has the policy's time
    for vendors, and from then on our readings have theirs. A plan that was held back need not wait for them."""
    trouble = [reading.observed_at for reading in page if reading.value]
    # A page that never told of trouble does not tell of its end either: not every outage is on it, and it trails.
    recovered = bool(page) and not page[-1].value and (bool(trouble) or waiting.held_back)
    rules = policy.verification
    if recovered:
        since = max([watched_since, *trouble])
        progress = judge_progress(looks, rules, watched_since=since, last_alert=last_alert, now=now)
        resume = waiting.held_back and progress == Progress(Verdict.WATCHING, None)
        return Progress(Verdict.NOT_RECOVERED, None) if resume else progress
    patient = rules.model_copy(update={"give_up_after": policy.response.wait_for_vendor})
    progress = judge_progress(looks, patient, watched_since=watched_since, last_alert=last_alert, now=now)
    overdue = progress.verdict is Verdict.NOT_RECOVERED
    return Progress(Verdict.VENDOR_OVERDUE, None) if overdue else progress


def looks_of(readings: Sequence[Reading]) -> list[Look]:
    """Readings grouped by the look that took them: a new one starts where a probe repeats."""
    looks: list[Look] = []
    seen: set[str] = set()
    for reading in readings:
        if not looks or reading.probe in seen:
            looks.append(Look(reading.observed_at, reading.ok))
            seen = {reading.probe}
        else:
            seen.add(reading.probe)
            looks[-1] = Look(looks[-1].at, looks[-1].green and reading.ok)
    return looks


def judge_progress(
    looks: Sequence[Look],
    rules: Verification,
    *,
    watched_since: datetime,
    last_alert: datetime | None,
    now: datetime,
) -> Progress:
    """What the looks so far say: green for long enough, still watching, fallen back, or never recovered."""
    green_since, was_green, bad_in_a_row = None, False, 0
    for look in looks:
        if look.green:
            green_since, was_green, bad_in_a_row = green_since or look.at, True, 0
        else:
            green_since, bad_in_a_row = None, bad_in_a_row + 1
    if was_green and bad_in_a_row >= BAD_LOOKS_TO_RELAPSE:
        return Progress(Verdict.RELAPSED, None)
    if green_since is None:
        late = now - watched_since >= rules.give_up_after
        return Progress(Verdict.NOT_RECOVERED if late else Verdict.WATCHING, None)
    # An alert that fired in the middle starts the time anew.
    counted_from = max(green_since, last_alert) if last_alert else green_since
    stable = now - counted_from >= rules.stable_for
    return Progress(Verdict.STABLE if stable else Verdict.WATCHING, counted_from)


def share_done(progress: Progress, rules: Verification, now: datetime) -> float:
    """How much of the time of being stable is over, 0 to 1."""
    if progress.green_since is None:
        return 0.0
    done: float = max(now - progress.green_since, timedelta()) / rules.stable_for
    return min(done, 1.0)


async def compare_payments(bench: Bench, incident: Incident) -> None:
    """What customers paid for while it lasted, whatever broke: each payment has its order, or is named."""
    desk = bench.desk(incident)
    check = await look_at_payments(desk.policy)
    if check.status is CheckStatus.NOT_CONFIGURED:
        return
    key, now = f"payments:{incident.round}", bench.now()
    detail = {"command": check.command, "output": check.output, "status": check.status.value}
    text = f"Payments and orders compared: {check.summary}"
    async with bench.store.transaction() as db:
        await record(db, incident.id, TimelineKind.COMMAND, text, now=now, detail=detail, key=key)
        if check.status is CheckStatus.BAD:
            lines = "; ".join(check.facts["lines"])
            todo = (
                f"{check.summary}. Stripe tries again for up to three days; or send them again there: {lines}"
            )
            await update_team(db, desk, incident, todo, key=key, now=now)


@store_task("close the incident")  # type: ignore[untyped-decorator]
async def close(bench: Bench, incident: Incident, progress: Progress) -> bool:
    """Resolve the incident, tell those who were told, and set the review's clock; False when an alert was faster."""
    readings = await read_readings(bench.store, incident.id)
    rules = bench.desk(incident).policy.verification
    now = bench.now()
    card = verification_card(
        incident, readings, green_since=progress.green_since, stable_for=rules.stable_for, now=now
    )
    await publish(incident, "verification-report", card, "Why this counts as resolved")
    healthy_at = readings[-1].observed_at
    async with bench.store.transaction() as db:
        return await close_as_proved(db, bench.desk(incident), incident, healthy_at=healthy_at, now=now)
