"""Taking looks: all at once, each with its own time limit, and none of them can spoil another.

A vendor without credentials is "not configured" in the findings and stops nothing.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import replace
from typing import Any

from flows.credentials import BLOCKS, Credentials, load_credentials
from flows.looks import LOOKS, PROBES_ASK, Look, Scene
from flows.readings import reading_of
from watchkeeper.clock import utc_now
from watchkeeper.model import Check, CheckStatus, Reading
from watchkeeper.policy import Policy
from watchkeeper.rendering import words
from watchkeeper.settings import Settings
from watchkeeper.support import SUPPORT
from watchkeeper.vendor_pages import OUT, PAGE, level_for_us

# Longer than any look's own limit, its repetitions and its task included, and short enough for the whole card to be
# there within half a minute.
HANGS_AFTER_SECONDS = 20.0

LOOK_AT = {look.name: look for look in LOOKS}
ON_CARD = tuple(look for look in LOOKS if look.on_card)
PROBES = tuple(look for look in LOOKS if look.probe)

# What is called for a look: its task, or the function in it.
Way = Callable[[Look], Any]


def as_task(look: Look) -> Any:
    """A run of its own, shown in the Prefect UI."""
    return look.take


def plainly(look: Look) -> Any:
    """A plain call: probes are repeated too often to be runs of their own."""
    return getattr(look.take, "fn", look.take)


async def run_checks(policy: Policy) -> list[Check]:
    """Every look that the runbooks know, side by side, in a fixed order."""
    return await take(ON_CARD, await scene_of(policy), as_task)


async def run_probes(policy: Policy, *, with_unread: bool = False) -> list[Reading]:
    """The few looks that prove health; `with_unread` those too that could not be asked, as in `reading_of`."""
    checks = await take(PROBES, await scene_of_sweep(policy), plainly)
    readings = [reading_of(check, policy, with_unread=with_unread) for check in checks]
    return [reading for reading in readings if reading is not None]


async def run_payment_probes(policy: Policy) -> list[Reading]:
    """Whether every payment has its order: what proves that an incident of payments is over."""
    reading = reading_of(await look_at_payments(policy), policy, with_unread=True)
    return [] if reading is None else [reading]


async def look_at_payments(policy: Policy) -> Check:
    """Stripe's payments beside the company's orders, as a plain call."""
    [check] = await take([LOOK_AT["payment_orders"]], await scene_of(policy), plainly)
    return check


async def scene_of(policy: Policy, blocks: Collection[str] = tuple(BLOCKS)) -> Scene:
    """What looks are given now, by these blocks and the settings that this installation has."""
    return Scene(policy, await load_credentials(blocks), Settings(), utc_now())


async def scene_of_sweep(policy: Policy) -> Scene:
    """What the probes are given: once a minute, so by no more blocks than they need."""
    return replace(await scene_of(policy, PROBES_ASK), swept=True)


async def take(looks: Sequence[Look], scene: Scene, way: Way) -> list[Check]:
    """Take these looks side by side."""
    return await all_of(**{look.name: way(look)(**look.given(scene)) for look in looks})


async def all_of(**looks: Coroutine[Any, Any, Check]) -> list[Check]:
    """Run the looks side by side; one that fails in a way nobody foresaw, or hangs, is an unknown, never a crash."""
    bounded = (asyncio.wait_for(look, HANGS_AFTER_SECONDS) for look in looks.values())
    results = await asyncio.gather(*bounded, return_exceptions=True)
    return [
        result if isinstance(result, Check) else unforeseen(name, result)
        for name, result in zip(looks, results, strict=True)
    ]


def unforeseen(name: str, error: BaseException) -> Check:
    """A look that broke; its error's type is told, its text may hold what must not be shown."""
    if not isinstance(error, Exception):
        raise error
    hangs = isinstance(error, TimeoutError)
    return Check(
        name=name,
        system="watchkeeper",
        status=CheckStatus.UNKNOWN,
        summary="nothing came of it in time" if hangs else f"the look itself failed ({type(error).__name__})",
        observed_at=utc_now(),
    )


# Whose page tells of a vendor that has none of its own.
PAGE_OF = {"gemini": "google_cloud"}
NOBODY = Credentials()


async def read_vendor_page(vendor: str, policy: Policy, *, felt: bool = False) -> Reading | None:
    """What a vendor that is waited for says of itself; None where it has no page here, or the page says nothing.

    Its value is 2 for an outage, which is not green, 1 for anything less, and 0 when all is well or the trouble is not
    with what we use, as `level_for_us` says.
    """
    name = vendor.lower()
    page = LOOK_AT.get(f"vendor_status_{PAGE_OF.get(name, name)}")
    if page is None:
        return None
    [check] = await take([page], Scene(policy, NOBODY, Settings(), utc_now()), plainly)
    if check.status not in (CheckStatus.OK, CheckStatus.BAD):
        return None
    value = level_for_us(check.system, check.facts, policy, felt=felt)
    return Reading(
        probe=check.name,
        service=vendor.lower(),
        value=value,
        unit="",
        threshold=1,
        ok=value < 2,
        observed_at=check.observed_at,
        detail=check.summary,
    )


# People wait for what triage says: a page that does not answer at once is left to the investigation.
PAGES_WITHIN_SECONDS = 2.0


async def read_vendor_pages(policy: Policy) -> str:
    """Whether a vendor's own status page is red for us, and whom to ask then, in words; never longer than two seconds."""
    scene = Scene(policy, NOBODY, Settings(), utc_now())
    pages = [look for look in LOOKS if look.name.startswith(PAGE)]
    checks = await asyncio.gather(*(_page_at_once(look, scene) for look in pages))
    read = [check for check in checks if check and check.status in (CheckStatus.OK, CheckStatus.BAD)]
    red = [check for check in read if level_for_us(check.system, check.facts, policy) == OUT]
    told = [
        f"{words(check.system).capitalize()}'s is red ({check.summary}){whom_to_ask(check.system)}"
        for check in red
    ]
    missing = len(pages) - len(read)
    unread = [f"{missing} of {len(pages)} not read yet"] if missing else []
    return f"vendors' status pages: {'; '.join([*(told or ['none is red']), *unread])}"


async def _page_at_once(look: Look, scene: Scene) -> Check | None:
    try:
        async with asyncio.timeout(PAGES_WITHIN_SECONDS):
            [check] = await take([look], scene, plainly)
            return check
    except TimeoutError:
        return None


def whom_to_ask(vendor: str) -> str:
    """Where the guide's external support is reached."""
    support = SUPPORT.get(vendor)
    return f", external support: {support.where}" if support else ""
