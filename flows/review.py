"""Phase 6: the post-mortem's draft from the rows, its deadlines and reminders."""

from prefect import flow

from flows.artifacts import publish, with_pictures_within
from flows.bench import open_bench
from flows.shelf import read_runbook
from watchkeeper.model import Status
from watchkeeper.reviews.drafting import pictures_of, write_draft


@flow(name="review", flow_run_name="INC-{incident_id:04d} review")
async def review(incident_id: int) -> str | None:
    """Draft the post-mortem of a resolved incident, where one is due.

    Its deadline and reminders were set by the transaction that resolved the incident; the dispatcher keeps them.

    Returns:
        Where the draft is, or None when the guide asks for none.
    """
    async with open_bench() as bench:
        incident = await bench.incident(incident_id)
        if incident.status not in (Status.RESOLVED, Status.REVIEWED):
            return None
        runbook = await read_runbook(bench.settings, incident.kind)
        drafted = await write_draft(bench.store, incident, bench.drafts, now=bench.now(), runbook=runbook)
        if drafted is None:
            return None
        text = drafted["draft"]
        pictures = await pictures_of(bench.store, incident, text, author=drafted["author"])
        shown = with_pictures_within(text, pictures)
        await publish(incident, "post-mortem", shown, "The post-mortem's draft")
        return drafted["draft_path"] or "in the Prefect UI only"
