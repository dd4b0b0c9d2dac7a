"""The site-outage runbook's part for the frontend: its deployment, its host and its domain.

If a deployment broke it, the guide promotes the one before it, once a person has said so.
"""

from flows.actions.site import Site
from flows.actions.vercel import plan_rollback
from flows.runbooks import Cure
from watchkeeper.diagnosis.frontend import BAD_FRONTEND_DEPLOYMENT, DNS_BROKEN, VERCEL_OUTAGE
from watchkeeper.model import Plan


async def roll_back_frontend(site: Site) -> Plan | None:
    return await plan_rollback(site, site.frontend(), cause=BAD_FRONTEND_DEPLOYMENT)


CURES = (
    Cure(BAD_FRONTEND_DEPLOYMENT, (roll_back_frontend,), in_code="frontend"),
    Cure(VERCEL_OUTAGE, waits_for="Vercel"),
    Cure(DNS_BROKEN, person="the domain's records are changed at its registrar or DNS provider"),
)
