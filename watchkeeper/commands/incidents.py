"""`watchkeeper open` and `watchkeeper close`: an incident that a person has noticed, and one that they say is over."""

import asyncio
from typing import Annotated

from cyclopts import Parameter

from watchkeeper.admission import admit, alert_of_person
from watchkeeper.clock import utc_now
from watchkeeper.closing import close_by_hand
from watchkeeper.commands import HomeOption, in_store
from watchkeeper.commands.reviews import in_one_transaction
from watchkeeper.home import read_settings
from watchkeeper.model import Incident, Kind, Severity, incident_number
from watchkeeper.paging.desk import Desk
from watchkeeper.store import Db


def open_incident(
    summary: str,
    *,
    kind: Annotated[Kind, Parameter(help="What is broken.")] = Kind.OTHER,
    severity: Annotated[Severity | None, Parameter(help="Left out, the policy decides.")] = None,
    users_affected_percent: Annotated[float | None, Parameter(help="0 to 100, if known.")] = None,
    home: HomeOption = None,
) -> None:
    """Open an incident: whoever is on call is paged. Works while Prefect is away."""
    settings = read_settings(home, of_running=True)
    policy = settings.policy()
    now = utc_now()
    alert = alert_of_person(
        summary, kind, severity, users_affected_percent=users_affected_percent, policy=policy, now=now
    )
    desk = Desk(policy, settings.public_url)
    admission = asyncio.run(in_store(settings, lambda db: admit(db, desk, alert, now=now)))
    print(incident_number(admission.incident_id) if admission.incident_id else admission.reason)


def close_incident(
    number: Annotated[str, Parameter(help="The incident's, such as INC-0007.")],
    reason: Annotated[str, Parameter(help="How you know that it is over.")],
    *,
    by: Annotated[str, Parameter(help="Who says so.")],
    home: HomeOption = None,
) -> None:
    """Close an incident: whoever was told of it is told, and what is planned will not happen."""

    async def close(db: Db, desk: Desk, incident: Incident) -> str:
        await db.one("incidents/lock", id=incident.id)
        closed = await close_by_hand(db, desk, incident, person=by, reason=reason, now=utc_now())
        return f"{incident.number} is {'closed' if closed else 'over already: nothing was done'}"

    print(in_one_transaction(number, home, close))
