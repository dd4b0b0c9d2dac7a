"""What a month's report rests on, read out of the rows; and the report made of it.

Incidents belong to the month in which they were detected, promises to that in which they were due, outages to each
month that they lasted in. Estimates are held against the truth over the last year: a month has too few of them.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import AwareDatetime

from watchkeeper.figures.charts import Chart, month_charts
from watchkeeper.figures.claims import Claim, claims_of
from watchkeeper.figures.estimates import Calibration, calibration, read_said
from watchkeeper.figures.ledger import Account, alike, service_accounts, vendor_accounts, whole_cost
from watchkeeper.figures.past import Month, Past, read_past
from watchkeeper.figures.statistics import FEWEST, Share
from watchkeeper.figures.times import Turn, turns_of
from watchkeeper.model import Data, Severity, incident_number
from watchkeeper.money import Money
from watchkeeper.policy import Policy
from watchkeeper.quiet.worth import WorthOfRule, read_worth
from watchkeeper.remediations import BY_HAND_STEP, UNDO_STEP
from watchkeeper.rendering import render, words
from watchkeeper.store import Db, Row, present

CALIBRATED_OVER = timedelta(days=365)


class Waking(Data):
    """One page that rang at one person."""

    incident_id: int | None
    recipient: str
    at: AwareDatetime


class Repeat(Data):
    """An incident with the cause of an earlier one."""

    incident_id: int
    earlier_id: int
    cause: str

    def in_words(self) -> str:
        return f"{incident_number(self.incident_id)} repeats {incident_number(self.earlier_id)}: {words(self.cause)}"


class Tried(Data):
    """What became of one action's changes: begun, carried out, and those after which the end was proved."""

    action: str
    begun: int
    done: int
    ended: int


class Promises(NamedTuple):
    """What was promised by a time, and kept."""

    updates: Share
    answers: Share
    reviews: Share


class Figures(NamedTuple):
    """Everything that a month's report says."""

    month: Month
    as_of: datetime
    policy: Policy
    incidents: Sequence[Past]
    turns: Sequence[Turn]
    repeats: Sequence[Repeat]
    wakings: Sequence[Waking]
    worth: Sequence[WorthOfRule]
    tried: Sequence[Tried]
    promises: Promises
    calibrations: Sequence[Calibration]
    services: Sequence[Account]
    vendors: Sequence[Account]
    claims: Sequence[Claim]

    @property
    def counts(self) -> list[tuple[Severity, int]]:
        return [(s, sum(i.severity is s for i in self.incidents)) for s in Severity]

    @property
    def repeats_goal_is_met(self) -> bool:
        return len(self.repeats) <= self.policy.goals.repeats

    @property
    def at_night(self) -> int:
        """How many pages rang while the team sleeps."""
        return sum(self.policy.night.around(w.at, self.policy.calendar) is not None for w in self.wakings)

    @property
    def out_of_hours(self) -> int:
        return sum(not self.policy.calendar.is_business_time(waking.at) for waking in self.wakings)

    @property
    def worth_waking(self) -> Share:
        worth = sum(rule.worth for rule in self.worth)
        return Share(worth, worth + sum(rule.not_worth for rule in self.worth))

    @property
    def cost(self) -> Money | None:
        """What the month's downtime cost; None where the policy gives no figure."""
        return whole_cost(self.services, self.policy)

    @property
    def unanswered(self) -> int:
        return sum(rule.unanswered for rule in self.worth)


async def read_month(db: Db, policy: Policy, month: Month, *, now: datetime) -> Figures:
    """Read everything that a month's report says."""
    time = {"starts": month.starts, "ends": month.ends}
    lasted = await read_past(db, month.starts, month.ends)
    detected = [i for i in lasted if month.starts <= i.detected_at < month.ends]
    said = await read_said(db, month.ends - CALIBRATED_OVER, month.ends)
    vendors = vendor_accounts(lasted, policy, month, now)
    tried = await db.all("figures/remediations", undo_step=UNDO_STEP, by_hand_step=BY_HAND_STEP, **time)
    return Figures(
        month=month,
        as_of=now,
        policy=policy,
        incidents=detected,
        turns=turns_of(detected, policy.goals),
        repeats=[Repeat.model_validate(row) for row in await db.all("figures/repeats", **time)],
        wakings=[Waking.model_validate(row) for row in await db.all("figures/wakings", **time)],
        worth=await read_worth(db, since=month.starts, until=month.ends),
        tried=[Tried.model_validate(row) for row in tried],
        promises=await _read_promises(db, policy, month, now),
        calibrations=[calibration(said, "triage"), calibration(said, "cause")],
        services=service_accounts(lasted, policy, month, now),
        vendors=vendors,
        claims=claims_of(vendors, lasted, policy, month),
    )


async def _read_promises(db: Db, policy: Policy, month: Month, now: datetime) -> Promises:
    grace = policy.telling.promise_grace
    updates = await db.one("promises/count", since=month.starts, until=month.ends, grace=grace)
    kept = present(await db.one("figures/kept", starts=month.starts, ends=month.ends, now=now))
    return Promises(
        updates=_share(present(updates), "kept", "due"),
        answers=_share(kept, "answers_kept", "answers_due"),
        reviews=_share(kept, "reviews_kept", "reviews_due"),
    )


def _share(row: Row, hits: str, n: str) -> Share:
    return Share(row[hits], row[n])


class Report(NamedTuple):
    """A month's report: its Markdown with links to the pictures, and the pictures."""

    name: str
    text: str
    charts: Sequence[Chart]


def beside(month: str, chart: Chart) -> str:
    """Where a picture is, as the report in a folder links it."""
    return f"{month}-{chart.name}.svg"


def month_report(figures: Figures, picture: Callable[[str, Chart], str] = beside) -> Report:
    """The report. `picture` gives the address of each picture: a file beside it, unless told otherwise."""
    charts = month_charts(
        figures.month, figures.incidents, figures.turns, figures.services, figures.policy.calendar
    )
    text = render(
        "documents/month.md.j2",
        figures=figures,
        goals=figures.policy.goals,
        pictures={chart.name: (chart.title, picture(figures.month.name, chart)) for chart in charts},
        fewest=FEWEST,
        alike=alike,
    )
    return Report(figures.month.name, text, charts)
