"""The estimated time to resolution, out of similar incidents of the past, and how often it held.

It is counted from detection. What was said is kept: a month later it can be told how often the truth fell inside.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from watchkeeper.figures.statistics import FEWEST, Share, Span, next_sample, quantile
from watchkeeper.figures.times import in_words
from watchkeeper.model import Data, Incident
from watchkeeper.store import Db

# At triage nobody knows the cause; once it is found, those with the same one are more alike.
Stage = Literal["triage", "cause"]


class Estimate(Data):
    """An estimate out of `n` past incidents; without figures where they are too few. Seconds."""

    n: int
    median: float | None = None
    half: Span | None = None
    most: Span | None = None

    def in_words(self) -> str:
        """Such as "25 minutes; half of them took 15 to 40 minutes, 8 of 10 took 8 minutes to 1 hour (n = 12)"."""
        if self.median is None or self.half is None or self.most is None:
            return f"not enough past incidents ({self.n} of {FEWEST})"
        half, most = (f"{in_words(s.low)} to {in_words(s.high)}" for s in (self.half, self.most))
        # The whole range of fewer than nine does not hold eight tenths of what may come.
        share = "8 of 10" if self.most.sure >= self.most.wanted else f"all {self.n}"
        return f"{in_words(self.median)}; half of them took {half}, {share} took {most} (n = {self.n})"


def estimate(seconds: Sequence[float]) -> Estimate:
    """The estimate out of how long similar incidents took."""
    if len(seconds) < FEWEST:
        return Estimate(n=len(seconds))
    return Estimate(
        n=len(seconds),
        median=quantile(sorted(seconds), 0.5),
        half=next_sample(seconds, 0.5),
        most=next_sample(seconds, 0.8),
    )


async def read_similar(db: Db, incident: Incident) -> Estimate:
    """The estimate out of incidents of the kind and severity, as long as no cause is known."""
    rows = await db.all("figures/similar", id=incident.id, kind=incident.kind, severity=incident.severity)
    return estimate([row["seconds"] for row in rows])


async def estimate_resolution(db: Db, incident: Incident, stage: Stage, *, now: datetime) -> Estimate:
    """Estimate, and keep what is said: similar are those of the kind and severity, and of the cause once it is known."""
    if stage == "cause":
        alike = {"id": incident.id, "kind": incident.kind, "severity": incident.severity}
        rows = await db.all("figures/similar_by_cause", cause=incident.cause, **alike)
        found = estimate([row["seconds"] for row in rows])
    else:
        found = await read_similar(db, incident)
    await db.run(
        "figures/say_estimate",
        incident_id=incident.id,
        stage=stage,
        now=now,
        n=found.n,
        median=found.median,
        low50=found.half and found.half.low,
        high50=found.half and found.half.high,
        low80=found.most and found.most.low,
        high80=found.most and found.most.high,
    )
    return found


class Said(Data):
    """An estimate of the past, and how long it really took."""

    stage: Stage
    n: int
    low50: float | None
    high50: float | None
    low80: float | None
    high80: float | None
    took: float


# From so many on, eight tenths of what may come lie within the range of those that were.
ENOUGH_FOR_MOST = 9


class Calibration(Data):
    """How often the truth fell inside: for a good estimate half of the time, and eight times of ten."""

    stage: Stage
    half: Share
    most: Share


def calibration(said: Sequence[Said], stage: Stage) -> Calibration:
    """How often the estimates of one stage held."""
    told = [one for one in said if one.stage == stage]
    return Calibration(
        stage=stage,
        half=_share([(one.low50, one.took, one.high50) for one in told]),
        most=_share([(one.low80, one.took, one.high80) for one in told if one.n >= ENOUGH_FOR_MOST]),
    )


def _share(told: Sequence[tuple[float | None, float, float | None]]) -> Share:
    spans = [(low, took, high) for low, took, high in told if low is not None and high is not None]
    return Share(sum(low <= took <= high for low, took, high in spans), len(spans))


async def read_said(db: Db, starts: datetime, ends: datetime) -> list[Said]:
    """The estimates of incidents that ended between the two."""
    rows = await db.all("figures/estimates", starts=starts, ends=ends)
    return [Said.model_validate(row) for row in rows]
