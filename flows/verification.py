"""Phase 5: the fix is proved. Every probe stays green for the policy's time, or the response investigates again."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from functools import reduce
from typing import NamedTuple

from prefect import flow, task
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.cache_policies import NO_CACHE

from flows.artifacts import publish
from flows.bench import Bench, open_bench
from flows.checks import look_at_payments, read_vendor_page, run_payment_probes, run_probes
from flows.doors import Doors, read_doors
from flows.readings import PAYMENT_PROBES, is_unread
from flows.resolution import held_back_for
from flows.runbooks.cures import choose_cure
from flows.tidying import resolve_ended_issues, send_missed_again
from tasks.shapes import store_task
from watchkeeper.closing import close_as_proved
from watchkeeper.diagnosis import KINDS
from watchkeeper.documents.cards import verification_card
from watchkeeper.endings import hear_ends, read_waited_for
from watchkeeper.findings import read_findings, read_readings, save_missed_payments, save_reading
from watchkeeper.model import CheckStatus, Incident, Kind, Reading, TimelineKind
from watchkeeper.paging.desk import update_team
from watchkeeper.policy import Policy
from watchkeeper.policy.rules import Verification
from watchkeeper.remediations import given_up, read_remediations
from watchkeeper.status_page.board import functionality
from watchkeeper.timeline import record

# One bad look may be a blip of the network; two in a row are a relapse.
BAD_LOOKS_TO_RELAPSE = 2


class Verdict(StrEnum):
    """What the readings say."""

    WATCHING = "watching"
    STABLE = "stable"
    RELAPSED = "it got better and then worse again"
    NOT_RECOVERED = "the readings did not turn green"
    VENDOR_RECOVERED = "the vendor has recovered, and what was held back may happen"
    VENDOR_OVERDUE = "the vendor has not recovered in the time that the policy waits for one"
    UNPROVED = "what would prove that it is over cannot be read"
    NOT_OPENED = "the probes are green, and the deployment that ends maintenance mode does not serve, or nobody can tell"
    CONTRADICTED = "the probes are green, and an alert says otherwise"


class Look(NamedTuple):
    """All probes at one time. `unread`: what could not be asked is all that was not green."""

    at: datetime
    green: bool
    unread: bool = False


class Waiting(NamedTuple):
    """Whom this response waits for; `held_back` where a plan of ours waits with it, `felt` as it was held."""

    vendor: str = ""
    held_back: bool = False
    felt: bool = False


FOR_NOBODY = Waiting()


class Told(NamedTuple):
    """What alerts say, beside the probes: when one last fired, and whether one still does that its sender will end."""

    last_alert: datetime | None = None
    fires: bool = False


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
            elif share == 1.0:
                await send_missed_again(bench, incident)
            await asyncio.sleep(rules.check_every.total_seconds())


async def waiting_of(bench: Bench, incident: Incident) -> Waiting:
    """The vendor that the cure waits for, or that a plan was held back for."""
    tried = given_up(await read_remediations(bench.store, incident.id), incident.round)
    cure = choose_cure(await read_findings(bench.store, incident.id, incident.round), tried)
    if cure is not None and cure.waits_for:
        return Waiting(cure.waits_for)
    held = await held_back_for(bench, incident)
    return Waiting(held.vendor, held_back=True, felt=held.felt) if held else FOR_NOBODY


@task(name="look", cache_policy=NO_CACHE)
async def take_look(incident_id: int, vendor: str = "", felt: bool = False) -> list[Reading]:
    """One look at every probe, and at the page of a vendor that is waited for, written down."""
    async with open_bench() as bench:
        incident = await bench.incident(incident_id)
        policy = bench.desk(incident).policy
        seen = await look_at_everything(incident, policy)
        page = await read_vendor_page(vendor, policy, felt=felt) if vendor else None
        readings = [reading for reading in seen if counts(incident, reading)]
        if page is not None:
            readings.append(page)
        async with bench.store.transaction() as db:
            for reading in readings:
                await save_reading(db, incident_id, reading)
            await hear_ends(db, bench.desk(incident), incident, seen, now=bench.now())
        return readings


async def look_at_everything(incident: Incident, policy: Policy) -> list[Reading]:
    """Every probe; of an incident of payments, all of them compared with their orders and not only the newest."""
    readings = await run_probes(policy, with_unread=True)
    if not is_of(incident, Kind.PAYMENT_FAILURE):
        return readings
    return [r for r in readings if r.probe != "payment_orders"] + await run_payment_probes(policy)


def counts(incident: Incident, reading: Reading) -> bool:
    """Whether a reading is needed as a proof.

    What an outage left undelivered is not the outage: it is sent again after it. Orders tell more than Stripe, which
    counts what we delivered ourselves as undelivered. A witness is missed only where nobody else saw it; UptimeRobot
    is always, for it alone sees us from outside.
    """
    if reading.probe in PAYMENT_PROBES:
        return reading.probe == "payment_orders" and is_of(incident, Kind.PAYMENT_FAILURE)
    return not is_unread(reading) or is_of_errors(incident) or reading.probe == "uptimerobot_monitors"


def is_of_errors(incident: Incident) -> bool:
    """Whether only the error rate proves that it is over: what fails in part looks well to every other probe."""
    return is_of(incident, Kind.HIGH_ERROR_RATE) or incident.source == "sentry"


def is_of(incident: Incident, kind: Kind) -> bool:
    return kind in (incident.kind, KINDS.get(incident.cause or ""))


async def look_once(
    bench: Bench, incident: Incident, rules: Verification, waiting: Waiting = FOR_NOBODY
) -> Progress:
    await take_look(incident.id, waiting.vendor, waiting.felt)
    doors = await read_doors(bench, incident)
    watched_since = max(
        incident.mitigated_at or incident.detected_at, incident.watched_since or incident.detected_at
    )
    since = max(watched_since, doors.since or watched_since)
    known = await read_readings(bench.store, incident.id)
    told, now = await what_alerts_say(bench, incident), bench.now()
    looks = looks_of([r for r in known if r.observed_at >= since], incident.service)
    if not waiting.vendor:
        progress = judge_progress(looks, rules, watched_since=since, told=told, now=now)
        return behind(doors, progress, rules, now=now)
    policy = bench.desk(incident).policy
    # A switch of ours says nothing of what the vendor's page told before it.
    page = [r for r in known if r.service == waiting.vendor.lower() and r.observed_at >= watched_since]
    progress = judge_waiting(looks, page, waiting, policy, watched_since=since, told=told, now=now)
    return behind(doors, progress, rules, now=now)


def behind(doors: Doors, progress: Progress, rules: Verification, *, now: datetime) -> Progress:
    """The same with maintenance mode in mind: nothing is over while customers may get a 503, and red between the two
    deployments of a switch is no relapse."""
    if not doors.may_be_shut:
        return progress
    late = doors.since is not None and now - doors.since >= rules.give_up_after
    if progress.verdict is Verdict.STABLE and doors.on_their_way and late:
        return Progress(Verdict.NOT_OPENED, None)
    # An alert that still fires may tell of the very 503 that was ordered.
    is_green = progress.green_since is not None or progress.verdict in (Verdict.STABLE, Verdict.CONTRADICTED)
    swaps = progress.verdict is Verdict.RELAPSED and doors.on_their_way and not late
    return Progress(Verdict.WATCHING, None) if is_green or swaps else progress


async def what_alerts_say(bench: Bench, incident: Incident) -> Told:
    """When one last fired, and whether one is waited for."""
    row = await bench.store.one("alerts/last_firing", incident_id=incident.id)
    fires = await read_waited_for(bench.store, incident.id)
    return Told(row["at"] if row else None, fires=bool(fires))


def judge_waiting(
    looks: Sequence[Look],
    page: Sequence[Reading],
    waiting: Waiting,
    policy: Policy,
    *,
    watched_since: datetime,
    told: Told,
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
        progress = judge_progress(looks, rules, watched_since=since, told=told, now=now)
        # However late that was seen: nothing was tried that the readings could speak against.
        red = progress.green_since is None and progress.verdict in (Verdict.WATCHING, Verdict.NOT_RECOVERED)
        resume = waiting.held_back and red
        return Progress(Verdict.VENDOR_RECOVERED, None) if resume else progress
    patient = rules.model_copy(update={"give_up_after": policy.response.wait_for_vendor})
    progress = judge_progress(looks, patient, watched_since=watched_since, told=told, now=now)
    overdue = progress.verdict is Verdict.NOT_RECOVERED
    return Progress(Verdict.VENDOR_OVERDUE, None) if overdue else progress


def looks_of(readings: Sequence[Reading], service: str) -> list[Look]:
    """Readings grouped by the look that took them: a new one starts where a probe repeats. `service` is the incident's."""
    groups: list[dict[str, Reading]] = []
    for reading in readings:
        if not groups or reading.probe in groups[-1]:
            groups.append({})
        groups[-1][reading.probe] = reading
    return [look_of(list(group.values()), service) for group in groups]


def look_of(readings: Sequence[Reading], service: str) -> Look:
    """What could not be asked speaks against the cure only where it is the incident's own service."""
    bad = [reading for reading in readings if not reading.ok]
    unread = all(is_unread(r) or (r.unread and r.service != service) for r in bad)
    return Look(readings[0].observed_at, not bad, bool(bad) and unread)


class Streak(NamedTuple):
    """What the looks so far come to: since when all was green or unread, and how many of the last were red."""

    green_since: datetime | None = None
    unread_since: datetime | None = None
    red_in_a_row: int = 0
    was_green: bool = False

    def and_then(self, look: Look) -> "Streak":
        if look.green:
            return Streak(self.green_since or look.at, was_green=True)
        if look.unread:
            return Streak(None, self.unread_since or look.at, self.red_in_a_row, self.was_green)
        return Streak(None, None, self.red_in_a_row + 1, self.was_green)


def judge_progress(
    looks: Sequence[Look],
    rules: Verification,
    *,
    watched_since: datetime,
    told: Told,
    now: datetime,
) -> Progress:
    """What the looks so far say: green for long enough, still watching, fallen back, or never recovered."""
    streak = reduce(Streak.and_then, looks, Streak())
    green_since = streak.green_since
    if streak.was_green and streak.red_in_a_row >= BAD_LOOKS_TO_RELAPSE:
        return Progress(Verdict.RELAPSED, None)
    if green_since is None:
        since, given_up = (
            (streak.unread_since, Verdict.UNPROVED)
            if streak.unread_since
            else (watched_since, Verdict.NOT_RECOVERED)
        )
        late = now - since >= rules.give_up_after
        return Progress(given_up if late else Verdict.WATCHING, None)
    # An alert that fired in the middle starts the time anew.
    counted_from = max(green_since, told.last_alert) if told.last_alert else green_since
    if told.fires:
        late = now - green_since >= max(rules.give_up_after, rules.stable_for)
        return Progress(Verdict.CONTRADICTED if late else Verdict.WATCHING, counted_from)
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
            await save_missed_payments(db, incident.id, incident.round, check, now=now)
            lines = "; ".join(check.facts["lines"])
            todo = (
                f"{check.summary}. Stripe tries again for up to three days; or send them again there: {lines}"
            )
            await update_team(db, desk, incident, todo, key=key, now=now)


@store_task("close the incident")  # type: ignore[untyped-decorator]
async def close(bench: Bench, incident: Incident, progress: Progress) -> bool:
    """Resolve the incident, tell those who were told, and set the review's clock; False when an alert was faster."""
    readings = await read_readings(bench.store, incident.id)
    policy, now = bench.desk(incident).policy, bench.now()
    card = verification_card(
        incident,
        readings,
        green_since=progress.green_since,
        stable_for=policy.verification.stable_for,
        affected=functionality(incident.service, policy),
        now=now,
    )
    await publish(incident, "verification-report", card, "Why this counts as resolved")
    healthy_at = readings[-1].observed_at
    proof = {"recovered_at": progress.green_since or healthy_at, "healthy_at": healthy_at}
    async with bench.store.transaction() as db:
        return await close_as_proved(db, bench.desk(incident), incident, **proof, now=now)
