"""Opening an incident by hand, from the form in the Prefect UI."""

from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.bench import open_bench
from watchkeeper.admission import admit, alert_of_person
from watchkeeper.model import Kind, Severity, incident_number
from watchkeeper.paging.desk import Desk


@flow(name="open-incident")
async def open_incident(
    summary: Annotated[str, Field(min_length=1, max_length=500)],
    kind: Kind = Kind.OTHER,
    severity: Severity | None = None,
    users_affected_percent: Annotated[float | None, Field(ge=0, le=100)] = None,
) -> str:
    """Open an incident: the people on call are paged and the response starts by itself.

    Args:
        summary: What is wrong, in one sentence.
        kind: What is broken. (Open the list by its arrows.)
        severity: P0 (production down) to P3; left out, the policy decides.
        users_affected_percent: Share of users affected, 0 to 100, if known.

    Returns:
        The incident's number, such as "INC-0007".
    """
    async with open_bench() as bench:
        now = bench.now()
        desk = Desk(bench.settings.policy(), bench.settings.public_url)
        alert = alert_of_person(
            summary,
            kind,
            severity,
            users_affected_percent=users_affected_percent,
            policy=desk.policy,
            now=now,
        )
        async with bench.store.transaction() as db:
            admission = await admit(db, desk, alert, now=now)
        return incident_number(admission.incident_id) if admission.incident_id else admission.reason
