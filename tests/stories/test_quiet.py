"""Nights that stay quiet where they may, and loud where they must."""

import re
from datetime import timedelta

from tests.stories.night import Night
from watchkeeper.closing import close_by_hand
from watchkeeper.quiet.silences import add_silence, make_silence


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
    # Nobody answers: what is new to Ben is each incident's first page to him, what Ana knows is held back at three.
    await night.pass_time(hours=1)
    throttle = night.desk.policy.throttle
    assert len(night.phone("ben").texts) == 14
    assert len(night.phone("ana").texts) == 14 + throttle.repeats
    await night.hear(fingerprint="site", severity="P0", summary="Everything is down")
    assert night.phone("ana").texts[-1].startswith("P0 INC-0015")
    assert night.phone("ben").texts[-1].startswith("P0 INC-0015"), "a P0 is new to the second one, too"
    await night.pass_time(minutes=10)
    # Whatever asks Ben again waits for room.
    await night.pass_time(minutes=6)
    repeated = [text for text in night.phone("ben").texts if "has not answered" in text]
    assert 14 < len(repeated) < 28


async def test_the_incidents_page_asks_its_viewer_and_holds_nobody_elses_question(night: Night) -> None:
    await night.hear()
    await night.pass_time(minutes=1)  # a P0 wakes Ben too
    (anas,) = re.findall(r"http\S+/i/\S+", night.mails("ana")[0]["text"])
    (bens,) = re.findall(r"http\S+/i/\S+", night.mails("ben")[0]["text"])
    (teams,) = re.findall(r"http\S+/i/\S+", night.posts[0]["text"])
    # It is closed by whose page it is, whatever a browser fills in.
    assert "It is over</button>" not in (await night.ben.opens(teams)).text
    assert "You close it as ben" in (await night.ben.opens(bens)).text
    await night.ben.sends(bens, person="Eve", reason="over")
    assert "Status: resolved (closed by ben: over)" in await night.timeline()
    own = {
        name: re.findall(r"http\S+/w/\S+", "".join(mail["text"] for mail in night.mails(name)))[0]
        for name in ("ana", "ben")
    }
    seen = {page: (await night.ana.opens(page)).text for page in (anas, bens, teams)}
    assert [own["ana"] in text for text in seen.values()] == [True, False, False]
    assert [own["ben"] in text for text in seen.values()] == [False, True, False]
    assert [text.count("/w/") for text in seen.values()] == [1, 1, 0]
    for wrong in (anas[:-3] + "AAA", anas.replace("-", "x"), anas.replace("/i/i1-", "/i/i2-")):
        assert (await night.ana.opens(wrong)).status_code == 403
    await night.ana.sends(own["ana"], answer="yes")
    assert "ana: <b>yes</b>" in (await night.ben.opens(bens)).text


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
    assert "not worth waking you" in (await night.ana.sends(link, answer="no")).text
    assert (await night.ana.sends(link, answer="yes")).status_code == 410
    assert "ana: <b>no</b>" in (await night.ben.opens(page)).text
    assert (await night.ana.opens(link[:-3] + "AAA")).status_code == 403
