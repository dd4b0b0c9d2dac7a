"""The month's report: in the Prefect UI, and with its charts in the team's folder."""

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact
from prefect.runtime import flow_run

from flows.artifacts import within
from flows.bench import open_bench
from watchkeeper.figures.month import month_report, read_month
from watchkeeper.figures.past import month_before, month_of
from watchkeeper.figures.reporting import FOLDER, write_report


def run_name() -> str:
    return f"report on {flow_run.parameters.get('month') or 'the last month'}"


@flow(name="month-report", flow_run_name=run_name)
async def report_month(month: str | None = None) -> str:
    """Report on a month, such as 2026-10; left out, on the last one that is over.

    Returns:
        Where the report is.
    """
    async with open_bench() as bench:
        policy, now = bench.settings.policy(), bench.now()
        chosen = month_of(month, policy.calendar) if month else month_before(now, policy.calendar)
        report = month_report(
            await read_month(bench.store, policy, chosen, now=now), picture=lambda _, chart: within(chart.svg)
        )
        key = f"month-report-{chosen.name}"
        await acreate_markdown_artifact(
            markdown=report.text, key=key, description=f"Incidents in {chosen.name}"
        )
        folder = bench.settings.documents() / FOLDER
        return str(await write_report(bench.store, policy, chosen, folder, now=now))
