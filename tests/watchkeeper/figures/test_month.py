"""The month's report: a synthetic year, and the same figures worked out by other means."""

import math
import statistics
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psycopg
import pytest
from psycopg.rows import dict_row

from benchmarks.year import STARTS, Made, Values, fill, make_year
from tests.conftest import MovedClock
from tests.watchkeeper.figures.past_incidents import AT, past
from tests.watchkeeper.house import KernelHouse, two_on_call
from watchkeeper.figures.claims import claims_of
from watchkeeper.figures.estimates import estimate_resolution
from watchkeeper.figures.ledger import service_accounts, vendor_accounts
from watchkeeper.figures.month import Figures, month_report, read_month
from watchkeeper.figures.past import Month, month_of
from watchkeeper.figures.repeats import link_by_cause, read_earlier
from watchkeeper.figures.reporting import compose, html_of, next_report, write_report
from watchkeeper.incidents import read_incident
from watchkeeper.model import Channel
from watchkeeper.occasions import OCCASIONS
from watchkeeper.policy import Policy, load_policy, merge, validate_policy
from watchkeeper.store import Store

SURE, WITHIN = 0.6, timedelta(days=90)


def berlin() -> Policy:
    """Another time zone than the rows have, so that a mistake in it shows."""
    own = {"calendar": {"time_zone": "Europe/Berlin"}}
    return validate_policy(merge(load_policy().model_dump(mode="json"), own), source="test")


POLICY = berlin()
OCTOBER = month_of("2025-10", POLICY.calendar)
LATER = OCTOBER.ends + timedelta(days=2)


def rows_of(year: list[Made], table: str) -> list[Values]:
    return next(made.rows for made in year if made.table == table)


def in_october(rows: list[Values], column: str) -> list[Values]:
    return [row for row in rows if row[column] and OCTOBER.starts <= row[column] < OCTOBER.ends]


@pytest.fixture
def year() -> list[Made]:
    return make_year(seed=2025, incidents=400)


@pytest.fixture
def filled(store_url: str, year: list[Made]) -> str:
    fill(store_url, year)
    return store_url


async def figures_of(store: Store) -> Figures:
    return await read_month(store, POLICY, OCTOBER, now=LATER)


async def test_counts_and_medians_are_those_that_the_database_gives(filled: str, store: Store) -> None:
    figures = await figures_of(store)
    with psycopg.connect(filled, row_factory=dict_row) as connection:
        counted = connection.execute(
            "SELECT severity, count(*) AS n, count(*) FILTER (WHERE resolved_at - detected_at < '1 hour') AS quick,"
            " percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM resolved_at - detected_at)) AS middle"
            " FROM incidents WHERE detected_at >= '2025-10-01 00:00 Europe/Berlin'"
            " AND detected_at < '2025-11-01 00:00 Europe/Berlin' GROUP BY severity"
        ).fetchall()
    assert counted
    told = {turn.severity: turn for turn in figures.turns if turn.turn == "resolve"}
    assert {s: n for s, n in figures.counts if n} == {row["severity"]: row["n"] for row in counted}
    for row in counted:
        turn = told[row["severity"]]
        assert turn.middle is not None and turn.middle.median == pytest.approx(row["middle"])
    p0 = next(row for row in counted if row["severity"] == "P0")
    assert told[p0["severity"]].within == (p0["quick"], p0["n"])


async def test_intervals_are_those_of_the_binomial_counted_out(
    filled: str, store: Store, year: list[Made]
) -> None:
    figures = await figures_of(store)
    for turn in figures.turns:
        if turn.turn != "detect" or turn.middle is None:
            continue
        of_severity = [
            r for r in in_october(rows_of(year, "incidents"), "detected_at") if r["severity"] == turn.severity
        ]
        seconds = sorted((row["detected_at"] - row["started_at"]).total_seconds() for row in of_severity)
        n, k = len(seconds), 1
        while 1 - 2 * sum(math.comb(len(seconds), i) for i in range(k + 1)) / 2**n >= 0.95:
            k += 1
        assert (turn.middle.low, turn.middle.high) == pytest.approx((seconds[k - 1], seconds[-k]))


async def test_pages_changes_promises_and_answers_are_those_that_happened(
    filled: str, store: Store, year: list[Made]
) -> None:
    figures = await figures_of(store)
    rang = {
        (row["incident_id"], row["recipient"]): row["sent_at"]
        for row in reversed(in_october(rows_of(year, "notifications"), "sent_at"))
        if row["channel"] in ("sms", "voice") and row["state"] != "failed"
    }
    local = [at.astimezone(POLICY.calendar.zone) for at in rang.values()]
    assert len(figures.wakings) == len(rang) > 10
    assert figures.at_night == sum(at.hour >= 22 or at.hour < 7 for at in local) > 0
    assert figures.out_of_hours == sum(at.weekday() > 4 or not 9 <= at.hour < 17 for at in local)

    tried: Counter[tuple[str, str]] = Counter()
    last = {(row["id"], row["round"]) for row in rows_of(year, "incidents") if row["proved"]}
    for row in in_october(rows_of(year, "remediations"), "claimed_at"):
        tried[row["action"], "begun"] += 1
        tried[row["action"], "done"] += row["state"] == "done"
        tried[row["action"], "ended"] += row["state"] == "done" and (row["incident_id"], row["round"]) in last
    assert {
        (t.action, name): getattr(t, name) for t in figures.tried for name in ("begun", "done", "ended")
    } == tried

    october = {row["id"] for row in in_october(rows_of(year, "incidents"), "detected_at")}
    said = [row["worth"] for row in rows_of(year, "worth") if row["incident_id"] in october]
    assert figures.worth_waking == (said.count(True), said.count(True) + said.count(False))
    assert figures.unanswered == said.count(None)

    due = in_october(rows_of(year, "deadlines"), "due_at")
    assert figures.promises.answers == (
        sum(bool(r["met_at"] and r["met_at"] <= r["due_at"]) for r in due),
        len(due),
    )
    promised = in_october(rows_of(year, "promises"), "due_at")
    sent = {row["key"]: row["sent_at"] for row in rows_of(year, "notifications")}
    in_time = [sent[r["notification_key"]] <= r["due_at"] + timedelta(minutes=1) for r in promised]
    assert figures.promises.updates == (sum(in_time), len(in_time))
    reviews = [r for r in in_october(rows_of(year, "reviews"), "due_at") if r["waived_at"] is None]
    published = [r["published_at"] for r in reviews]
    kept = [r for r, at in zip(reviews, published, strict=True) if at and at <= r["due_at"]]
    assert figures.promises.reviews == (len(kept), len(reviews)) and 0 < len(kept) < len(reviews)


async def test_a_review_that_is_not_due_yet_is_no_promise_that_was_broken(
    filled: str, store: Store, year: list[Made]
) -> None:
    half_way = OCTOBER.starts + timedelta(days=15)
    october = [r for r in in_october(rows_of(year, "reviews"), "due_at") if r["waived_at"] is None]
    counted = [r for r in october if r["due_at"] <= half_way or r["published_at"]]

    figures = await read_month(store, POLICY, OCTOBER, now=half_way)

    assert figures.promises.reviews[1] == len(counted) < len(october)


async def test_past_of_the_benchmarks_is_one_in_which_an_incident_of_today_finds_its_like(
    filled: str, store: Store, clock: MovedClock
) -> None:
    """What is measured after a hundred thousand others must not be measured on empty tables."""
    clock.now = STARTS + timedelta(days=365)
    house = KernelHouse(store, clock, two_on_call())
    number = (await house.hear(fingerprint="backend:site_outage")).incident_id
    assert number is not None
    earlier = await read_earlier(store, number)
    assert earlier is not None and earlier.sign == "alert" and earlier.promised
    said = await figures_of(store)
    assert said.repeats and all(
        share.n > 100 for each in said.calibrations for share in (each.half, each.most)
    )


async def test_fixes_that_are_owed_are_those_of_the_last_fifty_of_the_cause(
    store_url: str, store: Store
) -> None:
    """A first page waits for it, so it must not read a decade of promises."""
    long = make_year(seed=2025, incidents=1200)
    fill(store_url, long)
    same = [row for row in rows_of(long, "incidents") if row["cause"] == "worker_crashed"]
    known = [
        {row["id"] for row in rows if row["cause_confidence"] >= SURE} for rows in (same[-50:], same[:-50])
    ]
    is_open = [row for row in rows_of(long, "action_items") if row["state"] == "open"]
    expected, older = (
        {(i["incident_id"], i["number"]) for i in is_open if i["incident_id"] in ids} for ids in known
    )

    asked = {"incident_id": 1201, "cause": "worker_crashed", "sure": SURE}
    rows = await store.all("figures/promised_against", **asked)

    assert {(row["incident_id"], row["number"]) for row in rows} == expected
    assert expected and older


async def test_downtime_is_that_of_counting_each_minute(filled: str, store: Store, year: list[Made]) -> None:
    figures = await figures_of(store)
    down: dict[str, set[int]] = {"database": set(), "backend": set()}
    for row in rows_of(year, "incidents"):
        which = {"database_down": ("database", "backend"), "site_outage": ("backend",)}.get(row["kind"], ())
        for service in which:
            first = (row["started_at"] - OCTOBER.starts) // timedelta(minutes=1)
            last = math.ceil((row["recovered_at"] - OCTOBER.starts) / timedelta(minutes=1))
            down[service] |= set(range(max(first, 0), min(last, whole_minutes(OCTOBER))))
    minutes = {account.name: account.minutes for account in figures.services}
    assert {name: minutes[name] for name in down} == {name: len(each) for name, each in down.items()}
    assert minutes["frontend"] == minutes["backend"] > minutes["database"] > 0


def whole_minutes(month: Month) -> int:
    return (month.ends - month.starts) // timedelta(minutes=1)


async def test_repeats_and_calibration_are_those_of_going_through_the_year(
    filled: str, store: Store, year: list[Made]
) -> None:
    incidents = rows_of(year, "incidents")
    with psycopg.connect(filled) as connection:  # the house itself is to say it
        connection.execute("DELETE FROM estimates")
        connection.execute("DELETE FROM repeats")
    for row in incidents:
        incident = await read_incident(store, row["id"])
        if incident.cause:
            await link_by_cause(store, incident, POLICY, now=LATER)
        await estimate_resolution(store, incident, "triage", now=LATER)
    figures = await figures_of(store)

    known = [row for row in incidents if (row["cause_confidence"] or 0) >= SURE]
    expected = {
        row["id"]
        for row in in_october(known, "detected_at")
        if any(
            other["cause"] == row["cause"]
            and other["id"] < row["id"]
            and row["detected_at"] - other["detected_at"] <= WITHIN
            for other in known
        )
    }
    assert {repeat.incident_id for repeat in figures.repeats} == expected and expected

    half = list(truths(incidents))
    at_triage = figures.calibrations[0]
    assert at_triage.half == (sum(half), len(half))
    assert 0.4 < sum(half) / len(half) < 0.6


def truths(incidents: list[Values]) -> Iterator[bool]:
    """Whether each estimate of the year up to October's end would have held, by the standard library's quartiles."""
    for row in incidents:
        if not OCTOBER.ends - timedelta(days=365) <= row["resolved_at"] < OCTOBER.ends:
            continue
        alike = [
            o
            for o in incidents
            if (o["kind"], o["severity"]) == (row["kind"], row["severity"]) and o["id"] < row["id"]
        ]
        took = [(each["resolved_at"] - each["detected_at"]).total_seconds() for each in alike[-50:]]
        if len(took) >= 5:
            low, _, high = statistics.quantiles(took, n=4, method="exclusive")
            yield low <= (row["resolved_at"] - row["detected_at"]).total_seconds() <= high


async def test_report_is_written_with_its_pictures_and_shows_strangers_words_as_words(
    filled: str, store: Store, tmp_path: Path
) -> None:
    path = await write_report(store, POLICY, OCTOBER, tmp_path / "reports", now=LATER)
    text = path.read_text()
    assert "# Incidents in 2025-10" in text and " repeats INC-" in text
    for name in ("incidents", "times", "downtime"):
        picture = path.with_name(f"2025-10-{name}.svg")
        assert f"]({picture.name})" in text
        ElementTree.parse(picture)  # noqa: S314  # ours
    page = path.with_suffix(".html").read_text()
    assert page.count("<img") == 3 and "<table>" in page
    assert "| ---" not in page, "a table was broken by what stands in it"


async def test_month_without_incidents_says_so(store: Store) -> None:
    figures = await read_month(store, POLICY, OCTOBER, now=LATER)
    report = month_report(figures)
    assert report.charts == [] and "There was no incident." in report.text
    assert figures.repeats_goal_is_met
    assert "100.000 %" in report.text


async def test_what_downtime_cost_stands_beside_it_or_that_nobody_has_said_what_it_costs(
    filled: str, store: Store
) -> None:
    without = month_report(await figures_of(store)).text
    assert "the policy gives no figure" in without and "| Cost |" not in without
    own = {"costs": {"currency": "EUR", "revenue_per_hour": 90}}
    policy = validate_policy(merge(POLICY.model_dump(mode="json"), own), source="test")
    figures = await read_month(store, policy, OCTOBER, now=LATER)
    text, minutes = month_report(figures).text, {each.name: each.minutes for each in figures.services}
    # An hour and a half a minute; what is down with the backend costs nothing more, the worker and Redis do.
    assert f"| {minutes['backend']} |" in text and f"| {minutes['backend'] * 1.5:,.2f} EUR |" in text
    assert figures.cost is not None and f"All together {figures.cost.in_words()}," in text
    assert "### Incidents caused by vendors' outages" in text and "| Railway |" in text
    assert text.count("| Cost |") == 2


async def test_report_is_mailed_once_on_the_first_working_day(store: Store, clock: MovedClock) -> None:
    house = KernelHouse(store, clock, two_on_call())
    house.occasions._kinds = {"month_report": OCCASIONS["month_report"]}
    await house.hear()
    await house.pass_time(days=29)  # Tuesday, the 31st of March
    await house.pass_time(hours=24 + 5, minutes=59)
    mails = house.channels[Channel.EMAIL].sent
    assert not [m for _, m in mails if m.subject.startswith("Incidents in")]
    for _ in range(2):
        await house.pass_time(minutes=1)
    sent = [(to, m) for to, m in mails if m.subject == "Incidents in 2026-03"]
    assert sorted(to for to, _ in sent) == ["ana@example.com", "ben@example.com"]
    message = sent[0][1]
    assert "| P0 | 1 |" in message.text and message.html and "<table>" in message.html
    assert [a.name for a in message.attachments] == ["2026-03-incidents.svg", "2026-03-downtime.svg"]


@pytest.mark.parametrize(
    ("after", "due"),
    [
        (datetime(2026, 1, 15, tzinfo=AT.tzinfo), datetime(2026, 2, 2, 8, 0, tzinfo=AT.tzinfo)),
        (datetime(2026, 2, 2, 8, 0, tzinfo=AT.tzinfo), datetime(2026, 3, 2, 8, 0, tzinfo=AT.tzinfo)),
        (datetime(2026, 2, 1, 23, 30, tzinfo=AT.tzinfo), datetime(2026, 2, 2, 8, 0, tzinfo=AT.tzinfo)),
        (datetime(2025, 12, 20, tzinfo=AT.tzinfo), datetime(2026, 1, 2, 8, 0, tzinfo=AT.tzinfo)),
    ],
)
def test_first_working_day_knows_weekends_and_holidays(after: datetime, due: datetime) -> None:
    calendar = POLICY.calendar.model_copy(update={"holidays": {date(2026, 1, 1): "New Year"}})
    assert next_report(POLICY.model_copy(update={"calendar": calendar}), after) == due


def test_claim_names_the_vendors_outage_in_utc_with_our_identifiers() -> None:
    own: dict[str, Any] = {
        "services": {
            "database": {"title": "Database", "kind": "database_down", "supabase": {"project_ref": "a" * 20}},
            "backend": {"title": "Backend", "kind": "site_outage", "depends_on": ["database"]},
        }
    }
    policy = validate_policy(merge(load_policy().model_dump(mode="json"), own), source="test")
    month = month_of("2026-03", policy.calendar)
    outage = past(4, service="backend", cause="supabase_outage", cause_confidence=0.9, summary="a\nb")
    accounts = vendor_accounts([outage], policy, month, month.ends)
    (claim,) = claims_of(accounts, [outage, past(5)], policy, month)
    assert "2026-03-02 03:00 UTC to 2026-03-02 03:30 UTC: 30 minutes (INC-0004: a b)" in claim.text
    assert f"database: project {'a' * 20}" in claim.text
    assert claim.text.startswith("Subject: Service credit for 2026-03: 30 minutes")
    assert service_accounts([outage], policy, month, month.ends)[0].minutes == 30


async def test_mail_can_be_read_without_its_pictures(filled: str, store: Store) -> None:
    report = month_report(await figures_of(store))
    message = compose(report)
    assert message.html == html_of(report)
    assert len(message.attachments) == len(report.charts) == 3
