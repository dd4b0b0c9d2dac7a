"""After the night: the post-mortem's clock, for days."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

from drills.moved.grading import Answered, Gets, gets, never
from drills.moved.house import HouseNight
from drills.moved.night import MovedNight
from drills.moved.story import MovedDrill
from watchkeeper.reviews import read_review

HOUR = 60.0
DUE = "Post-mortem of INC-0001 is due"
OVERDUE = "Post-mortem of INC-0001 is overdue by"


async def the_author_never_answers(night: MovedNight) -> None:
    await night.hear(severity="P1")
    await night.ana.replies("ACK")
    await night.ana.replies("DONE it was the proxy")
    await night.pass_time(days=5, hours=1)


AUTHOR_SILENT = MovedDrill(
    name="author-silent",
    title="A post-mortem that its author never writes: reminded before the time, at it, then daily, then two of them",
    tell=the_author_never_answers,
    expected=(
        never("ana", "email", DUE, end=46 * HOUR),
        gets("ana", "email", f"{DUE} in 2 hours", at=46 * HOUR),
        gets("ana", "email", f"{DUE} now", at=48 * HOUR),
        never("ben", "email", "Post-mortem of INC-0001", end=72 * HOUR),
        *(
            gets(who, "email", f"{OVERDUE} {days}", at=hours * HOUR)
            for who in ("ana", "ben")
            for days, hours in (("1 day", 72), ("2 days", 96), ("3 days", 120))
        ),
        *(gets("#incidents", "slack", "The post-mortem of", at=h * HOUR) for h in (46, 48, 72, 96, 120)),
    ),
)

REMINDER = "INC-0001 review_reminder 1"
PLACEHOLDER = re.compile(r"\[TO FILL: [^\]]*\]")
ITEM = "1. **Warn before it is slow** - Assigned: Ben - Due: 2026-03-10 - Priority: High"


def filled(draft: str) -> str:
    """What its author makes of a draft, with one promise in it."""
    return re.sub(r"1\. \*\*said\*\*.*", ITEM, PLACEHOLDER.sub("said", draft))


async def to_the_end_of_the_review(night: HouseNight) -> None:
    await night.hear(severity="P1")
    await night.ana.replies("ACK")
    await night.ana.replies("DONE it was the proxy")
    await night.prefect_hears()
    night.note("the draft's run", await night.prefect.run("INC-0001 review"))
    night.note("the draft in the UI", await night.prefect.artifact("inc-0001-post-mortem"))
    night.note("the reminder in the UI", await night.prefect.shown(REMINDER))

    await night.prefect.stop()
    await night.pass_time(hours=46, minutes=30)
    await night.prefect.start()
    await night.prefect_hears()
    night.note("the missed reminder's run", await night.prefect.run(REMINDER))
    await night.settle()

    draft = await read_review(night.store, 1)
    file = Path(draft["draft_path"] if draft else "")
    await asyncio.to_thread(lambda: file.write_text(filled(file.read_text())))
    form = {"number": "INC-0001", "published_by": "Ana"}
    night.note("the form that publishes", await night.prefect.submit("publish-post-mortem", **form))
    await night.settle()
    await night.pass_time(minutes=1)
    night.note("the deadline in the UI", await night.prefect.shown("INC-0001 review 1"))
    folder = night.settings.documents() / "post-mortems"
    night.note("the team's folder", [file.name for file in folder.iterdir()])
    await night.pass_time(days=7)


REVIEW_TO_THE_END = MovedDrill(
    name="review-to-the-end",
    title="From the end of a P1 to its last promise: Prefect is away for the reminder, which comes in time and once",
    needs_prefect=True,
    tell=to_the_end_of_the_review,
    expected=(
        Answered("the draft's run", "COMPLETED"),
        Answered("the draft in the UI", "[TO FILL: "),
        Answered("the reminder in the UI", "SCHEDULED for 2026-03-04 01:00"),
        never("ana", "email", "Post-mortem of INC-0001", end=46 * HOUR),
        gets("ana", "email", f"{DUE} in 2 hours", at=46 * HOUR),
        Answered("the missed reminder's run", "COMPLETED"),
        never("ana", "email", "Post-mortem of INC-0001", start=46 * HOUR + 1),
        Answered("the form that publishes", "COMPLETED"),
        Gets("#incidents", "slack", "is published", start=timedelta(hours=46)),
        Answered("the team's folder", "2026-03-02-"),
        Answered("the deadline in the UI", "CANCELLED"),
        Gets("ben", "email", "INC-0001, action 1 is due on 2026-03-10: Warn before it is slow"),
        never("ana", "sms", start=1),
    ),
)

DRILLS = (REVIEW_TO_THE_END, AUTHOR_SILENT)
