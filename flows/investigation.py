"""Phase 3: all checks side by side, then ranked causes with their evidence."""

from collections.abc import Mapping

from prefect import flow

from flows.artifacts import publish
from flows.bench import Bench, open_bench
from flows.checks import run_checks
from flows.runbooks.cures import CURES, acted_upon_first
from tasks.shapes import store_task
from watchkeeper.admission import reclassify
from watchkeeper.decisions import service_of_kind
from watchkeeper.diagnosis import AT_LEAST, KINDS, diagnose, explain_order
from watchkeeper.documents.cards import findings_card
from watchkeeper.figures.estimates import estimate_resolution
from watchkeeper.figures.owed import raise_owed
from watchkeeper.figures.repeats import link_by_cause, repeat_in_words
from watchkeeper.findings import (
    finish_step,
    read_checks,
    read_findings,
    save_checks,
    save_findings,
    step_result,
)
from watchkeeper.incidents import change_status, read_incident, set_cause
from watchkeeper.model import ACT_ABOVE, Check, Finding, Incident, Status, TimelineKind
from watchkeeper.paging.desk import update_team
from watchkeeper.remediations import given_up, read_remediations
from watchkeeper.rendering import words
from watchkeeper.store import Db
from watchkeeper.timeline import record


@flow(name="investigation", flow_run_name="INC-{incident_id:04d} investigation")
async def investigation(incident_id: int) -> list[Finding]:
    """Look at everything at once and conclude; a round that is concluded is not looked at again."""
    async with open_bench() as bench:
        incident = await bench.incident(incident_id)
        if await step_result(bench.store, incident.id, incident.round, "concluded") is None:
            await conclude(bench, incident, await look(bench, incident))
        return await read_findings(bench.store, incident.id, incident.round)


async def look(bench: Bench, incident: Incident) -> list[Check]:
    """The round's checks, from the store where a run before this one finished them."""
    known = await read_checks(bench.store, incident.id, incident.round)
    if known is not None:
        return known
    checks = await run_checks(bench.desk(incident).policy)
    async with bench.store.transaction() as db:
        await save_checks(db, incident.id, incident.round, checks, now=bench.now())
        for check in checks:
            await write_down(db, incident, check)
    return checks


async def write_down(db: Db, incident: Incident, check: Check) -> None:
    """The guide asks for commands and their output on the timeline."""
    detail = {"command": check.command, "output": check.output, "status": check.status.value}
    text = f"{check.name}: {check.status} - {check.summary}"
    key = f"check:{incident.round}:{check.name}"
    await record(db, incident.id, TimelineKind.COMMAND, text, now=check.observed_at, detail=detail, key=key)


@store_task("conclude")  # type: ignore[untyped-decorator]
async def conclude(bench: Bench, incident: Incident, checks: list[Check]) -> None:
    """Rank the causes, tell the team, and step on, last."""
    now = bench.now()
    desk = bench.desk(incident)
    tried = given_up(await read_remediations(bench.store, incident.id), incident.round)
    findings = acted_upon_first(diagnose(checks, desk.policy), tried)
    await publish(incident, "findings", findings_card(incident, checks, findings), "What was found")
    async with bench.store.transaction() as db:
        await save_findings(db, incident.id, incident.round, findings)
        for finding in findings:
            text = f"{words(finding.cause)} ({finding.confidence:.0%}{finding.doubt}): {'; '.join(finding.evidence)}"
            key = f"finding:{incident.round}:{finding.cause}"
            await record(db, incident.id, TimelineKind.FINDING, text, now=now, key=key)
        for key, why in explained(findings, tried):
            await record(db, incident.id, TimelineKind.DECISION, why, now=now, key=f"{key}:{incident.round}")
        await announce_cause(db, bench, incident, findings)
        if findings and findings[0].confidence >= ACT_ABOVE:
            expected = [Status.INVESTIGATING]
            await change_status(db, incident.id, expected=expected, new=Status.IDENTIFIED, now=now)
        await finish_step(db, incident.id, incident.round, "concluded", now=now)


def explained(findings: list[Finding], tried: Mapping[str, bool]) -> list[tuple[str, str]]:
    """Why the first of the findings is the one that is acted upon: lines of the timeline, each with its key."""
    back = ", ".join(words(finding.cause) for finding in findings if tried.get(finding.cause) is True)
    left = ", ".join(words(finding.cause) for finding in findings if tried.get(finding.cause) is False)
    order = explain_order([finding for finding in findings if finding.cause not in tried], CURES)
    lines = [
        ("not-again", f"Not tried again, for it did not help and was taken back: {back}." if back else ""),
        (
            "in-place",
            f"Not tried again, for it did not help; it may still be in place: {left}." if left else "",
        ),
        ("order", order or ""),
    ]
    return [(key, line) for key, line in lines if line]


async def announce_cause(db: Db, bench: Bench, incident: Incident, findings: list[Finding]) -> None:
    key, now = f"findings:{incident.round}", bench.now()
    if not findings:
        text = "Investigated: nothing that was looked at explains it."
    else:
        best = findings[0]
        incident = await set_cause(db, incident.id, best.cause, best.confidence)
        if best.confidence >= ACT_ABOVE:
            await name_kind(db, bench, incident, best.cause)
        called = "Perhaps" if best.doubt else "Likely cause:"
        text = f"{called} {words(best.cause)} ({best.confidence:.0%}{best.doubt}): {'; '.join(best.evidence)}"
        text = f"{text}{await look_back(db, bench, incident)}"
    await update_team(db, bench.desk(incident), incident, text, key=key, now=now)


async def look_back(db: Db, bench: Bench, incident: Incident) -> str:
    """What past incidents with the cause that was found say: whether it was there before, and how long it takes."""
    policy, now = bench.desk(incident).policy, bench.now()
    earlier = await link_by_cause(db, incident, policy, now=now)
    if (incident.cause_confidence or 0) < ACT_ABOVE:
        return ""
    said = ""
    if earlier is not None:
        said = f". {repeat_in_words(earlier, policy, now).text}"
        await raise_owed(db, incident.id, earlier, now=now)
    estimate = await estimate_resolution(db, await read_incident(db, incident.id), "cause", now=now)
    return f"{said.rstrip('.')}. Time to resolution with this cause: {estimate.in_words()}"


async def name_kind(db: Db, bench: Bench, incident: Incident, cause: str) -> None:
    """The alert that came first may have named a symptom: the incident is of its cause's kind."""
    desk = bench.desk(incident)
    kind = KINDS[cause]
    service = service_of_kind(kind, incident.service, desk.policy)
    least = AT_LEAST.get(cause, incident.severity)
    severity = least if least.is_worse_than(incident.severity) else incident.severity
    if service is None and severity is not incident.severity and incident.service in desk.policy.services:
        service = incident.service
    if (kind, severity) == (incident.kind, incident.severity) or service is None:
        return
    summary = f"{desk.policy.services[service].title}: {words(cause)}"
    why = f"{words(cause)} is the likeliest cause"
    now = bench.now()
    await reclassify(
        db, desk, incident, why, severity=severity, kind=kind, service=service, summary=summary, now=now
    )
