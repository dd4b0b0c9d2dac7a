"""Nights that stay quiet where they may, and loud where they must."""

import re
from datetime import timedelta

from tests.stories.night import Night
from watchkeeper.closing import close_by_hand
from watchkeeper.silences import add_silence, make_silence


async def test_a_deployment_window_is_slept_through_and_what_remains_broken_pages_at_its_end(
    night: Night,
) -> None:
    now = night.clock()
    window = make_silence(
        {"service": "backend"},
        sort="maintenance",
        starts_at=now,
        ends_at=now + timedelta(minutes=30),
        person="ben",
        reason="deploying 4.2",
        now=now,
    )
    await add_silence(night.store, window, now=now)
    assert (await night.hear()).json()["reason"] == "in_maintenance_window"
    await night.pass_time(minutes=29)
    assert night.phone("ana").received == [] and night.posts == []
    await night.pass_time(minutes=1)
    assert night.phone("ana").texts[0].startswith("P0 INC-0001 since 03:00Z: Backend is down")
    assert any("deploying 4.2" in text for text in await night.timeline())


async def test_a_second_p0_jumps_the_queue_of_a_page_storm(night: Night) -> None:
    for part in range(14):
        await night.hear(fingerprint=f"part:{part}", service=f"part{part}", severity="P1")
    assert len(night.phone("ana").texts) == 14
    # Nobody answers: what is asked again is held back for each person, ten messages in ten minutes.
    await night.pass_time(hours=1)
    limit = night.desk.policy.throttle.messages
    assert len(night.phone("ben").texts) == limit
    assert len(night.phone("ana").texts) == 14 + limit
    await night.hear(fingerprint="site", severity="P0", summary="Everything is down")
    assert night.phone("ana").texts[-1].startswith("P0 INC-0015")
    await night.pass_time(minutes=10)
    assert len([text for text in night.phone("ben").texts if "INC-00" in text]) > limit


async def test_who_was_woken_says_with_one_tap_whether_it_was_worth_it(night: Night) -> None:
    await night.hear()
    async with night.store.transaction() as db:
        incident = await night.incident()
        await close_by_hand(db, night.desk, incident, person="ben", reason="over", now=night.clock())
    await night.settle()
    mails = "".join(mail["text"] for mail in night.mails("ana"))
    (link,) = re.findall(r"http\S+/w/\S+", mails)
    for _ in range(2):
        assert "was this worth waking you?" in (await night.ana.opens(link)).text
    assert (await night.ana.sends(link)).status_code == 422
    page = night.house.signer.address(night.desk.incident_url(incident))
    assert "ana, was it worth waking you?" in (await night.ben.opens(page)).text
    assert "not worth waking you" in (await night.ana.sends(link, answer="no")).text
    assert (await night.ana.sends(link, answer="yes")).status_code == 410
    assert "ana: <b>no</b>" in (await night.ben.opens(page)).text
    assert (await night.ana.opens(link[:-3] + "AAA")).status_code == 403
