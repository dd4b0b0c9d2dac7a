"""The month's report on its way: into the team's folder, and by email on the first working day."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from markdown_it import MarkdownIt

from watchkeeper.decisions import routes_to_person
from watchkeeper.figures.month import Report, beside, month_report, read_month
from watchkeeper.figures.past import Month, month_before
from watchkeeper.machine.files import write_whole
from watchkeeper.messages import fit_sms
from watchkeeper.model import Channel
from watchkeeper.paging.desk import Desk
from watchkeeper.paging.model import Attachment, Message, Purpose
from watchkeeper.paging.outbox import enqueue
from watchkeeper.policy import Policy
from watchkeeper.rendering import render
from watchkeeper.store import Db

FOLDER = "reports"
LONGEST_MONTH = timedelta(days=32)


def next_report(policy: Policy, after: datetime) -> datetime:
    """When business hours first begin in a month, the next time after this moment."""
    calendar = policy.calendar
    first = calendar.local(after).date().replace(day=1)
    while True:
        due_at = calendar.next_business_time(calendar.at(first, datetime.min.time()))
        if due_at > after:
            return due_at
        first = (first + LONGEST_MONTH).replace(day=1)


async def send_report(db: Db, desk: Desk, due_at: datetime, *, now: datetime) -> None:
    """Mail the report of the month that is over to everyone whom the policy knows an address of, with its pictures."""
    month = month_before(due_at, desk.policy.calendar)
    message = compose(month_report(await read_month(db, desk.policy, month, now=now)))
    for handle in desk.policy.people:
        for route in routes_to_person(handle, [Channel.EMAIL], desk.policy):
            await enqueue(
                db,
                key=f"report:{month.name}",
                incident_id=None,
                purpose=Purpose.REPORT,
                route=route._replace(fallback=[]),
                message=message,
                now=now,
            )


def compose(report: Report) -> Message:
    """The report as a mail: mail programs draw no SVG, so the pictures go along as files."""
    subject = f"Incidents in {report.name}"
    return Message(
        subject=subject,
        text=report.text,
        short=fit_sms(subject),
        html=html_of(report),
        attachments=[
            Attachment(name=beside(report.name, chart), type="image/svg+xml", text=chart.svg)
            for chart in report.charts
        ],
    )


def html_of(report: Report) -> str:
    """The report as a page of its own. Whatever stands in a text is text there: HTML in Markdown is switched off."""
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(report.text)
    return render("pages/report.html.j2", title=f"Incidents in {report.name}", body=body)


async def write_report(db: Db, policy: Policy, month: Month, folder: Path, *, now: datetime) -> Path:
    """Write a month's report with its pictures into a folder, over what was there.

    Raises:
        OSError: the folder cannot be written.
    """
    report = month_report(await read_month(db, policy, month, now=now))
    files = {f"{report.name}.md": report.text, f"{report.name}.html": html_of(report)}
    files |= {beside(report.name, chart): chart.svg for chart in report.charts}
    for name, text in files.items():
        await asyncio.to_thread(write_whole, folder / name, text)
    return folder / f"{report.name}.md"
