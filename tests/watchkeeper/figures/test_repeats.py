"""What was there before: linked, said on the page in honest words, and its open fix made urgent."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.watchkeeper.figures.test_estimates import end_one
from tests.watchkeeper.house import ANA, KernelHouse, two_on_call
from watchkeeper.figures.owed import raise_owed
from watchkeeper.figures.repeats import Earlier, link_by_cause, repeat_in_words
from watchkeeper.incidents import read_incident, set_cause
from watchkeeper.messages import fit_sms
from watchkeeper.model import Channel
from watchkeeper.policy import load_policy
from watchkeeper.reviews.items import read_items

POLICY = load_policy()
NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)


async def promise(house: KernelHouse, incident_id: int, number: int, due_at: datetime) -> None:
    await house.store.one(
        "action_items/save",
        incident_id=incident_id,
        number=number,
        action="limit the pool",
        owner="Ana",
        handle="ana",
        due_on=due_at.date(),
        due_at=due_at,
        priority="low",
        now=house.clock(),
    )


async def test_first_page_says_that_the_same_alert_came_before_and_that_the_fix_is_owed(
    house: KernelHouse,
) -> None:
    first = await end_one(house, minutes=30, cause="connection_leak")
    await promise(house, first, 2, house.clock() + timedelta(days=2))
    house.clock.advance(days=14)
    await house.hear()
    said = (
        "The same alert came on 2 March; then it was connection leak (INC-0001); "
        "the fix promised then (INC-0001, action 2) is open, 12 days overdue."
    )
    (mail, _), (chat, _) = ((house.channels[c].sent[-1][1].text, c) for c in (Channel.EMAIL, Channel.SLACK))
    assert said in mail and said in chat
    text = house.phone(ANA)[-1]
    assert "Seen 2 Mar (INC-0001), fix 12 days overdue" in text and len(text) <= 160


async def test_nothing_is_said_of_an_alert_whose_cause_was_never_found(house: KernelHouse) -> None:
    await end_one(house, minutes=30)
    await house.hear()
    assert "Before:" not in house.channels[Channel.EMAIL].sent[-1][1].text


async def test_what_was_long_ago_is_no_repeat(house: KernelHouse) -> None:
    await end_one(house, minutes=30, cause="connection_leak")
    house.clock.advance(days=90)
    await house.hear()
    assert "Before:" not in house.channels[Channel.EMAIL].sent[-1][1].text


async def test_same_cause_is_linked_and_its_open_fix_rises(house: KernelHouse) -> None:
    first = await end_one(house, minutes=30, cause="connection_leak")
    await promise(house, first, 1, house.clock() + timedelta(days=9))
    again = await end_one(house, minutes=5, fingerprint="other")
    incident = await set_cause(house.store, again, "connection_leak", 0.9)

    earlier = await link_by_cause(house.store, incident, POLICY, now=house.clock())
    assert earlier is not None and (earlier.earlier_id, earlier.sign) == (first, "cause")
    await raise_owed(house.store, again, earlier, now=house.clock())
    (item,) = await read_items(house.store, first)
    assert item.priority == "high"

    starts, ends = incident.detected_at, house.clock()
    linked = await house.store.all("figures/repeats", starts=starts, ends=ends)
    assert linked == [{"incident_id": again, "earlier_id": first, "cause": "connection_leak"}]


async def test_cause_that_is_corrected_corrects_the_link(house: KernelHouse) -> None:
    await end_one(house, minutes=30, cause="connection_leak")
    again = await end_one(house, minutes=5, cause="connection_leak", fingerprint="other")
    assert await link_by_cause(
        house.store, await read_incident(house.store, again), POLICY, now=house.clock()
    )
    for cause, confidence in (("disk_full", 0.9), ("connection_leak", 0.4)):
        corrected = await set_cause(house.store, again, cause, confidence)
        assert await link_by_cause(house.store, corrected, POLICY, now=house.clock()) is None
    assert await house.store.one("figures/repeat_of", incident_id=again) is None


@pytest.mark.parametrize(
    ("owed", "says", "short"),
    [
        ([], "no fix that was promised is open", ""),
        ([-12.5], "(INC-0004, action 2) is open, 12 days overdue", ", fix 12 days overdue"),
        ([-1.4], "(INC-0004, action 2) is open, overdue since yesterday", ", fix overdue since yesterday"),
        ([-0.6], "(INC-0004, action 2) is open, overdue since yesterday", ", fix overdue since yesterday"),
        ([-0.1], "(INC-0004, action 2) is open, due today", ", fix due today"),
        ([0.4], "(INC-0004, action 2) is open, due today", ", fix due today"),
        ([8], "(INC-0004, action 2) is open, due 9 December", ", fix due 9 December"),
        ([-2, 1], "is open, 2 days overdue, and 1 more", ", fix 2 days overdue"),
    ],
)
def test_words_say_what_became_of_the_fix(owed: list[float], says: str, short: str) -> None:
    said = repeat_in_words(repeats(*(NOW + timedelta(days=days) for days in owed)), POLICY, NOW)
    assert said.text.startswith("The same cause on 3 November (INC-0004)") and says in said.text
    assert said.short == f"As on 3 Nov (INC-0004){short}"


def repeats(*due: datetime, promised_after: int = 4) -> Earlier:
    """The same cause as INC-0004 had, with fixes that are due at these times."""
    promised = [{"incident_id": promised_after, "number": 2, "due_at": at} for at in due]
    at = datetime(2026, 11, 3, 4, 0, tzinfo=UTC)
    known = {"sign": "cause", "earlier_id": 4, "cause": "connection_leak", "detected_at": at}
    return Earlier.model_validate({**known, "promised": promised})


def test_fix_of_another_incident_is_not_said_to_be_of_then() -> None:
    said = repeat_in_words(repeats(NOW - timedelta(days=12), promised_after=1), POLICY, NOW)
    assert "the fix promised after INC-0001 (action 2) is open, 12 days overdue." in said.text
    assert said.short == "As on 3 Nov (INC-0004), INC-0001's fix 12 days overdue"


@pytest.mark.parametrize(
    ("due_at", "now", "says"),
    [
        # The day on the team's clock is the second of December already.
        ("2026-12-01T16:00Z", "2026-11-29T12:00Z", "due 2 December"),
        ("2026-12-01T16:00Z", "2026-12-02T14:00Z", "due today"),
        ("2026-12-01T16:00Z", "2026-12-02T15:30Z", "overdue since yesterday"),
        ("2026-12-01T16:00Z", "2026-12-03T16:00Z", "2 days overdue"),
    ],
)
def test_days_are_those_of_the_teams_clock(due_at: str, now: str, says: str) -> None:
    policy = two_on_call(calendar={"time_zone": "Asia/Tokyo"})
    earlier = repeats(datetime.fromisoformat(due_at))
    assert repeat_in_words(earlier, policy, datetime.fromisoformat(now)).short.endswith(f"fix {says}")


def test_last_word_stays_whole_as_long_as_the_text_can_be_read() -> None:
    long, link = "P0 INC-0007 since 03:00Z: " + "down " * 40, "https://w.example/a/" + "x" * 40
    assert fit_sms(long, link, after="Seen 3 Nov (INC-0004)").endswith(f"... Seen 3 Nov (INC-0004) {link}")
    assert "Seen" not in fit_sms(long, link + "y" * 40, after="Seen 3 Nov (INC-0004)")
