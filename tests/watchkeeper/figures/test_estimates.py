"""The time to resolution: an interval out of similar incidents, kept, and later held against the truth."""

from datetime import timedelta
from typing import Any

import pytest

from tests.watchkeeper.house import KernelHouse
from watchkeeper.figures.estimates import Said, Stage, calibration, estimate, estimate_resolution, read_said
from watchkeeper.incidents import read_incident, set_cause
from watchkeeper.model import Channel


@pytest.mark.parametrize(
    ("minutes", "says"),
    [
        ([], "not enough past incidents (0 of 5)"),
        ([10, 20, 30, 40], "not enough past incidents (4 of 5)"),
        (
            [10, 20, 30, 40, 50],
            "30 minutes; half of them took 15 minutes to 45 minutes, all 5 took 10 minutes to 50 minutes (n = 5)",
        ),
        (
            range(10, 100, 10),
            "50 minutes; half of them took 25 minutes to 1 hour and 15 minutes, "
            "8 of 10 took 10 minutes to 1 hour and 30 minutes (n = 9)",
        ),
    ],
)
def test_estimate_says_how_many_it_rests_on(minutes: list[float], says: str) -> None:
    assert estimate([each * 60 for each in minutes]).in_words() == says


async def end_one(house: KernelHouse, *, minutes: float, cause: str | None = None, **told: Any) -> int:
    """One whole incident: heard of, explained, and over so many minutes later; the clock goes on for a day."""
    number = (await house.hear(**told)).incident_id
    assert number is not None
    if cause:
        await set_cause(house.store, number, cause, 0.9)
    ended = house.clock() + timedelta(minutes=minutes)
    await house.store.one("incidents/close_by_hand", id=number, now=ended)
    await house.store.run("alerts/leave", incident_id=number)
    house.clock.advance(days=1)
    return number


async def test_the_alert_to_the_team_has_the_estimate_once_enough_is_known(house: KernelHouse) -> None:
    for minutes in range(10, 70, 10):
        await end_one(house, minutes=minutes)
    posts = [message.text for _, message in house.channels[Channel.SLACK].sent]
    alerts = [text for text in posts if "INCIDENT - P0" in text]
    assert "ETA: not known yet" in alerts[-2]
    assert "ETA: 30 minutes; half of them took 15 minutes to 45 minutes" in alerts[-1]


async def test_similar_are_those_of_its_kind_and_severity_and_later_of_its_cause(house: KernelHouse) -> None:
    for minutes in range(10, 70, 10):
        await end_one(house, minutes=minutes, cause="bad_deployment" if minutes > 10 else "out_of_memory")
    await end_one(house, minutes=999, kind="worker_stuck", service="worker", fingerprint="w")
    number = await end_one(house, minutes=25)
    incident = await read_incident(house.store, number)

    at_triage = await estimate_resolution(house.store, incident, "triage", now=house.clock())
    assert (at_triage.n, at_triage.median) == (6, 35 * 60)
    incident = await set_cause(house.store, number, "bad_deployment", 0.9)
    by_cause = await estimate_resolution(house.store, incident, "cause", now=house.clock())
    assert (by_cause.n, by_cause.median) == (5, 40 * 60)

    said = await read_said(house.store, incident.detected_at, house.clock())
    assert [(one.stage, one.n, one.took) for one in said] == [("cause", 5, 1500), ("triage", 6, 1500)]


async def test_first_word_at_a_stage_is_the_one_that_is_held_against_the_truth(house: KernelHouse) -> None:
    for _ in range(5):
        await end_one(house, minutes=30)
    number = await end_one(house, minutes=30)
    incident = await read_incident(house.store, number)
    for _ in range(2):
        await estimate_resolution(house.store, incident, "triage", now=house.clock())
        await house.store.run("figures/unlink_repeat", incident_id=number, sign="alert")
    assert len(await read_said(house.store, incident.detected_at, house.clock())) == 1


def said(took: float, *, n: int = 12, stage: Stage = "triage") -> Said:
    return Said(stage=stage, n=n, low50=20, high50=40, low80=10, high80=60, took=took)


def test_calibration_counts_how_often_the_truth_fell_inside() -> None:
    told = [*(said(took) for took in (5, 15, 25, 35, 55, 70)), said(30, n=6), said(30, stage="cause")]
    found = calibration(told, "triage")
    assert (found.half.hits, found.half.n) == (3, 7)
    assert (found.most.hits, found.most.n) == (4, 6)


def test_estimate_that_was_none_is_not_counted() -> None:
    none = Said(stage="triage", n=3, low50=None, high50=None, low80=None, high80=None, took=9)
    assert calibration([none], "triage").half.n == 0
