"""Switching maintenance mode by hand, from the form in the Prefect UI: whoever starts it has approved it."""

from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Literal

from prefect import State, flow
from prefect.runtime import flow_run
from prefect.states import Failed
from pydantic import Field

from flows.actions.maintenance import plan_maintenance
from flows.actions.site import Site, open_site
from flows.bench import Bench, open_bench
from flows.transaction import carry_out
from watchkeeper import deadlines
from watchkeeper.deadlines.maintenance import (
    SET_MAINTENANCE_MODE,
    Maintenance,
    read_maintenance,
    remind_from_now_on,
    remind_no_longer,
)
from watchkeeper.errors import BadInput, NotPermitted, PreconditionChanged
from watchkeeper.model import (
    DeadlineKind,
    Gate,
    Incident,
    Plan,
    Remediation,
    RemediationState,
    incident_id_of,
)
from watchkeeper.paging.desk import update_team
from watchkeeper.remediations import BY_HAND_STEP, decide, finish, plan_remediation, read_remediations
from watchkeeper.store import Db

# Its look may take 24 seconds, with what is tried again and the waits between, and each of its two writes 25.
WRITES_WITHIN = timedelta(seconds=90)


@flow(name="maintenance")
async def maintenance(
    switch: Literal["on", "off"],
    incident: str,
    your_name: Annotated[str, Field(min_length=1, max_length=100)],
    message: Annotated[
        str, Field(min_length=1, max_length=300)
    ] = "We are mending something and will be back shortly.",
    service: str = "backend",
) -> str | State[str]:
    """Switch maintenance mode on or off. The last resort: while it is on, customers get a 503 with the message.

    Args:
        switch: On or off. (Open the list by its arrows.)
        incident: The incident that it is for, such as INC-0007; open one first where there is none.
        your_name: Who decides this. The Prefect server does not know who you are.
        message: What customers read while it is on.
        service: Which service, as the policy names it.

    Returns:
        What happened, in a sentence; a run that failed where it did not happen, or where nobody can tell.

    Raises:
        BadInput: it is on, or off, already; another switch is under way; or there is no such open incident.
        NotPermitted: the policy only lets Watchkeeper observe.
    """
    async with open_bench() as bench:
        known = await bench.incident(incident_id_of(incident))
        async with open_site(bench.desk(known).policy) as site:
            holder = str(flow_run.get_id())
            switched = await switch_maintenance(
                bench,
                site,
                known,
                on=switch == "on",
                person=your_name,
                message=message,
                service=service,
                holder=holder,
            )
    # Whoever filled in the form looks at its colour, and nowhere else.
    said = outcome_of(switched)
    return said if switched.state is RemediationState.DONE else Failed(message=said)


def outcome_of(switched: Remediation) -> str:
    return f"{switched.plan.summary}: {switched.state}: {switched.outcome}"


async def switch_maintenance(
    bench: Bench,
    site: Site,
    incident: Incident,
    *,
    on: bool,
    person: str,
    message: str,
    service: str,
    holder: str,
) -> Remediation:
    """Plan it, take the person's word for it, carry it out, and remind people for as long as it is on."""
    known = await read_maintenance(bench.store)
    refuse_what_is_so(known, incident, service, on=on, now=bench.now())
    await end_what_died(bench, known)
    number = 1 + sum(
        r.action == SET_MAINTENANCE_MODE for r in await read_remediations(bench.store, incident.id)
    )
    plan = await plan_maintenance(
        site, service, on=on, message=message, cause=incident.cause or "unknown", number=number
    )
    if plan is None:
        raise PreconditionChanged(f"no deployment of {service} serves")
    approved = await take_word(bench, incident, plan, person, step=BY_HAND_STEP + number)
    with_claim = partial(begin_reminding, bench, incident) if on else None
    finished = await carry_out(bench, site, approved, holder=holder, with_claim=with_claim)
    await keep_reminding(bench, incident, finished, on=on, was_reminded=bool(known.reminding))
    return finished


def refuse_what_is_so(
    known: Maintenance, incident: Incident, service: str, *, on: bool, now: datetime
) -> None:
    """Only what is surely so is refused: where nobody can tell, it may be switched on as well as off."""
    if on and not incident.is_open:
        raise BadInput(f"{incident.number} is over; open an incident first")
    if known.mode == ("on" if on else "off"):
        raise BadInput(f"maintenance mode is {known.mode} already")
    if known.last is None:
        return
    if is_under_way(known.last, now):
        raise BadInput("another switch is under way; try again in two minutes")
    other = known.last.plan.parameters["service"]
    if known.reminding and other != service:
        raise BadInput(f"maintenance mode of {other} is not known to be off; switch that off first")


def is_under_way(switch: Remediation, now: datetime) -> bool:
    """Whether its run may yet write: two at once could reach Railway in either order."""
    begun = switch.claimed_at if switch.state is RemediationState.CLAIMED else None
    return begun is not None and now - begun < WRITES_WITHIN


async def end_what_died(bench: Bench, known: Maintenance) -> None:
    """A switch whose run died is looked at by nobody else; it is not made again."""
    if known.last is not None and known.last.state is RemediationState.CLAIMED:
        outcome = "begun by a run that died; nobody can tell whether it happened"
        await finish(bench.store, known.last, RemediationState.UNKNOWN, outcome, now=bench.now())


async def begin_reminding(bench: Bench, incident: Incident, db: Db, now: datetime) -> None:
    """Before Railway is asked: a run that dies after that leaves the reminder, and "off" is allowed."""
    await remind_from_now_on(db, bench.desk(incident), incident, now=now)


async def take_word(bench: Bench, incident: Incident, plan: Plan, person: str, *, step: int) -> Remediation:
    """Whoever filled in the form has read what it does: that is the approval, under their name.

    Both in one transaction: a plan without its word would be taken for one that the response waits for.
    """
    policy, now = bench.desk(incident).policy, bench.now()
    async with bench.store.transaction() as db:
        planned = await plan_remediation(db, incident, plan, policy, step=step, now=now)
        decided = await decide(
            db,
            planned,
            approved=True,
            person=f"{person.strip()} (Prefect UI)",
            reason="switched by hand",
            plan_digest=planned.plan_digest,
            now=now,
        )
    if planned.gate is Gate.OBSERVE:
        raise NotPermitted("the policy only lets me observe; it was planned and shown")
    if decided is None:
        raise PreconditionChanged("somebody else decided on this plan")
    return decided


async def keep_reminding(
    bench: Bench, incident: Incident, finished: Remediation, *, on: bool, was_reminded: bool
) -> None:
    """An outcome that nobody can tell counts as on: a reminder too many is better than a shop that stays closed.

    A switch that Railway refused changed nothing, so the reminder that came with its claim, and no earlier one, goes.
    """
    now, desk = bench.now(), bench.desk(incident)
    refused = finished.state is RemediationState.FAILED and finished.claimed_at is not None
    async with bench.store.transaction() as db:
        if on and finished.state in (RemediationState.DONE, RemediationState.UNKNOWN):
            await remind_from_now_on(db, desk, incident, now=now)
        if on and refused and not was_reminded:
            await deadlines.cancel(db, incident.id, [DeadlineKind.MAINTENANCE], now=now)
        if not on and finished.state is RemediationState.DONE:
            await remind_no_longer(db, now=now)
        text = f"{finished.plan.summary}: {finished.state}"
        await update_team(db, desk, incident, text, key=f"maintenance:{finished.id}", now=now)
