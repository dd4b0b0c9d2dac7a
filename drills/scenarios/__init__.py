"""The scenarios, by name: one module per runbook."""

from drills.scenarios import database, errors, frontend, maintenance, payments, redis, site, worker
from drills.scenarios.scenario import Scenario

SCENARIOS: dict[str, Scenario] = {
    scenario.name: scenario
    for scenario in (
        *database.SCENARIOS,
        *site.SCENARIOS,
        *frontend.SCENARIOS,
        *redis.SCENARIOS,
        *errors.SCENARIOS,
        *worker.SCENARIOS,
        *payments.SCENARIOS,
        *maintenance.SCENARIOS,
    )
}
