"""Phase 2: how bad is it, how long may it take, and who must know."""

from prefect import flow

from flows.bench import Bench, open_bench
from flows.checks import read_vendor_pages
from tasks.shapes import store_task
from watchkeeper.admission import reclassify
from watchkeeper.deadlines.telling import tell_customers
from watchkeeper.decisions import judge_severity
from watchkeeper.figures.estimates import estimate_resolution
from watchkeeper.incidents import change_status
from watchkeeper.model import Alert, Incident, Status, TimelineKind
from watchkeeper.paging.desk import update_team
from watchkeeper.timeline import record


@flow(name="triage", flow_run_name="INC-{incident_id:04d} triage")
async def triage(incident_id: int) -> None:
    """Judge severity and impact, estimate the time to resolution, and tell the team."""
    async with open_bench() as bench:
        incident = await bench.incident(incident_id)
        if incident.status not in (Status.DETECTED, Status.ACKNOWLEDGED):
            return  # an earlier run finished this phase; that is ordinary
        # People were paged before this began; what they are told now waits for no page longer than two seconds.
        await assess(bench, incident, await read_vendor_pages(bench.desk(incident).policy))


@store_task("write down the triage")  # type: ignore[untyped-decorator]
async def assess(bench: Bench, incident: Incident, vendors: str) -> None:
    """One transaction: the judgement, its announcement, and the step to the next phase, last."""
    now = bench.now()
    desk = bench.desk(incident)
    judged, reason = judge_severity(facts_of(incident), desk.policy)
    async with bench.store.transaction() as db:
        if judged.is_worse_than(incident.severity):
            incident = await reclassify(db, desk, incident, reason, severity=judged, now=now)
        estimate = await estimate_resolution(db, incident, "triage", now=now)
        impact = (
            f"{incident.users_affected_percent:g} % of users"
            if incident.users_affected_percent is not None
            else "share of users not known yet"
        )
        text = f"Triage: {incident.severity}, {impact}; time to resolution: {estimate.in_words()}; {vendors}"
        await record(db, incident.id, TimelineKind.DECISION, text, now=now, key="triage")
        await update_team(db, desk, incident, text, key="triage", now=now)
        await tell_customers(db, desk, incident, now=now)
        await change_status(
            db,
            incident.id,
            expected=[Status.DETECTED, Status.ACKNOWLEDGED],
            new=Status.INVESTIGATING,
            now=now,
        )


def facts_of(incident: Incident) -> Alert:
    """What is known of an incident, in the form that severity is judged on."""
    return Alert(
        source=incident.source,
        fingerprint=incident.number,
        service=incident.service,
        kind=incident.kind,
        summary=incident.summary,
        started_at=incident.started_at,
        users_affected_percent=incident.users_affected_percent,
    )
