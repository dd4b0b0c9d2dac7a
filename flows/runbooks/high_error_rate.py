"""The runbook for a high error rate.

If a recent deployment brought the errors, the guide rolls back at once, which is once a person has said so. If an API
of others is down nothing of ours helps: jobs that need Gemini are tried again later, without Remove.bg a design keeps
its original picture, and Stripe's support is contacted, which is a person's to do.
"""

from prefect import flow

from flows.actions.railway import plan_rollback
from flows.actions.site import Site
from flows.rehearsal import rehearse
from flows.runbooks import Cure
from watchkeeper.diagnosis.errors import ERRORS_AFTER_DEPLOY, GEMINI_DOWN, REMOVEBG_DOWN, STRIPE_DOWN
from watchkeeper.model import Kind, Plan


async def roll_back_backend(site: Site) -> Plan | None:
    return await plan_rollback(site, "backend", cause=ERRORS_AFTER_DEPLOY)


CURES: tuple[Cure, ...] = (
    Cure(ERRORS_AFTER_DEPLOY, (roll_back_backend,), in_code="backend"),
    Cure(GEMINI_DOWN, waits_for="Gemini"),
    Cure(REMOVEBG_DOWN, waits_for="Remove.bg"),
    Cure(STRIPE_DOWN, person="Stripe's support has to be contacted; the note for it is ready"),
)


@flow(name="high-error-rate", flow_run_name="high-error-rate dry run")
async def high_error_rate() -> list[Plan]:
    """Look, diagnose and plan as in an incident, and change nothing: a dry run of this runbook."""
    return await rehearse(Kind.HIGH_ERROR_RATE, CURES)
