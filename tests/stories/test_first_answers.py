"""Who is told, by which way, and what becomes of it when somebody answers, or nobody."""

from datetime import timedelta

import pytest

from tests.stories.night import Night
from watchkeeper.paging.outbox import read_notifications


async def test_the_first_on_call_is_paged_by_every_way_and_the_receipts_come_back(night: Night) -> None:
    await night.hear()
    (text,) = night.phone("ana").texts
    assert text.startswith("P0 INC-0001 since 03:00Z: Backend is down")
    assert len(night.phone("ana").calls) == 1
    assert night.mails("ana")[0]["subject"] == "P0 INC-0001: Backend is down"
    assert "INCIDENT - P0" in night.posts[0]["text"]
    states = {n.channel: n.state for n in await read_notifications(night.store, 1) if n.recipient == "ana"}
    assert states == {"sms": "delivered", "voice": "delivered", "email": "sent"}


async def test_the_second_is_told_when_the_first_stays_silent(night: Night) -> None:
    await night.hear(severity="P1")
    await night.pass_time(minutes=59)
    assert night.phone("ben").texts == []
    await night.pass_time(minutes=1)
    assert "Ana has not answered" in night.phone("ben").texts[-1]


async def test_the_clock_stops_at_everything_that_is_due_on_the_way(night: Night) -> None:
    await night.hear()
    began = night.clock()
    await night.pass_time(hours=1)
    assert night.clock() - began == timedelta(hours=1)
    assert [text for text in await night.timeline() if "Nobody has acknowledged" in text] != []
    assert len([post for post in night.posts if "Still investigating" in post["text"]]) == 2


async def test_who_presses_the_button_behind_the_link_has_it(night: Night) -> None:
    await night.hear()
    link = night.phone("ana").link("a")
    assert "Acknowledge: I have it" in (await night.ana.opens(link)).text
    assert "Acknowledged by Ana" in (await night.ana.sends(link)).text
    assert (await night.incident()).acknowledged_by == "ana"
    told = len(night.phone("ben").texts)
    await night.pass_time(minutes=20)
    assert len(night.phone("ben").texts) == told


async def test_the_page_of_whoever_comes_second_says_who_has_it_and_offers_to_take_it_over(
    night: Night,
) -> None:
    await night.hear()
    await night.pass_time(minutes=1)
    mine, yours = night.phone("ana").link("a"), night.phone("ben").link("a")
    offer = 'value="take"'
    assert offer not in (await night.ben.opens(yours)).text
    assert offer not in (await night.ana.sends(mine)).text
    seen = await night.ben.opens(yours)
    assert "Already acknowledged by Ana at 03:01 UTC" in seen.text and offer in seen.text
    assert "INC-0001 is yours now; Ana is told." in (await night.ben.sends(yours, say="take")).text
    assert (await night.incident()).acknowledged_by == "ben"
    assert offer in (await night.ana.opens(mine)).text


@pytest.mark.parametrize("own_policy", [{"roster": {"primary": "ben", "secondary": None}}])
async def test_a_story_may_change_the_policy(night: Night) -> None:
    await night.hear()
    assert night.phone("ana").texts == []
    assert night.phone("ben").texts
