"""Times to each turn, against the guide's goals."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.watchkeeper.figures.past_incidents import past
from watchkeeper.errors import BadInput
from watchkeeper.figures.past import month_before, month_of
from watchkeeper.figures.times import Turn, brief, turns_of
from watchkeeper.policy import load_policy, merge, validate_policy

POLICY = load_policy()


def turn(turns: list[Turn], name: str) -> Turn:
    return next(each for each in turns if each.turn == name)


def test_each_turn_is_counted_from_its_own_beginning() -> None:
    incident = past(started_at=-3, detected_at=0, acknowledged_at=5, recovered_at=30, resolved_at=45)
    minutes = {name: time.total_seconds() / 60 for name, time in incident.took().items() if time is not None}
    assert minutes == {"detect": 3, "acknowledge": 5, "mitigate": 30, "resolve": 45}


def test_what_broke_again_is_not_mitigated() -> None:
    assert past(status="investigating", resolved_at=None).took()["mitigate"] is None


def test_median_is_held_against_the_goal_with_how_many_were_within() -> None:
    turns = turns_of(
        [past(n, resolved_at=minutes) for n, minutes in enumerate([40, 45, 50, 90, 55, 61])], POLICY.goals
    )
    resolve = turn(turns, "resolve")
    assert resolve.is_met is True
    assert resolve.in_words() == "52 min (40 min to 1 h 30 min, n = 6)"
    assert resolve.goal_in_words() == "under 1 h: met, 4 of 6 (67 %)"


@pytest.mark.parametrize(
    ("length", "says"),
    [
        (timedelta(seconds=44), "44 s"),
        (timedelta(minutes=1), "1 min"),
        (timedelta(hours=1, minutes=30), "1 h 30 min"),
        (timedelta(days=2, hours=3, minutes=4), "2 days 3 h 4 min"),
    ],
)
def test_durations_in_a_table_are_brief(length: timedelta, says: str) -> None:
    assert brief(length) == says


def test_too_few_say_so_and_are_not_judged() -> None:
    resolve = turn(turns_of([past(n) for n in range(4)], POLICY.goals), "resolve")
    assert (resolve.in_words(), resolve.is_met) == ("too few (4)", None)
    assert resolve.goal_in_words() == "under 1 h: 4 of 4"


def test_turn_that_never_came_is_counted_apart() -> None:
    acknowledge = turn(turns_of([past(1), past(2, acknowledged_at=None)], POLICY.goals), "acknowledge")
    assert (acknowledge.n, acknowledge.missing) == (1, 1)
    assert acknowledge.in_words() == "too few (1), 1 missing"


def test_interval_that_is_less_sure_than_usual_says_how_sure_it_is() -> None:
    five = turn(turns_of([past(n, resolved_at=10 * n) for n in range(1, 6)], POLICY.goals), "resolve")
    assert five.in_words() == "30 min (94 %: 10 min to 50 min, n = 5)"


def test_severities_without_a_goal_have_none() -> None:
    assert turn(turns_of([past(severity="P2")], POLICY.goals), "resolve").goal_in_words() == ""


def test_month_is_that_of_the_teams_wall_clock() -> None:
    own = merge(POLICY.model_dump(mode="json"), {"calendar": {"time_zone": "Europe/Berlin"}})
    calendar = validate_policy(own, source="test").calendar
    march = month_of("2026-03", calendar)
    assert march.starts == datetime(2026, 2, 28, 23, 0, tzinfo=UTC)
    assert march.ends == datetime(2026, 3, 31, 22, 0, tzinfo=UTC)
    assert month_before(datetime(2026, 3, 31, 22, 30, tzinfo=UTC), calendar) == march
    assert month_before(datetime(2026, 1, 9, tzinfo=UTC), calendar).name == "2025-12"


@pytest.mark.parametrize("text", ["2026", "2026-13", "march", "2026-3-1"])
def test_what_is_no_month_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadInput, match="write a year and a month, such as 2026-10"):
        month_of(text, POLICY.calendar)
