"""Going on after a wait: what was done of a cure before its vendor stood in the way is part of the round that follows.

It is not done, nor asked for, a second time while it holds, and it is taken back with that round's own changes.
"""

from flows.actions.registry import action_for
from flows.actions.site import Site, Undoable
from flows.bench import Bench
from flows.runbooks import Cure
from flows.transaction import looked_up
from watchkeeper.findings import finish_step, step_result
from watchkeeper.incidents import next_round
from watchkeeper.model import Incident, Remediation, RemediationState, TimelineKind
from watchkeeper.remediations import read_remediations, take_along
from watchkeeper.timeline import record

# What stays as it was made until somebody changes it. Whether anything else is needed again (a restart, connections that are
# idle), only a fresh look can tell.
STAYS = frozenset({"replace_signing_secret", "enable_endpoint", "disable_endpoint"})


async def another_round(bench: Bench, incident: Incident, why: str, *, goes_on: bool) -> None:
    """Back to investigation. `goes_on` where nothing was judged yet: then the next round has what this one has done."""
    async with bench.store.transaction() as db:
        if goes_on:
            await take_along(db, incident)
        await next_round(db, incident, why, now=bench.now())


async def keep_what_holds(bench: Bench, site: Site, incident: Incident, cure: Cure) -> None:
    """What was done of this cure before the wait, and stays, counts as taken in this round, unless it holds no longer."""
    known = await read_remediations(bench.store, incident.id)
    for remediation in done_before(incident, known, cure):
        action = action_for(remediation.action)
        if not (isinstance(action, Undoable) or remediation.action in STAYS):
            continue
        name = step_name(remediation.step)
        if await step_result(bench.store, incident.id, incident.round, name) is not None:
            continue
        if await looked_up(site, action, remediation) is False:
            continue
        now = bench.now()
        text = f"Not done again: {remediation.plan.summary}: it was done before the wait"
        async with bench.store.transaction() as db:
            await finish_step(db, incident.id, incident.round, name, now=now, result={"needed": False})
            await record(db, incident.id, TimelineKind.DECISION, text, now=now)


def done_before(incident: Incident, known: list[Remediation], cure: Cure) -> list[Remediation]:
    """What was done of this cure in a round that waited, except for a step that this round has planned anew."""
    ours = [r for r in known if r.round == incident.round]
    planned_anew = {r.step for r in ours if r.attempt == incident.round}
    return [
        r
        for r in ours
        if r.attempt < incident.round
        and r.state is RemediationState.DONE
        and r.plan.cause == cure.cause
        and r.step <= len(cure.steps)
        and r.step not in planned_anew
    ]


def step_name(number: int) -> str:
    """The step of a round that remembers that this step of its cure needs no change."""
    return f"step-{number}"
