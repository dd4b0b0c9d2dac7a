"""Carrying out one remediation as a transaction: look, guard, claim for good, act once, write down.

A process may die at any line. A remediation found claimed is looked up: it happened, it did not, or nobody can
tell, and then a person is asked.
"""

import asyncio
from datetime import timedelta

from flows.actions.registry import action_for
from flows.actions.site import Action, Site
from flows.bench import Bench
from watchkeeper.errors import NotPermitted, PreconditionChanged, VendorRejected, VendorUnavailable
from watchkeeper.model import Remediation, RemediationState
from watchkeeper.remediations import claim, finish

# No vendor promises one: how long a change that was asked for may take to show.
SETTLES_WITHIN = timedelta(seconds=20)
LOOK_AGAIN_SECONDS = 2.0


async def carry_out(bench: Bench, site: Site, remediation: Remediation, *, holder: str) -> Remediation:
    """Carry it out once, and give it back as it ended.

    Raises:
        LeaseLost: another run has it, or the incident is over.
    """
    action = action_for(remediation.action)
    if remediation.state is RemediationState.CLAIMED:
        happened = await look_until_settled(bench, site, action, remediation)
        if happened is not False:
            return await _end_after_crash(bench, remediation, happened)
        # It surely did not happen: this run may claim it from the one that died.
    try:
        await action.check(site, remediation.plan)
    except (PreconditionChanged, NotPermitted) as error:
        return await finish(
            bench.store, remediation, RemediationState.FAILED, f"not begun: {error}", now=bench.now()
        )
    claimed = await claim(bench.store, remediation, holder=holder, now=bench.now())
    return await _act(bench, site, action, claimed)


async def look_until_settled(
    bench: Bench, site: Site, action: Action, remediation: Remediation
) -> bool | None:
    """Whether a claimed change happened. What was asked for may still be on its way: "no" needs time to be true."""
    claimed_at = remediation.claimed_at or bench.now()
    while True:
        happened = await action.look_up(site, remediation)
        if happened is not False or bench.now() - claimed_at > SETTLES_WITHIN:
            return happened
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def _act(bench: Bench, site: Site, action: Action, claimed: Remediation) -> Remediation:
    try:
        outcome = await action.act(site, claimed.plan)
    except (VendorRejected, PreconditionChanged, NotPermitted) as error:
        state, outcome = RemediationState.FAILED, str(error)
    except VendorUnavailable as error:
        # The answer never came: it may have happened all the same.
        happened = await look_until_settled(bench, site, action, claimed)
        state = STATE_IF_HAPPENED[happened]
        outcome = f"{error}; looked up: {WORDS[happened]}"
    else:
        state = RemediationState.DONE
    return await finish(bench.store, claimed, state, outcome, now=bench.now())


async def _end_after_crash(bench: Bench, remediation: Remediation, happened: bool | None) -> Remediation:
    outcome = f"begun by a run that died; looked up: {WORDS[happened]}"
    return await finish(bench.store, remediation, STATE_IF_HAPPENED[happened], outcome, now=bench.now())


STATE_IF_HAPPENED = {
    True: RemediationState.DONE,
    False: RemediationState.FAILED,
    None: RemediationState.UNKNOWN,
}
WORDS = {True: "it happened", False: "it did not happen", None: "it cannot be told"}
