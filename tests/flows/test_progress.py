"""What the looks of a verification add up to: green for long enough, fallen back, or never recovered."""

from datetime import timedelta

import pytest

from flows.verification import (
    Look,
    Progress,
    Told,
    Verdict,
    Waiting,
    judge_progress,
    judge_waiting,
    looks_of,
    share_done,
)
from tests.flows.looks import NOT_RECOVERED, RELAPSED, STABLE, WATCHED_SINCE, WATCHING, minutes, reading
from watchkeeper.model import Reading
from watchkeeper.policy import load_policy

# Stable for 15 minutes, a look every 30 seconds, given up after 30 minutes.
RULES = load_policy().verification
EVERY = RULES.check_every


def judged(
    lights: str, *, alert_after: timedelta | None = None, later: timedelta = EVERY, fires: bool = False
) -> Progress:
    """What looks say, written as one letter each: G for green, R for red, - for a witness that could not be asked."""
    looks = [
        Look(WATCHED_SINCE + number * EVERY, light == "G", light == "-")
        for number, light in enumerate(lights)
    ]
    return judge_progress(
        looks,
        RULES,
        watched_since=WATCHED_SINCE,
        told=Told(None if alert_after is None else WATCHED_SINCE + alert_after, fires),
        now=WATCHED_SINCE + (len(lights) - 1) * EVERY + later,
    )


@pytest.mark.parametrize(
    ("lights", "verdict", "green_since"),
    [
        ("", WATCHING, None),
        ("G", WATCHING, minutes(0)),
        ("R", WATCHING, None),
        # Red at first is the cure taking hold, however many looks it takes.
        ("RRRR", WATCHING, None),
        ("RRRRG", WATCHING, minutes(2)),
        # One bad look may be a blip; it starts the time anew.
        ("GGGR", WATCHING, None),
        ("GGGRG", WATCHING, minutes(2)),
        ("GGGRGR", WATCHING, None),
        ("GRGRGRG", WATCHING, minutes(3)),
        # Two in a row are a relapse, right then.
        ("GRR", RELAPSED, None),
        ("RRGGRR", RELAPSED, None),
        ("GGRRR", RELAPSED, None),
        # Green since 03:00, it is stable at 03:15 and not a look before.
        ("G" * 29, WATCHING, minutes(0)),
        ("G" * 30, STABLE, minutes(0)),
        ("R" + "G" * 29, WATCHING, minutes(0.5)),
        ("R" + "G" * 30, STABLE, minutes(0.5)),
        ("G" * 29 + "R" + "G" * 29, WATCHING, minutes(15)),
        ("G" * 29 + "R" + "G" * 30, STABLE, minutes(15)),
        # Never green in half an hour.
        ("R" * 59, WATCHING, None),
        ("R" * 60, NOT_RECOVERED, None),
        # What could not be asked proves nothing: it is not green, and it is no relapse.
        ("G" * 29 + "-", WATCHING, None),
        ("G" * 29 + "-" * 59, WATCHING, None),
        ("G" * 29 + "-" * 60, Verdict.UNPROVED, None),
        ("G" * 29 + "-" + "G" * 29, WATCHING, minutes(15)),
        ("G" * 29 + "-" + "G" * 30, STABLE, minutes(15)),
        ("R" * 70 + "-", WATCHING, None),
        ("G-R-R", RELAPSED, None),
        ("-" * 60, Verdict.UNPROVED, None),
    ],
)
def test_judges_what_the_looks_say(lights: str, verdict: Verdict, green_since: timedelta | None) -> None:
    since = None if green_since is None else WATCHED_SINCE + green_since

    assert judged(lights) == Progress(verdict, since)


def test_gives_up_when_no_look_came_at_all() -> None:
    assert judged("", later=minutes(31)).verdict is NOT_RECOVERED


def test_has_recovered_late_when_it_is_green_after_the_time_to_give_up() -> None:
    assert judged("R" * 70 + "G").verdict is WATCHING


@pytest.mark.parametrize(
    ("alert_after", "verdict", "counted_from"),
    [
        (None, STABLE, minutes(0)),
        (minutes(-5), STABLE, minutes(0)),
        (minutes(0), STABLE, minutes(0)),
        (minutes(0.1), WATCHING, minutes(0.1)),
        (minutes(14), WATCHING, minutes(14)),
    ],
)
def test_an_alert_in_the_middle_starts_the_time_anew(
    alert_after: timedelta | None, verdict: Verdict, counted_from: timedelta
) -> None:
    assert judged("G" * 30, alert_after=alert_after) == Progress(verdict, WATCHED_SINCE + counted_from)


@pytest.mark.parametrize(
    ("lights", "alert_after", "verdict"),
    [
        # Green for as long as one likes: what its sender has not ended is not over.
        ("G" * 30, None, WATCHING),
        ("G" * 59, None, WATCHING),
        ("G" * 60, None, Verdict.CONTRADICTED),
        ("R" * 30 + "G" * 59, None, WATCHING),
        ("R" * 30 + "G" * 60, None, Verdict.CONTRADICTED),
        # Saying it again and again does not put off that a person hears of it.
        ("G" * 60, minutes(29), Verdict.CONTRADICTED),
        ("GRR", None, RELAPSED),
        ("R" * 60, None, NOT_RECOVERED),
    ],
)
def test_an_alert_that_still_fires_is_put_to_a_person_in_the_end(
    lights: str, alert_after: timedelta | None, verdict: Verdict
) -> None:
    assert judged(lights, alert_after=alert_after, fires=True).verdict is verdict


SIX_HOURS = load_policy().response.wait_for_vendor


def waited(
    lights: str, pages: str, *, held_back: bool = False, every: timedelta = EVERY, later: timedelta = EVERY
) -> Verdict:
    """What looks say while a vendor is waited for: its page is R for an outage, Y for less, G, or - for silent."""
    moments = [WATCHED_SINCE + number * every for number in range(len(lights))]
    page = [
        Reading(
            probe="vendor_status_supabase",
            service="supabase",
            value="GYR".index(colour),
            unit="",
            threshold=1,
            ok=colour != "R",
            observed_at=at,
        )
        for at, colour in zip(moments, pages, strict=True)
        if colour != "-"
    ]
    red = {reading.observed_at for reading in page if not reading.ok}
    looks = [Look(at, light == "G" and at not in red) for at, light in zip(moments, lights, strict=True)]
    return judge_waiting(
        looks,
        page,
        Waiting("Supabase", held_back=held_back),
        load_policy(),
        watched_since=WATCHED_SINCE,
        told=Told(),
        now=moments[-1] + later,
    ).verdict


@pytest.mark.parametrize(
    ("lights", "pages", "verdict"),
    [
        ("R" * 100, "R" * 100, WATCHING),  # far beyond the half hour of an ordinary cure
        ("R" * 100, "-" * 100, WATCHING),
        ("R" * 100, "G" * 100, WATCHING),  # not every outage is on the page
        # All is green here, and the vendor says that it is not over: neither is it for us.
        ("G" * 100, "R" * 100, WATCHING),
        ("G" * 30, "Y" * 30, STABLE),
        ("G" * 30, "G" * 30, STABLE),
        ("G" * 30, "-" * 30, STABLE),
        ("R" * 50 + "G" * 30, "R" * 50 + "G" * 30, STABLE),
        ("R" * 50 + "G" * 30, "R" * 52 + "G" * 28, WATCHING),
        # From the vendor's recovery on, ours has the ordinary time.
        ("R" * 158, "R" * 100 + "G" * 58, WATCHING),
        ("R" * 159, "R" * 100 + "G" * 59, NOT_RECOVERED),
        ("R" * 161, "R" * 100 + "Y" * 61, WATCHING),
        ("R" * 50 + "GGRR", "R" * 50 + "GGRR", RELAPSED),
    ],
)
def test_waits_for_a_vendor_as_long_as_it_is_down(lights: str, pages: str, verdict: Verdict) -> None:
    assert waited(lights, pages) is verdict


@pytest.mark.parametrize("pages", ["RR", "YY", "GG", "--"])
def test_a_vendor_that_stays_away_is_overdue_in_the_end(pages: str) -> None:
    assert waited("RR", pages, every=SIX_HOURS) is Verdict.VENDOR_OVERDUE
    assert waited("RR", pages, every=SIX_HOURS / 2) is WATCHING


def test_green_for_hours_under_a_red_page_is_a_persons_to_judge() -> None:
    assert waited("GG", "RR", every=SIX_HOURS) is Verdict.VENDOR_OVERDUE


@pytest.mark.parametrize(
    ("lights", "pages", "verdict"),
    [
        ("RRR", "RRR", WATCHING),
        ("RRR", "RRG", Verdict.VENDOR_RECOVERED),  # what was held back may happen now
        ("RRG", "RRG", WATCHING),  # and is not needed any more
        ("RRR", "RR-", WATCHING),
        ("R", "G", Verdict.VENDOR_RECOVERED),  # it recovered while we looked
        ("R" * 100, "RR" + "-" * 97 + "G", Verdict.VENDOR_RECOVERED),  # and its page told of that late
    ],
)
def test_what_was_held_back_goes_on_when_the_vendor_does(lights: str, pages: str, verdict: Verdict) -> None:
    assert waited(lights, pages, held_back=True) is verdict


@pytest.mark.parametrize(
    ("read", "looks"),
    [
        ([], []),
        ([("a", True), ("b", True)], [True]),
        ([("a", True), ("b", False)], [False]),
        ([("a", False), ("b", True)], [False]),
        ([("a", True), ("b", True), ("a", True), ("b", False)], [True, False]),
        ([("a", False), ("b", False), ("a", True), ("b", True)], [False, True]),
        # A run died in the middle of its look: what it read is a look of its own.
        ([("a", True), ("b", True), ("a", False), ("a", True), ("b", True)], [True, False, True]),
        # A probe that was not there before belongs to the look that it came with.
        ([("a", True), ("a", True), ("b", False)], [True, False]),
    ],
)
def test_readings_of_one_time_are_one_look(read: list[tuple[str, bool]], looks: list[bool]) -> None:
    told = [reading(probe, ok, WATCHED_SINCE + timedelta(seconds=n)) for n, (probe, ok) in enumerate(read)]

    found = looks_of(told, "backend")

    assert [look.green for look in found] == looks
    assert all(look.at in {each.observed_at for each in told if each.probe == "a"} for look in found)


def unread(probe: str, service: str) -> Reading:
    known = reading(probe, False, WATCHED_SINCE)
    return known.model_copy(update={"unread": True, "service": service})


@pytest.mark.parametrize(
    ("missed", "is_unread"),
    [
        # A good rollback is not taken back because somebody else's password has changed.
        ([unread("redis_ping", "redis")], True),
        ([unread("uptimerobot_monitors", "backend")], True),
        ([unread("redis_ping", "redis"), unread("uptimerobot_monitors", "backend")], True),
        # What cannot even be asked is what the incident is about.
        ([unread("backend_health", "backend")], False),
        ([unread("redis_ping", "redis"), reading("queue", False, WATCHED_SINCE)], False),
    ],
)
def test_what_could_not_be_asked_speaks_against_a_cure_only_where_it_is_the_incidents_own_service(
    missed: list[Reading], is_unread: bool
) -> None:
    [look] = looks_of([reading("backend_detailed", True, WATCHED_SINCE), *missed], "backend")

    assert (look.green, look.unread) == (False, is_unread)


@pytest.mark.parametrize(
    ("green_for", "share"),
    [
        (None, 0.0),
        (minutes(-1), 0.0),
        (minutes(0), 0.0),
        (minutes(6), 0.4),
        (minutes(15), 1.0),
        (minutes(99), 1.0),
    ],
)
def test_shows_how_much_of_the_time_is_over(green_for: timedelta | None, share: float) -> None:
    since = None if green_for is None else WATCHED_SINCE - green_for

    assert share_done(Progress(WATCHING, since), RULES, WATCHED_SINCE) == pytest.approx(share)
