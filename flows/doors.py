"""Whether customers are let in: what is green while they get a 503 proves nothing of a shop that is open."""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from flows.actions.site import open_site
from flows.bench import Bench
from flows.maintenance import is_under_way
from tasks import railway
from tasks.railway import SERVES, made_since
from watchkeeper.deadlines.maintenance import read_maintenance
from watchkeeper.errors import NotConfigured, VendorError
from watchkeeper.findings import finish_step, step_result
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
# What was switched off longer ago is settled.
SETTLED_AFTER = timedelta(days=1)


async def read_doors(bench: Bench, incident: Incident) -> Doors:
    """Where maintenance mode stands now, whichever incident it was switched in."""
    known, now = await read_maintenance(bench.store), bench.now()
    last, reminded = known.last, bool(known.reminding)
    if last is None or last.state is RemediationState.FAILED:
        return Doors(may_be_shut=reminded)
    if is_under_way(last, now):
        return Doors(last.claimed_at, may_be_shut=True, on_their_way=True)
    switched_at = last.finished_at or last.claimed_at
    if switched_at is None:
        return Doors(may_be_shut=reminded)
    if reminded:
        # Railway builds what closes the shop for minutes, and nobody is at that deployment's end.
        swaps = now - switched_at < bench.desk(incident).policy.verification.give_up_after
        return Doors(switched_at, may_be_shut=True, on_their_way=swaps)
    if now - switched_at > SETTLED_AFTER:
        return OPEN
    return await opened(bench, incident, last, switched_at)


async def opened(bench: Bench, incident: Incident, switch: Remediation, switched_at: datetime) -> Doors:
    """It was switched off: Railway took the variable, and opens the shop once a deployment with it serves.

    Railway is asked until that was seen once.
    """
    name = f"opened-{switch.id}"
    seen = await step_result(bench.store, incident.id, incident.round, name)
    if seen is not None:
        return Doors(datetime.fromisoformat(seen["at"]))
    try:
        opened_at = await serves_since(bench.desk(incident).policy, switch, switched_at)
    except NotConfigured:
        # Where nobody can ever tell, nobody is kept waiting: that the variable is taken was proved.
        return Doors(switched_at)
    except VendorError:
        opened_at = None
    if opened_at is None:
        return Doors(switched_at, may_be_shut=True, on_their_way=True)
    async with bench.store.transaction() as db:
        result = {"at": opened_at.isoformat()}
        await finish_step(db, incident.id, incident.round, name, now=bench.now(), result=result)
    return Doors(opened_at)


async def serves_since(policy: Policy, switch: Remediation, switched_at: datetime) -> datetime | None:
    """Since when a deployment that was made after this switch was planned serves; None while none does.

    Raises:
        NotConfigured: there is no key, or the policy no longer names the service.
        VendorUnavailable, VendorRejected: as in `tasks.vendor_http`.
    """
    parameters = switch.plan.parameters
    async with open_site(policy) as site:
        listed = await railway.list_deployments(*site.railway(parameters["service"]))
    made = made_since(listed, parameters.get("newest_id"))
    if made is None:
        # So much was deployed since that what served then is listed no longer.
        return switched_at
    live = [d["status_updated_at"] or d["created_at"] for d in made if d["status"] == SERVES]
    return max(switched_at, min(map(moment, live))) if live else None


def moment(told: object) -> datetime:
    """A time of Railway's, which says in which zone it is; one that does not is taken for UTC."""
    at = datetime.fromisoformat(str(told))
    return at if at.tzinfo else at.replace(tzinfo=UTC)
