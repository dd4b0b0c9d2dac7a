"""Carrying out one remediation as a transaction: look, guard, claim for good, act once, write down.

A process may die at any line. A remediation found claimed is looked up: it happened, it did not, or nobody can
tell, and then a person is asked.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

from flows.actions.registry import action_for
from flows.actions.site import Action, Site, Slow
from flows.bench import Bench
from flows.patience import patiently
from watchkeeper.deadlines.maintenance import SET_MAINTENANCE_MODE
from watchkeeper.errors import (
    CutShort,
    NotPermitted,
    PreconditionChanged,
    VendorError,
    VendorRejected,
    VendorUnavailable,
)
from watchkeeper.model import Remediation, RemediationState
from watchkeeper.night.holding import may_begin_again
from watchkeeper.remediations import claim, finish
from watchkeeper.store import Db

# No vendor promises one: how long a change that was asked for may take to show.
SETTLES_WITHIN = timedelta(seconds=20)
LOOK_AGAIN_SECONDS = 2.0
# It was signed for somebody's sleep, and whoever is up works on it by hand.
AWAKE = "not begun: its person is awake"
# A change of these that only came late would go unnoticed, with customers kept out or another website before them than
# anybody knows of: of a "no", they cannot tell.
NO_IS_NO_PROOF = frozenset({SET_MAINTENANCE_MODE, "roll_back_frontend", "promote_frontend"})

WithClaim = Callable[[Db, datetime], Awaitable[None]]


async def carry_out(
    bench: Bench,
    site: Site,
    remediation: Remediation,
    *,
    holder: str,
    with_claim: WithClaim | None = None,
) -> Remediation:
    """Carry it out once, and give it back as it ended.

    `with_claim` writes, in the claim's own transaction, what must be there should this run die right after it.

    Raises:
        LeaseLost: another run has it, or the incident is over.
    """
    action = action_for(remediation.action)
    if remediation.state is RemediationState.CLAIMED:
        happened = await look_until_settled(bench, site, action, remediation)
        if happened is not False:
            return await _end_after_crash(bench, remediation, happened)
        # It surely did not happen: this run may claim it from the one that died.
        if not await may_begin_again(bench.store, remediation):
            return await finish(bench.store, remediation, RemediationState.FAILED, AWAKE, now=bench.now())
    try:
        await patiently(partial(action.check, site, remediation.plan))
    except (PreconditionChanged, NotPermitted, VendorError) as error:
        return await finish(
            bench.store, remediation, RemediationState.FAILED, f"not begun: {error}", now=bench.now()
        )
    async with bench.store.transaction() as db:
        claimed = await claim(db, remediation, holder=holder, now=bench.now())
        if with_claim is not None:
            await with_claim(db, bench.now())
    return await _act(bench, site, action, claimed)


async def look_until_settled(
    bench: Bench, site: Site, action: Action, remediation: Remediation
) -> bool | None:
    """Whether a claimed change happened. What was asked for may still be on its way: "no" needs time to be true."""
    claimed_at = remediation.claimed_at or bench.now()
    within = action.settles_within(site) if isinstance(action, Slow) else SETTLES_WITHIN
    while True:
        happened = await looked_up(site, action, remediation)
        if happened is not False:
            return happened
        if bench.now() - claimed_at > within:
            return None if remediation.action in NO_IS_NO_PROOF else False
        await asyncio.sleep(LOOK_AGAIN_SECONDS)


async def looked_up(site: Site, action: Action, remediation: Remediation) -> bool | None:
    """What the vendor says of it. One that cannot be asked cannot tell: a person is asked then, not it for ever."""
    try:
        return await patiently(partial(action.look_up, site, remediation))
    except VendorError:
        return None


async def _act(bench: Bench, site: Site, action: Action, claimed: Remediation) -> Remediation:
    try:
        outcome = await action.act(site, claimed.plan)
    except (VendorRejected, PreconditionChanged, NotPermitted) as error:
        state, outcome = RemediationState.FAILED, str(error)
    except VendorUnavailable as error:
        # The answer never came: it may have happened all the same.
        happened = await look_until_settled(bench, site, action, claimed)
        if happened is False and isinstance(error, CutShort):
            happened = None  # not all of it, which does not say that nothing was changed
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
