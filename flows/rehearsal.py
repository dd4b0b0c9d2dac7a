"""Dry runs: a runbook looks, diagnoses and plans as it would in an incident, and changes nothing."""

from collections.abc import Sequence

from prefect.artifacts import acreate_markdown_artifact

from flows.actions.site import Site, open_site
from flows.bench import open_bench
from flows.checks import run_checks
from flows.runbooks import Cure, PlanStep
from watchkeeper.decisions import gate_for
from watchkeeper.diagnosis import diagnose
from watchkeeper.documents.cards import rehearsal_card
from watchkeeper.errors import NothingToChange, NotPermitted
from watchkeeper.model import Kind, Plan


async def rehearse(kind: Kind, cures: Sequence[Cure]) -> list[Plan]:
    """Plan every step of every cure of a runbook on the world as it is, and show it as an artifact."""
    async with open_bench() as bench:
        policy = bench.settings.policy()
        findings = diagnose(await run_checks(policy), policy)
        async with open_site(policy) as site:
            looked = [await look_ahead(step, site) for cure in cures for step in cure.steps]
    plans = [plan for plan in looked if plan is not None]
    card = rehearsal_card(kind, findings, [(plan, *gate_for(plan.action, policy)) for plan in plans])
    key = f"dry-run-{kind.value.replace('_', '-')}"
    await acreate_markdown_artifact(markdown=card, key=key, description="What this runbook would do now")
    return plans


async def look_ahead(step: PlanStep, site: Site) -> Plan | None:
    """What a step would do now; nothing where the policy's limits, or the world, leave it nothing to do."""
    try:
        return await step(site)
    except (NotPermitted, NothingToChange):
        return None
