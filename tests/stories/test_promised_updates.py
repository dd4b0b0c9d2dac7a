"""The promised update: reminded in time, sent with one tap or by itself, and never broken."""

import re

import pytest

from tests.stories.night import Night
from watchkeeper.closing import close_by_hand
from watchkeeper.deadlines.promises import read_promises
from watchkeeper.incidents import read_incident


async def acknowledged(night: Night) -> None:
    """Ana has a P0."""
    await night.hear(summary="Backend is down & <!channel>")
    await night.ana.sends(night.ana.phone.link("a"))


def updates(night: Night) -> list[str]:
    """What was said in the thread."""
    return [post["text"] for post in night.posts if post["thread_ts"]]


async def kept(night: Night) -> list[tuple[str | None, bool]]:
    """Who kept each promise, and whether in time."""
    grace = night.desk.policy.telling.promise_grace
    return [(p.kept_by, p.was_kept(grace)) for p in await read_promises(night.store, 1)]


async def test_the_alert_has_the_guides_fields_in_its_order_and_says_when_the_next_is_due(
    night: Night,
) -> None:
    await night.hear(summary="Backend is down & <!channel>")
    text = night.posts[0]["text"]
    assert text.startswith(":rotating_light: INCIDENT - P0 - Backend is down &amp; &lt;!channel&gt;\n")
    assert re.findall(r"^([A-Z][A-Za-z ]+):", text, re.MULTILINE) == [
        "Status",
        "Severity",
        "Impact",
        "Started",
        "ETA",
        "Current Actions",
        "Updates",
        "Incident Doc",
    ]
    assert "Impact: not known yet, Website and Payments" in text
    assert "the next is due by 03:30 UTC" in text
    assert "ETA: not known yet" in text


async def test_whoever_has_it_is_reminded_and_sends_the_draft_with_one_tap(night: Night) -> None:
    await acknowledged(night)
    await night.pass_time(minutes=24)
    assert not any("/u/" in text for text in night.ana.phone.texts)
    await night.pass_time(minutes=1)
    link = night.ana.phone.link("u")
    assert "update due 03:30Z" in night.ana.phone.texts[-1] and len(night.ana.phone.texts[-1]) <= 160
    page = await night.ana.opens(link)
    assert "Still investigating, for 25 minutes." in page.text

    before = len(updates(night))
    sent = await night.ana.sends(link)
    assert sent.status_code == 200 and "next update is due by 03:55" in sent.text
    (said,) = updates(night)[before:]
    assert said.startswith("03:25 UTC - Still investigating, for 25 minutes.")
    assert said.endswith("(Ana) Next update by 03:55 UTC.")
    assert await kept(night) == [("ana", True)]
    again = await night.ana.sends(link)
    assert (again.status_code, len(updates(night))) == (410, before + 1)

    await night.pass_time(minutes=6)
    assert len(updates(night)) == before + 1, "what was promised for 03:30 has been said"
    await night.pass_time(minutes=25)
    assert await kept(night) == [("ana", True), ("watchkeeper", True)]


async def test_whoever_sends_the_update_has_not_been_silent(night: Night) -> None:
    await acknowledged(night)
    await night.pass_time(minutes=25)
    await night.ana.sends(night.ana.phone.link("u"))
    await night.pass_time(minutes=20)
    assert not any("you have it and are silent" in text for text in night.ana.phone.texts)
    await night.pass_time(minutes=15)
    assert any("you have it and are silent" in text for text in night.ana.phone.texts)


async def test_own_words_go_out_as_they_were_written_and_call_nobody(night: Night) -> None:
    await acknowledged(night)
    await night.pass_time(minutes=25)
    await night.ana.sends(night.ana.phone.link("u"), text="Ben <!here> rolls back\nthe <b>backend</b>")
    assert "Ben &lt;!here&gt; rolls back the &lt;b&gt;backend&lt;/b&gt; (Ana)" in updates(night)[-1]
    assert "Update: Ben <!here> rolls back the <b>backend</b>" in await night.timeline()


async def test_nobody_sends_and_the_promise_is_kept_all_the_same(night: Night) -> None:
    await acknowledged(night)
    await night.pass_time(minutes=31)
    assert "Still investigating, for 30 minutes." in updates(night)[-1]
    assert updates(night)[-1].endswith("Next update by 04:00 UTC.")
    assert await kept(night) == [("watchkeeper", True)]
    late = await night.ana.sends(night.ana.phone.link("u"), text="We roll back.")
    assert late.status_code == 200
    assert "We roll back. (Ana) Next update by 04:00 UTC." in updates(night)[-1]
    assert await kept(night) == [("watchkeeper", True)], "the promise was kept before"


async def test_nobody_is_disturbed_for_it_while_nobody_has_it(night: Night) -> None:
    await night.hear()
    await night.pass_time(minutes=31)
    assert not any("/u/" in text for text in [*night.ana.phone.texts, *night.ben.phone.texts])
    assert await kept(night) == [("watchkeeper", True)]


@pytest.mark.parametrize(("severity", "minutes"), [("P0", 30), ("P1", 60)])
async def test_the_cadence_is_the_severitys(night: Night, severity: str, minutes: int) -> None:
    await night.hear(severity=severity)
    before = len(updates(night))
    await night.pass_time(minutes=3 * minutes + 1)
    still = [text for text in updates(night)[before:] if "Still investigating" in text]
    assert len(still) == 3


async def test_a_promise_that_slack_broke_is_a_broken_one(night: Night) -> None:
    await acknowledged(night)
    channels = night.vendors.slack.channels
    kept_channel = channels.pop("#incidents")
    await night.pass_time(minutes=31)
    channels["#incidents"] = kept_channel
    assert await kept(night) == [("watchkeeper", False)]
    row = await night.store.one(
        "promises/count",
        grace=night.desk.policy.telling.promise_grace,
        since=night.clock().replace(hour=0),
        until=night.clock().replace(hour=23),
    )
    assert row == {"due": 1, "kept": 0}


async def test_a_draft_of_an_incident_that_is_over_or_a_forged_link_sends_nothing(night: Night) -> None:
    await acknowledged(night)
    await night.pass_time(minutes=25)
    link = night.ana.phone.link("u")
    assert (await night.ana.sends(f"{link}x")).status_code == 403
    async with night.store.transaction() as db:
        incident = await read_incident(db, 1)
        await close_by_hand(db, night.desk, incident, person="ana", reason="well", now=night.clock())
    await night.settle()
    before = len(updates(night))
    assert (await night.ana.opens(link)).status_code == 410
    assert (await night.ana.sends(link, text="Hello?")).status_code == 410
    await night.pass_time(minutes=40)
    assert len(updates(night)) == before
