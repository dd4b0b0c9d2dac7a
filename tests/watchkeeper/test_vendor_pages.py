"""Which vendor's red page is about us: by the parts that the policy names, or because our own way there fails."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.watchkeeper.house import two_on_call
from watchkeeper.model import Check, CheckStatus
from watchkeeper.vendor_pages import level_for_us, red_for_us, red_pages

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
OK, BAD, UNKNOWN = CheckStatus.OK, CheckStatus.BAD, CheckStatus.UNKNOWN
EU_IS_OUT = {"Regions eu-central-1": "major_outage"}
EU_IS_SLOW = {"Regions eu-central-1": "degraded_performance"}
US_IS_OUT = {"Regions us-east-1": "major_outage"}


def look(name: str, status: CheckStatus = OK, **facts: Any) -> Check:
    return Check(name=name, system="it", status=status, summary="it", facts=facts, observed_at=NOW)


def page(
    vendor: str, indicator: str, components: dict[str, str] | None = None, incidents: tuple[str, ...] = ()
) -> Check:
    told = look(
        f"vendor_status_{vendor}",
        OK if indicator == "none" else BAD,
        indicator=indicator,
        components=components or {},
        incidents=list(incidents),
    )
    return told.model_copy(update={"system": vendor})


def test_tells_an_outage_from_less() -> None:
    pages = [page("supabase", "minor"), page("railway", "major"), page("vercel", "none")]

    assert red_pages([*pages, page("upstash", "critical"), page("stripe", "maintenance")]) == {
        "railway",
        "upstash",
    }


@pytest.mark.parametrize(
    ("vendor", "own_look", "felt"),
    [
        ("supabase", look("postgres_connections", UNKNOWN), True),
        ("supabase", look("supabase_health", BAD, unhealthy=["db"]), True),
        ("supabase", look("postgres_connections", BAD, application_connections=16), False),
        ("supabase", look("railway_deployments", UNKNOWN), False),
        ("railway", look("railway_deployments", UNKNOWN), True),
        ("railway", look("backend_health", BAD, status_code=502), False),
        ("vercel", look("vercel_deployments", UNKNOWN), True),
        ("stripe", look("stripe_events", UNKNOWN), True),
        ("upstash", look("redis_ping", BAD, trouble="timeout"), True),
        ("upstash", look("redis_ping", BAD, trouble="quota"), False),
        ("github", look("railway_deployments", UNKNOWN), False),
    ],
)
def test_a_red_page_is_about_us_where_our_own_way_there_fails(
    vendor: str, own_look: Check, felt: bool
) -> None:
    policy = two_on_call()

    assert red_for_us([page(vendor, "major"), own_look], policy) == (
        {vendor: "and our own way to it fails too"} if felt else {}
    )
    assert red_for_us([page(vendor, "minor"), own_look], policy) == {}
    assert red_for_us([own_look], policy) == {}


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (page("supabase", "major", EU_IS_OUT), "for what we use of it (eu-central-1)"),
        # The page's one light is for all regions: ours may be out while it is yellow.
        (page("supabase", "minor", EU_IS_OUT), "for what we use of it (eu-central-1)"),
        (page("supabase", "minor", EU_IS_SLOW), None),
        (page("supabase", "major", US_IS_OUT), None),
        (page("supabase", "major", None, ("Database errors in EU-CENTRAL-1",)), "for what we use of it"),
        (page("supabase", "minor", None, ("Slow logs in eu-central-1",)), None),
        (page("supabase", "major", None, ("Dashboard is slow",)), None),
        (page("supabase", "none"), None),
    ],
)
def test_a_page_is_about_us_where_it_names_what_we_use(told: Check, why: str | None) -> None:
    policy = two_on_call(vendors={"supabase": {"parts": ["Postgres", "eu-central-1"]}})

    found = red_for_us([told, look("postgres_connections", BAD)], policy)

    assert bool(found) is (why is not None)
    assert found.get("supabase", "").startswith(why or "")


@pytest.mark.parametrize(
    ("told", "unnamed", "named"),
    [
        (page("supabase", "none"), 0, 0),
        (page("supabase", "minor"), 1, 0),
        (page("supabase", "major", US_IS_OUT), 2, 0),
        (page("supabase", "major", EU_IS_OUT), 2, 2),
        (page("supabase", "minor", EU_IS_SLOW), 1, 1),
    ],
)
def test_waits_for_what_we_use_and_not_for_the_rest(told: Check, unnamed: int, named: int) -> None:
    ours = two_on_call(vendors={"supabase": {"parts": ["eu-central-1"]}})

    assert level_for_us("supabase", told.facts, two_on_call()) == unnamed
    assert level_for_us("supabase", told.facts, ours) == named


@pytest.mark.parametrize(
    ("told", "level"),
    [
        (page("supabase", "major", US_IS_OUT), 2),
        (page("supabase", "minor", US_IS_OUT), 0),
        (page("supabase", "minor", EU_IS_SLOW), 1),
        (page("supabase", "none"), 0),
    ],
)
def test_waits_for_a_red_page_of_what_is_not_named_where_that_was_felt(told: Check, level: int) -> None:
    ours = two_on_call(vendors={"supabase": {"parts": ["eu-central-1"]}})

    assert level_for_us("supabase", told.facts, ours, felt=True) == level
