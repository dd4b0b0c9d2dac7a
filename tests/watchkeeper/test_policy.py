"""The policy: the shipped default is the guide, and mistakes are answered with what to write."""

from datetime import timedelta
from pathlib import Path

import pytest

from watchkeeper.errors import BadInput
from watchkeeper.model import Severity
from watchkeeper.policy import Policy, kept_policy, load_policy


@pytest.mark.parametrize(
    ("severity", "pages", "acknowledge", "escalate", "update", "post_mortem", "channels"),
    [
        (Severity.P0, "always", 15, 0, 30, 24, {"email", "sms", "voice", "slack", "status_page"}),
        (Severity.P1, "always", 60, 120, 60, 48, {"email", "sms", "slack", "status_page"}),
        (Severity.P2, "business_hours", 240, None, None, None, {"email", "slack"}),
        (Severity.P3, "ticket", 1440, None, None, None, {"email"}),
    ],
)
def test_the_default_is_the_guides_table(
    severity: Severity,
    pages: str,
    acknowledge: int,
    escalate: int | None,
    update: int | None,
    post_mortem: int | None,
    channels: set[str],
) -> None:
    rule = load_policy().rule(severity)
    assert rule.pages == pages
    assert rule.acknowledge_within == timedelta(minutes=acknowledge)
    assert rule.escalate_after == (None if escalate is None else timedelta(minutes=escalate))
    assert rule.update_every == (None if update is None else timedelta(minutes=update))
    assert rule.post_mortem_within == (None if post_mortem is None else timedelta(hours=post_mortem))
    assert set(rule.channels) == channels


@pytest.mark.parametrize(
    ("text", "key", "advice"),
    [
        ("colour: red", "colour: unknown key", "remove it"),
        ("verification: {stable: 5m}", "verification.stable: unknown key", "verification in policy.default"),
        ("roster: {primary: zed}", "roster.primary", "add people.zed"),
        ("costs: {revenue_per_hour: 120}", "costs.revenue_per_hour: is in no currency", "such as EUR"),
        (
            "services: {shop: {title: Shop, kind: site_outage, revenue_per_hour: 5}}",
            "services.shop.revenue_per_hour",
            "add costs.currency",
        ),
        ("roster: {primary: brandon, secondary: zed}", "roster.secondary", "add people.zed"),
        ("roster: {secondary: brandon}", "roster: name a primary", "or a rotation"),
        (
            "roster: {primary: brandon, rotation: {people: [brandon], starts_on: 2026-01-05}}",
            "roster: name a primary",
            "not both",
        ),
        (
            "roster: {rotation: {people: [brandon, zed], starts_on: 2026-01-05}}",
            "roster.rotation.people.1",
            "add people.zed",
        ),
        (
            "roster: {rotation: {people: [brandon], starts_on: 2026-01-07}}",
            "roster.rotation: starts_on: 2026-01-07 is a wednesday",
            "write 2026-01-05",
        ),
        (
            "roster: {primary: brandon, overrides: [{role: primary, person: brandon, "
            "starts: 2026-01-05 10:00, ends: 2026-01-05 09:00}]}",
            "roster.overrides.0: ends",
            "write a later time",
        ),
        (
            "roster: {primary: brandon, unreachable: [{person: brandon, "
            "starts: 2026-01-05 10:00, ends: '2026-01-05 12:00+01:00'}]}",
            "roster.unreachable.0: write both",
            "+01:00",
        ),
        (
            "roster: {primary: brandon, unreachable: [{person: zed, starts: 2026-01-05, ends: 2026-01-06}]}",
            "roster.unreachable.0.person",
            "add people.zed",
        ),
        (
            "roster: {primary: brandon, holiday_covers: {2026-12-25: brandon}}",
            "roster.holiday_covers.2026-12-25",
            "calendar.holidays",
        ),
        ("verification: {stable_for: soon}", "verification.stable_for", "15m"),
        (
            "severities: {P0: {acknowledge_within: 15}}",
            "severities.P0.acknowledge_within",
            "number and a unit",
        ),
        ("people: {zed: {name: Zed, phone: '0123'}}\nroster: {primary: zed}", "people.zed.phone", "pattern"),
        (
            "services: {a: {title: A, kind: other, depends_on: [b]}, b: {title: B, kind: other, depends_on: [a]}}",
            "depends_on: goes in a circle",
            "remove one",
        ),
        ("services: {a: {title: A, kind: other, depends_on: [b]}}", "services.a.depends_on", "name one of a"),
        ("[1, 2]", "must be a mapping", "list"),
        ("a: [", "is not YAML", ""),
    ],
)
def test_a_mistake_is_answered_with_its_key_and_what_to_write(
    text: str, key: str, advice: str, tmp_path: Path
) -> None:
    file = tmp_path / "watchkeeper.yaml"
    file.write_text(text)
    with pytest.raises(BadInput) as refused:
        load_policy(file)
    assert key in str(refused.value)
    assert advice in str(refused.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        load_policy(tmp_path / "none.yaml")


def test_a_teams_own_file_holds_only_what_differs(tmp_path: Path) -> None:
    file = tmp_path / "watchkeeper.yaml"
    file.write_text("severities: {P0: {acknowledge_within: 5m}}")
    own, default = load_policy(file), load_policy()
    assert own.rule(Severity.P0).acknowledge_within == timedelta(minutes=5)
    assert own.rule(Severity.P0).channels == default.rule(Severity.P0).channels


def test_speed_divides_every_duration_and_nothing_else() -> None:
    slow, fast = load_policy(), load_policy().scaled(60)
    assert fast.verification.stable_for == timedelta(seconds=15)
    assert fast.rule(Severity.P0).post_mortem_within == timedelta(minutes=24)
    assert fast.thresholds.leak_above_connections == slow.thresholds.leak_above_connections
    assert fast.limits == slow.limits


def test_the_policy_kept_with_an_incident_is_the_same_policy() -> None:
    fast = load_policy().scaled(7)
    assert Policy.model_validate(fast.model_dump(mode="json")) == fast


def test_a_service_depends_on_what_its_dependencies_depend_on() -> None:
    assert load_policy().depends_on("frontend") == {"backend", "database"}


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("{table: 'jobs; DROP TABLE orders', older_than: 30d}", "table"),
        ("{table: '\"jobs\"', older_than: 30d}", "table"),
        ("{table: a.b.c, older_than: 30d}", "table"),
        ("{table: jobs, older_than: 30d, age_column: 'now()'}", "age_column"),
        ("{table: jobs, older_than: 30d, status_column: 'status = 1 OR 1'}", "status_column"),
        ("{table: jobs}", "older_than"),
    ],
)
def test_a_clean_up_takes_plain_names_alone(table: str, key: str, tmp_path: Path) -> None:
    file = tmp_path / "watchkeeper.yaml"
    file.write_text(f"cleanup: {{tables: [{table}]}}")
    with pytest.raises(BadInput) as refused:
        load_policy(file)
    assert f"cleanup.tables.0.{key}" in str(refused.value)


def test_a_clean_up_knows_schemas_and_its_ages_are_durations_too() -> None:
    policy = load_policy().scaled(60)
    assert [table.table for table in policy.cleanup.tables] == ["jobs", "designs", "uploads"]
    assert policy.cleanup.tables[0].older_than == timedelta(hours=12)
    assert policy.cleanup.tables[0].status == ["completed", "failed"]
    assert policy.cleanup.tables[0].age_column == "updated_at"


def test_a_policy_that_an_older_version_kept_is_still_read() -> None:
    """An incident that is open during an upgrade goes on by the policy that it started under."""
    kept = load_policy().model_dump(mode="json")
    kept["correlate_within"] = "7200s"
    del kept["goals"]  # came later
    kept["pagers"] = {"beeps": 3}  # is gone
    kept["throttle"]["burst"] = 2
    policy = kept_policy(kept)
    assert policy.correlate_within == timedelta(hours=2)
    assert policy.goals == load_policy().goals


def test_a_kept_policy_from_before_there_were_nights_lets_no_page_wait() -> None:
    kept = load_policy().model_dump(mode="json")
    del kept["night"]
    kept["severities"]["P1"]["escalate_after"] = "0s"
    assert kept_policy(kept).night.severities == []


@pytest.mark.parametrize(
    ("own", "left"),
    [
        ("severities: {P1: {escalate_after: 0s}}", []),
        ("severities: {P1: {escalate_after: 0s}}\nnight: {budget: 1}", []),
        ("severities: {P1: {escalate_after: 1s}}", ["P1"]),
        ("night: {severities: [P1, P2]}", ["P1", "P2"]),
    ],
)
def test_a_team_that_escalates_a_p1_at_once_need_not_take_it_out_of_the_night(
    own: str, left: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "watchkeeper.yaml"
    file.write_text(own)
    assert load_policy(file).night.severities == left


@pytest.mark.parametrize(
    ("own", "problem"),
    [
        (
            "severities: {P1: {escalate_after: 0s}}\nnight: {severities: [P1]}",
            "night.severities: a P1 is escalated at once",
        ),
        ("severities: {P1: {escalate_after: now}}", "severities.P1.escalate_after: write a number"),
        ("severities: [P1]", "severities: "),
        ("night: [P1]", "night: "),
        ("night:", "night: "),
    ],
)
def test_what_a_team_wrote_of_its_night_is_judged_as_it_stands(
    own: str, problem: str, tmp_path: Path
) -> None:
    file = tmp_path / "watchkeeper.yaml"
    file.write_text(own)
    with pytest.raises(BadInput, match=problem):
        load_policy(file)
