"""The database: unreachable, full, its vendor's trouble."""

import pytest

from tests.watchkeeper.diagnosis.looks import (
    BAD,
    OK,
    check,
    connections,
    detailed,
    finding,
    no_connection,
    ranked,
    read_only,
    sick,
    size,
    vendor_page,
)
from watchkeeper.diagnosis import AT_LEAST
from watchkeeper.model import Check, Severity


def test_a_database_that_we_reach_is_not_unreachable() -> None:
    assert "database_unreachable" not in ranked(detailed("error"))


def test_a_vendor_is_blamed_before_an_unreachable_database_of_ours() -> None:
    causes = ranked(vendor_page("supabase"), no_connection(), detailed("error"))

    assert list(causes)[:2] == ["supabase_outage", "database_unreachable"]
    assert causes["database_unreachable"] < causes["supabase_outage"]


def test_a_vendor_whose_page_is_red_does_not_explain_a_database_that_we_reach() -> None:
    causes = ranked(vendor_page("supabase"), connections(18, 15), detailed("error"))

    assert next(iter(causes)) == "connection_leak"


def test_a_full_disk_comes_with_the_figures_to_choose_by() -> None:
    gigabyte = 1_000_000_000
    full = check("supabase_disk", BAD, percent=98, size_bytes=gigabyte, used_bytes=0.98 * gigabyte)

    in_tables = finding("disk_full", full, read_only(), size(900)).advice
    elsewhere = finding("disk_full", full, read_only(), size(200)).advice

    assert "uploads 900.0 MB" in in_tables[0]
    assert any("Compute and Disk" in line for line in in_tables)
    assert not any("pg_replication_slots" in line for line in in_tables)
    assert any(line.startswith("780 MB are in no table") for line in elsewhere)


@pytest.mark.parametrize(
    ("status", "words"),
    [("INACTIVE", "restore it"), ("PAUSING", "restore it"), (None, "dashboard has a button")],
)
def test_an_unreachable_database_comes_with_where_to_look(status: str | None, words: str) -> None:
    project = check("supabase_project", BAD).model_copy(update={"facts": {"status": status}})

    advice = finding("database_unreachable", no_connection(), project, sick()).advice

    assert advice[0] == "Supabase: db UNHEALTHY"
    assert any(words in line for line in advice)


def slow(count: int) -> Check:
    queries = [{"pid": 7 + n, "seconds": 9.0, "query": "SELECT '?'"} for n in range(count)]
    told = check("postgres_slow_queries", BAD if count > 2 else OK, slow=queries)
    return told.model_copy(update={"summary": f"queries over 2 seconds: {count}"})


def test_many_slow_queries_are_a_cause_of_their_own_and_shown_to_a_person() -> None:
    found = finding("slow_queries", slow(3), connections(8, 0), detailed("ok"))

    assert found.confidence == 1
    assert found.evidence[0] == "queries over 2 seconds: 3, the oldest for 9 s"
    assert found.advice[0] == "pid 7, 9 s: SELECT '?'"
    assert AT_LEAST["slow_queries"] == Severity.P1


def test_a_leak_comes_before_the_slowness_that_it_brings_and_few_are_no_cause() -> None:
    causes = ranked(slow(3), connections(18, 15), detailed("error"))

    assert next(iter(causes)) == "connection_leak"
    assert "slow_queries" not in ranked(slow(2), connections(8, 0))
