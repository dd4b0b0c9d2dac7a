"""Whether customers are let in: what is green while they get a 503 proves nothing of a shop that is open."""

from datetime import datetime
from typing import NamedTuple

from flows.actions.site import open_site
from flows.bench import Bench
from flows.maintenance import is_under_way
from tasks import railway
from tasks.railway import SERVES, made_since
from watchkeeper.deadlines.maintenance import read_maintenance
from watchkeeper.errors import NotConfigured, VendorError
from watchkeeper.model import Incident, Remediation, RemediationState
from watchkeeper.policy import Policy


class Doors(NamedTuple):
    """Where maintenance mode stands, as far as readings go.

    Attributes:
        since: what was read before this moment is of another shop: one that was open before it was closed, or the other
            way round. None where nothing was switched.
        may_be_shut: customers get a 503, or nobody can tell.
        on_their_way: the switch is under way, or the deployment that brings it into force does not serve yet.
    """

    since: datetime | None = None
    may_be_shut: bool = False
    on_their_way: bool = False


OPEN = Doors()


async def read_doors(bench: Bench, incident: Incident) -> Doors:
    """Where maintenance mode stands now, whichever incident it was switched in."""
    known, now = await read_maintenance(bench.store), bench.now()
    last, reminded = known.last, bool(known.reminding)
    if last is None or last.state is RemediationState.FAILED:
        return Doors(may_be_shut=reminded)
    if is_under_way(last, now):
        return Doors(last.claimed_at, may_be_shut=True, on_their_way=True)
    switched_at = last.finished_at or last.claimed_at
    if reminded or switched_at is None:
        return Doors(switched_at, may_be_shut=True)
    if switched_at < incident.detected_at:
        return OPEN
    return await opened(bench.desk(incident).policy, last, switched_at)


async def opened(policy: Policy, switch: Remediation, switched_at: datetime) -> Doors:
    """It was switched off: Railway took the variable, and opens the shop once a deployment with it serves."""
    parameters = switch.plan.parameters
    try:
        async with open_site(policy) as site:
            listed = await railway.list_deployments(*site.railway(parameters["service"]))
    except (VendorError, NotConfigured):
        # What cannot be asked keeps nobody waiting: it was proved that the variable is taken.
        return Doors(switched_at)
    made = made_since(listed, parameters.get("newest_id"))
    if made is None:
        return Doors(switched_at)
    live = [d["status_updated_at"] or d["created_at"] for d in made if d["status"] == SERVES]
    if not live:
        return Doors(switched_at, may_be_shut=True, on_their_way=True)
    return Doors(max(switched_at, min(datetime.fromisoformat(str(at)) for at in live)))
