"""The site is down, and it is not the backend: the frontend's deployment, or the domain."""

from typing import Any

from drills.scenarios.scenario import Counterpart, Scenario, Step, hotfix_begun_from
from drills.vendors.releases import SITE_COMMITS


def good_page_is_served(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What customers see is the page from before, and all the while their orders went through."""
    problems = []
    if after["vercel"]["release"] != before["vercel"]["release"]:
        problems.append(
            f"the frontend serves {after['vercel']['release']}, not {before['vercel']['release']}"
        )
    if after["vercel"]["last_status"] != 200:
        problems.append(f"the last visitor got {after['vercel']['last_status']}")
    if failed := after["customers"]["failed"] - before["customers"]["failed"]:
        problems.append(f"{failed} orders failed, although the backend was well")
    return problems


SCENARIOS = (
    Scenario(
        name="frontend-down",
        title="A production deployment on Vercel breaks the website; rolled back after a person approves",
        faults=(Step("/control/vercel/deploy", {"release": "site-2-broken"}),),
        cause="bad_frontend_deployment",
        needs_approval=True,
        cure={"vercel:/rollback/": 1, "railway:deploymentRollback": 0},
        proof=good_page_is_served,
        counterpart=Counterpart(
            title="Vercel accepts the rollback, and the production address does not move",
            way="times out",
            first=(Step("/control/vercel/stuck", {}),),
            at_most={"vercel:/rollback/": 1, "vercel:/promote/": 0},
            proof=hotfix_begun_from(SITE_COMMITS["site-2-broken"][0]),
        ),
    ),
    Scenario(
        name="dns-broken",
        title="The domain does not resolve; a person gets the evidence, for nobody else can mend it",
        faults=(Step("/control/dns/answer", {"mode": "nxdomain"}),),
        cause="dns_broken",
        needs_approval=False,
        cure={},
        ends_with_person=True,
        counterpart=Counterpart(
            title="The domain does not resolve, right after a good deployment, which must be left alone",
            way="does not help",
            first=(Step("/control/vercel/deploy", {"release": "site-2"}),),
            at_most={"vercel:/rollback/": 0, "railway:deploymentRollback": 0},
        ),
    ),
)
