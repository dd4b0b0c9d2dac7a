"""The calendar feed of shifts: complete, readable by calendars, and the same event stays the same."""

from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import icalendar
import pytest

from tests.watchkeeper.oncall.test_oncall import at, said, team
from watchkeeper.documents.shift_feed import feed
from watchkeeper.errors import BadInput
from watchkeeper.links import LinkSigner
from watchkeeper.oncall import Change
from watchkeeper.policy import Policy
from watchkeeper.policy.people import Person

NOW = at("2026-03-18T12:00+01:00")


def events(policy: Policy, *changes: Change, person: str | None = None, weeks: int = 0) -> list[Any]:
    now = NOW + timedelta(weeks=weeks)
    document = feed(policy, changes, person=person, host="watch.test", now=now)
    return list(icalendar.Calendar.from_ical(document).walk("VEVENT"))


def lasts(event: Any) -> tuple[str, str, str]:
    return str(event["SUMMARY"]), *(f"{event[end].dt:%m-%d %H:%M}" for end in ("DTSTART", "DTEND"))


def test_it_holds_eight_weeks_of_both_roles_across_the_change_of_clocks() -> None:
    primaries = [lasts(e) for e in events(team()) if "primary" in e["SUMMARY"]]
    assert len(events(team())) == 16
    assert primaries[:3] == [
        ("Ben: primary on call", "03-16 08:00", "03-23 08:00"),
        ("Cleo: primary on call", "03-23 08:00", "03-30 07:00"),
        ("Ana: primary on call", "03-30 07:00", "04-06 07:00"),
    ]


def test_a_persons_feed_holds_their_own_shifts_alone() -> None:
    assert {str(e["SUMMARY"]).partition(":")[0] for e in events(team(), person="ana")} == {"Ana"}


def test_a_week_keeps_its_uids_while_time_passes_and_others_swap() -> None:
    before = {str(e["UID"]) for e in events(team())}
    assert len(before) == 16
    assert len(before & {str(e["UID"]) for e in events(team(), weeks=1)}) == 14
    swap = said("primary", "dora", "2026-03-24T12:00+01:00", "2026-03-25T12:00+01:00")
    during = [lasts(e) for e in events(team(), swap) if "03-23" < f"{e['DTSTART'].dt:%m-%d}" < "03-27"]
    assert ("Dora: primary on call", "03-24 11:00", "03-25 11:00") in during
    assert before < {str(e["UID"]) for e in events(team(), swap)}


def test_who_is_always_on_call_has_an_event_a_week() -> None:
    assert len(events(team(primary="ana"))) == 8


def test_names_cannot_break_the_calendar() -> None:
    policy = team(primary="ana")
    rude = Person(name="Ana\r\nBEGIN:VALARM, ; \\", phone="+14155550101")
    (event, *_) = events(policy.model_copy(update={"people": policy.people | {"ana": rude}}))
    assert "BEGIN:VALARM" in event["SUMMARY"] and not event.walk("VALARM")


@pytest.mark.parametrize("person", [None, "ana", "a.b/c d", "žofie"])
def test_an_address_says_whose_shifts_it_shows_and_no_other_opens_it(person: str | None) -> None:
    signer = LinkSigner("k" * 32)
    token = unquote(signer.feed_address("http://watch.test/", person).rpartition("/")[2].removesuffix(".ics"))
    assert signer.read_feed(token) == person
    for wrong in (f"{token}x", signer.token(7), LinkSigner("l" * 32).feed_address("", person), "s"):
        with pytest.raises(BadInput):
            signer.read_feed(wrong)
    with pytest.raises(BadInput):
        signer.read(token)
