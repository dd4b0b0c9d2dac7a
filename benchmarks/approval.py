"""From "approve" on the phone to the change's first request at the vendor: a response that waits suspended goes on.

The night is a bad deployment: its rollback is planned, shown, and waits for a person, with no process held. Beside the phone's
page the same word is said in Prefect's own form, and by phone where Prefect's process worker starts the runs.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urljoin

from benchmarks.figures import Beside, Figure, Target, percentile, spread
from benchmarks.site import CouldNotRun, Site, until
from drills.company.loopback import http_client
from drills.night import break_company, opened_since
from drills.nights import close_all
from drills.person import LINK, FirstForm
from drills.scenarios import SCENARIOS
from watchkeeper.clock import utc_now
from watchkeeper.incidents import read_incident
from watchkeeper.intake.app import open_motor
from watchkeeper.model import Incident, Remediation, RemediationState
from watchkeeper.remediations import read_remediations

P95_SECONDS = 5.0
NIGHT = SCENARIOS["bad-deploy"]
# The rollback's own request at Railway, among those that only look.
WRITE = "deploymentRollback"
LOOK_SECONDS = 0.05
PATIENCE_SECONDS = 90.0
# Monitors that turn green, and the last night's messages.
BREATH_SECONDS = 4.0


@dataclass(frozen=True)
class Waiting:
    """A response that waits suspended for a word on its plan."""

    since: datetime
    incident: Incident
    remediation: Remediation


@dataclass(frozen=True)
class Approved:
    """Seconds from the word to the change's claim, and to its first request at the vendor."""

    claimed: float
    reached: float


# Says "approve" in some way, and when it left.
Approve = Callable[[Site, Waiting], Awaitable[datetime]]


async def by_phone(site: Site, waiting: Waiting) -> datetime:
    """Open the link of the text message, and press."""
    async with http_client(timeout=10) as phone:
        link = approve_link(await site.world.texts("ana", waiting.since))
        page = (await phone.get(link)).raise_for_status()
        form = FirstForm()
        form.feed(page.text)
        said = {"decision": "approve", "reason": "benchmark"}
        at = utc_now()
        (await phone.post(urljoin(link, form.action), data=said)).raise_for_status()
    return at


def approve_link(texts: list[str]) -> str:
    """The newest link to a plan.

    Raises:
        CouldNotRun: nobody was asked.
    """
    links = [link for text in texts for link in LINK.findall(text) if "/p/" in link]
    if not links:
        raise CouldNotRun("nobody was asked to approve")
    return str(links[-1])


async def by_form(site: Site, waiting: Waiting) -> datetime:
    """Fill in the form of the suspended run in Prefect's UI: what it posts is this."""
    said = {"decision": "approve", "name": "ana", "reason": "benchmark"}
    async with open_motor(site.stack.settings) as prefect:
        at = utc_now()
        await prefect.resume(waiting.incident.flow_run_id or "", said)
    return at


async def measure(site: Site, count: int, approve: Approve = by_phone) -> list[Approved]:
    """One night after the other, each ended once its plan is carried out."""
    site.say(f"{count} approvals, {'by phone' if approve is by_phone else 'in the form of Prefect'}")
    return [await approve_once(site, approve) for _ in range(count)]


async def approve_once(site: Site, approve: Approve) -> Approved:
    waiting = await until_suspended(site)
    at = await approve(site, waiting)
    done = await until_done(site, waiting)
    reached = await asyncio.to_thread(first_write, site, at)
    await clear_up(site, waiting)
    if done.claimed_at is None:
        raise CouldNotRun(f"the plan of {waiting.incident.number} was never claimed")
    return Approved((done.claimed_at - at).total_seconds(), (reached - at).total_seconds())


async def until_suspended(site: Site) -> Waiting:
    """Break the company, and wait until its response holds no process any more.

    Raises:
        CouldNotRun: no response came to wait for a word.
    """
    since, is_time_left = utc_now(), until(PATIENCE_SECONDS)
    await break_company(site.world, NIGHT)
    async with open_motor(site.stack.settings) as prefect:
        while is_time_left():
            for incident in await opened_since(site.store, since):
                run = incident.flow_run_id if incident.waiting_for == "approval" else None
                if run is not None and await prefect.run_state(run) == "PAUSED":
                    (plan,) = [r for r in await read_remediations(site.store, incident.id) if is_undecided(r)]
                    return Waiting(since, incident, plan)
            await asyncio.sleep(0.5)
    raise CouldNotRun("no response came to wait for an approval")


def is_undecided(remediation: Remediation) -> bool:
    return remediation.state is RemediationState.PLANNED


async def until_done(site: Site, waiting: Waiting) -> Remediation:
    """The approved plan, once it was carried out.

    Raises:
        CouldNotRun: it was not.
    """
    is_time_left = until(PATIENCE_SECONDS)
    while is_time_left():
        known = await read_remediations(site.store, waiting.incident.id)
        (plan,) = [each for each in known if each.id == waiting.remediation.id]
        if plan.finished_at is not None:
            return plan
        await asyncio.sleep(LOOK_SECONDS)
    raise CouldNotRun(f"the approved plan of {waiting.incident.number} was not carried out")


def first_write(site: Site, since: datetime) -> datetime:
    """When the change's first request reached the vendor, by the stand-in's clock, which is this machine's.

    Raises:
        CouldNotRun: none did.
    """
    for request in site.world.requests(since):
        if is_write(request):
            return datetime.fromisoformat(request["at"])
    raise CouldNotRun(f"no {WRITE} reached Railway")


def is_write(request: dict[str, Any]) -> bool:
    return request["vendor"] == "railway" and WRITE in request["body"]


async def clear_up(site: Site, waiting: Waiting) -> None:
    """The company is well and nothing is open, for the next night."""
    await site.world.reset()
    await asyncio.sleep(BREATH_SECONDS)
    left = [each for each in await opened_since(site.store, waiting.since) if each.is_open]
    await close_all(site.store, site.stack.settings.public_url, left)
    await asyncio.sleep(BREATH_SECONDS)
    if (await read_incident(site.store, waiting.incident.id)).is_open:
        raise CouldNotRun(f"{waiting.incident.number} could not be ended")


def figures(phone: list[Approved], form: list[Approved], process: list[Approved]) -> list[Figure]:
    """The phone's times beside those of Prefect's own form and of its process worker."""
    what = "Approve on the phone to the change's first request at Railway"
    seconds, beside = [each.reached for each in phone], []
    for how, others in (
        ("the same word in Prefect's form, p50", form),
        ("by phone with Prefect's process worker, p50", process),
    ):
        if others:
            beside.append(Beside(how, percentile([o.reached for o in others], 50), "s", len(others)))
    more = {
        name: {
            "claimed": spread([each.claimed for each in those]),
            "reached": spread([each.reached for each in those]),
        }
        for name, those in (("phone", phone), ("form", form), ("process", process))
        if those
    }
    target = Target(P95_SECONDS)
    return [
        Figure(
            "approval", f"{what}, p50", percentile(seconds, 50), "s", len(seconds), beside=beside, more=more
        ),
        Figure("approval", f"{what}, p95", percentile(seconds, 95), "s", len(seconds), target),
    ]
