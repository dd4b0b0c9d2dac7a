"""From the end of an incident to the last of its promises: what arrives, over HTTP, at whoever took part."""

import re
from pathlib import Path

from icalendar import Calendar

from tests.stories.night import Night
from watchkeeper.closing import close_by_hand
from watchkeeper.links import PageOf, incident_address
from watchkeeper.reviews.drafting import write_draft
from watchkeeper.reviews.items import read_items
from watchkeeper.reviews.publishing import FolderShelf, publish


async def close(night: Night, person: str) -> None:
    incident = await night.incident()
    async with night.store.transaction() as db:
        await close_by_hand(db, night.desk, incident, person=person, reason="mended", now=night.clock())
    await night.settle()


def subjects(night: Night, handle: str, start: str) -> list[str]:
    return [mail["subject"] for mail in night.mails(handle) if mail["subject"].startswith(start)]


async def test_a_complaint_noted_on_the_page_brings_an_invitation_and_reminders_until_it_is_published(
    night: Night, tmp_path: Path
) -> None:
    await night.hear(severity="P2", kind="other", summary="Designs are slow")
    page = night.house.signer.address(incident_address(night.desk.public_url, PageOf(1)))
    await night.ben.sends(f"{page}/complaint", person="Ben", words="My design is gone")
    await close(night, "Ben")

    (mail,) = [mail for mail in night.mails("ben") if "meeting" in mail["subject"]]
    (invitation,) = mail["attachments"]
    assert (invitation["name"], invitation["type"]) == ("invitation.ics", "text/calendar")
    calendar = Calendar.from_ical(invitation["text"])
    (event,) = calendar.walk("VEVENT")
    assert (calendar["METHOD"], event.decoded("DTSTART").hour) == ("REQUEST", 9)

    draft = await write_draft(night.store, await night.incident(), tmp_path, now=night.clock())
    await night.pass_time(hours=49)
    due = ["Post-mortem of INC-0001 is due in 2 hours", "Post-mortem of INC-0001 is due now"]
    assert subjects(night, "ana", "Post-mortem of") == due
    await night.pass_time(hours=48)
    assert len(subjects(night, "ana", "Post-mortem of")) == 4
    assert len(subjects(night, "ben", "Post-mortem of")) == 2

    text = re.sub(r"\[TO FILL: [^\]]*\]", "said", draft["draft"] if draft else "")
    item = "1. **Warn before it is slow** - Assigned: Ben - Due: 2026-03-10 - Priority: High"
    text = re.sub(r"1\. \*\*said\*\*.*", item, text)
    assert "My design is gone" in text
    incident, shelf = await night.incident(), FolderShelf(tmp_path / "team")
    await publish(night.store, night.desk, shelf, incident, text, person="Ana", now=night.clock())
    await night.pass_time(days=7)
    assert len(subjects(night, "ana", "Post-mortem of")) == 4
    assert "is published" in " ".join(post["text"] for post in night.posts)
    chased = [
        f"INC-0001, action 1 is {when}: Warn before it is slow" for when in ("due on 2026-03-10", "due now")
    ]
    assert subjects(night, "ben", "INC-0001, action") == chased
    assert subjects(night, "ana", "INC-0001, action") == chased[1:]
    assert [i.state for i in await read_items(night.store, 1)] == ["open"]
