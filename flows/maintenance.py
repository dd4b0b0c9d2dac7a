"""Switching maintenance mode by hand, from the form in the Prefect UI: whoever starts it has approved it."""

from typing import Annotated, Literal

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from flows.actions.maintenance import SET_MAINTENANCE_MODE, plan_maintenance
from flows.actions.site import Site, open_site
from flows.bench import Bench, open_bench
from flows.transaction import carry_out
from watchkeeper import deadlines
from watchkeeper.errors import BadInput, NotPermitted, PreconditionChanged
from watchkeeper.maintenance import incident_in_maintenance, remind_from_now_on
from watchkeeper.model import DeadlineKind, Gate, Incident, Remediation, RemediationState, incident_id_of
from watchkeeper.paging import update_team
from watchkeeper.remediations import decide, plan_remediation, read_remediations

# After every step that a cure may have, and after a hotfix.
FIRST_STEP = 100


@flow(name="maintenance")
async def maintenance(
    switch: Literal["on", "off"],
    incident: str,
    your_name: Annotated[str, Field(min_length=1, max_length=100)],
    message: Annotated[
        str, Field(min_length=1, max_length=300)
    ] = "We are mending something and will be back shortly.",
    service: str = "backend",
) -> str:
    """Switch maintenance mode on or off. The last resort: while it is on, customers get a 503 with the message.

    Args:
        switch: On or off. (Open the list by its arrows.)
        incident: The incident that it is for, such as INC-0007; open one first where there is none.
        your_name: Who decides this. The Prefect server does not know who you are.
        message: What customers read while it is on.
        service: Which service, as the policy names it.

    Returns:
        What happened, in a sentence.

    Raises:
        BadInput: it is on, or off, already; or there is no such open incident.
        NotPermitted: the policy only lets Watchkeeper observe.
    """
    async with open_bench() as bench:
        known = await bench.incident(incident_id_of(incident))
        async with open_site(bench.desk(known).policy) as site:
            holder = str(flow_run.get_id())
            return await switch_maintenance(
                bench,
                site,
                known,
                on=switch == "on",
                person=your_name,
                message=message,
                service=service,
                holder=holder,
            )


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
) -> str:
    """Plan it, take the person's word for it, carry it out, and remind people for as long as it is on."""
    await refuse_what_is_so(bench, incident, on=on)
    number = 1 + sum(
        r.action == SET_MAINTENANCE_MODE for r in await read_remediations(bench.store, incident.id)
    )
    plan = await plan_maintenance(
        site, service, on=on, message=message, cause=incident.cause or "unknown", number=number
    )
    if plan is None:
        raise PreconditionChanged(f"no deployment of {service} serves")
    policy, step = bench.desk(incident).policy, FIRST_STEP + number
    planned = await plan_remediation(bench.store, incident, plan, policy, step=step, now=bench.now())
    if planned.gate is Gate.OBSERVE:
        raise NotPermitted("the policy only lets me observe; it was planned and shown")
    approved = await take_word(bench, planned, person)
    finished = await carry_out(bench, site, approved, holder=holder)
    await keep_reminding(bench, incident, finished, on=on)
    return f"{finished.plan.summary}: {finished.state}: {finished.outcome}"


async def refuse_what_is_so(bench: Bench, incident: Incident, *, on: bool) -> None:
    if on and not incident.is_open:
        raise BadInput(f"{incident.number} is over; open an incident first")
    if (await incident_in_maintenance(bench.store) is not None) is on:
        raise BadInput(f"maintenance mode is {'on' if on else 'off'} already")


async def take_word(bench: Bench, planned: Remediation, person: str) -> Remediation:
    """Whoever filled in the form has read what it does: that is the approval, under their name."""
    decided = await decide(
        bench.store,
        planned,
        approved=True,
        person=f"{person.strip()} (Prefect UI)",
        reason="switched by hand",
        plan_digest=planned.plan_digest,
        now=bench.now(),
    )
    for known in await read_remediations(bench.store, planned.incident_id):
        if known.id == planned.id and decided is not None:
            return known
    raise PreconditionChanged("somebody else decided on this plan")


async def keep_reminding(bench: Bench, incident: Incident, finished: Remediation, *, on: bool) -> None:
    """An outcome that nobody can tell counts as on: a reminder too many is better than a shop that stays closed."""
    now, desk = bench.now(), bench.desk(incident)
    async with bench.store.transaction() as db:
        if on and finished.state in (RemediationState.DONE, RemediationState.UNKNOWN):
            await remind_from_now_on(db, desk, incident, now=now)
        began_in = await incident_in_maintenance(db)
        if not on and began_in is not None and finished.state is RemediationState.DONE:
            await deadlines.cancel(db, began_in, [DeadlineKind.MAINTENANCE], now=now)
        text = f"{finished.plan.summary}: {finished.state}"
        await update_team(db, desk, incident, text, key=f"maintenance:{finished.id}", now=now)
