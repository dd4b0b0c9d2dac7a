"""Vendors' status pages: what counts as trouble, and that a web page is not good news."""

from typing import Any

import pytest

from tasks.status_pages import (
    vendor_status_github,
    vendor_status_google_cloud,
    vendor_status_railway,
    vendor_status_stripe,
    vendor_status_supabase,
    vendor_status_upstash,
    vendor_status_vercel,
)
from tests.tasks.conftest import Answer, Wire, says
from watchkeeper.model import CheckStatus

WEB_PAGE = Answer(200, b"<!doctype html><p>All systems operational", {"Content-Type": "text/html"})


def railway_says(*components: dict[str, str], **more: Any) -> Answer:
    incident = {"id": "i1", "title": "Deploys are slow", "status": "INVESTIGATING"}
    return says({"activeIncidents": [incident | {"components": list(components)} | more]})


STATUSPAGES = {
    "supabase": vendor_status_supabase,
    "vercel": vendor_status_vercel,
    "upstash": vendor_status_upstash,
    "stripe": vendor_status_stripe,
    "github": vendor_status_github,
}
PAGES = {**STATUSPAGES, "railway": vendor_status_railway, "google_cloud": vendor_status_google_cloud}


def google_says(*incidents: dict[str, Any]) -> Answer:
    ended = {"end": "2025-06-13T01:18:00+00:00", "service_name": "Vertex Gemini API"}
    return says([*incidents, ended])


def google_incident(service: str, *products: str, **more: Any) -> dict[str, Any]:
    return {
        "external_desc": "Elevated errors",
        "status_impact": "SERVICE_DISRUPTION",
        "service_name": service,
        "affected_products": [{"title": product, "id": "x"} for product in products],
        **more,
    }


@pytest.mark.parametrize("look", PAGES.values())
async def test_says_unknown_to_good_news_of_another_content_type(wire: Wire, look: Any) -> None:
    good = b'{"status": {"indicator": "none"}, "activeIncidents": []}'
    wire.answers(Answer(200, good, {"Content-Type": "text/html"}))

    assert (await look(wire.url)).status is CheckStatus.UNKNOWN


@pytest.mark.parametrize("vendor", STATUSPAGES)
async def test_reads_every_page_of_the_same_make(wire: Wire, vendor: str) -> None:
    wire.answers(says({"status": {"indicator": "major"}, "incidents": [{"name": "Edge"}]}))

    check = await STATUSPAGES[vendor](wire.url)

    assert (check.name, check.system) == (f"vendor_status_{vendor}", vendor)
    assert (check.status, check.summary) == (CheckStatus.BAD, "major: Edge")


@pytest.mark.parametrize(
    ("incident", "summary"),
    [
        (google_incident("Vertex Gemini API"), "minor: Elevated errors"),
        (google_incident("Multiple Products", "Cloud Run", "Vertex Gemini API"), "minor: Elevated errors"),
        (google_incident("Gemini API", status_impact="SERVICE_OUTAGE"), "major: Elevated errors"),
        (google_incident("Multiple Products", "Cloud Run"), "all systems operational"),
        (google_incident("Vertex Gemini API", end="2026-03-02T02:00:00+00:00"), "all systems operational"),
    ],
    ids=["ours", "ours among others", "ours, altogether", "another's", "ours, over"],
)
async def test_counts_of_google_cloud_what_goes_on_and_is_used(
    wire: Wire, incident: dict[str, Any], summary: str
) -> None:
    wire.answers(google_says(incident))

    assert (await vendor_status_google_cloud(wire.url)).summary == summary


async def test_reads_years_of_google_clouds_history(wire: Wire) -> None:
    wire.answers(google_says(google_incident("Gemini API"), {"end": "2020", "updates": "x" * 3_000_000}))

    assert (await vendor_status_google_cloud(wire.url)).status is CheckStatus.BAD


@pytest.mark.parametrize("look", PAGES.values())
async def test_says_unknown_to_a_web_page_with_status_200(wire: Wire, look: Any) -> None:
    wire.answers(WEB_PAGE)

    check = await look(wire.url)

    assert check.status is CheckStatus.UNKNOWN
    assert check.summary.endswith("an answer that is not JSON")


async def test_takes_supabase_at_its_word(wire: Wire) -> None:
    wire.answers(says({"status": {"indicator": "none"}, "incidents": []}))

    check = await vendor_status_supabase(f"{wire.url}/api/v2/summary.json")

    assert check.status is CheckStatus.OK
    assert check.summary == "all systems operational"
    assert wire.asked[0].path == "/api/v2/summary.json"


@pytest.mark.parametrize("indicator", ["minor", "major", "critical", "maintenance"])
async def test_names_what_supabase_has_trouble_with(wire: Wire, indicator: str) -> None:
    wire.answers(says({"status": {"indicator": indicator}, "incidents": [{"name": "Pooler"}]}))

    check = await vendor_status_supabase(wire.url)

    assert check.status is CheckStatus.BAD
    assert check.summary == f"{indicator}: Pooler"
    assert check.facts == {"indicator": indicator, "incidents": ["Pooler"], "components": {}}


@pytest.mark.parametrize("indicator", ["", "purple", None, [], {"none": "none"}])
async def test_says_unknown_to_an_indicator_that_it_does_not_know(wire: Wire, indicator: Any) -> None:
    wire.answers(says({"status": {"indicator": indicator}}))

    assert (await vendor_status_supabase(wire.url)).status is CheckStatus.UNKNOWN


async def test_passes_over_components_that_railway_calls_operational(wire: Wire) -> None:
    wire.answers(railway_says({"name": "Edge", "impact": "OPERATIONAL"}))

    check = await vendor_status_railway(wire.url)

    assert check.status is CheckStatus.OK
    assert check.facts == {"indicator": "none", "incidents": [], "components": {}}


@pytest.mark.parametrize(
    "answer",
    [
        railway_says(
            {"name": "Edge", "impact": "OPERATIONAL"}, {"name": "Builds", "impact": "PARTIAL_OUTAGE"}
        ),
        railway_says({"name": "Builds"}),
        railway_says(),
        railway_says(components=None),
    ],
    ids=["one is hit", "no impact told", "no components told yet", "components are null"],
)
async def test_takes_any_other_active_incident_of_railway_for_trouble(wire: Wire, answer: Answer) -> None:
    wire.answers(answer)

    check = await vendor_status_railway(wire.url)

    assert check.status is CheckStatus.BAD
    assert check.summary == "major: Deploys are slow"


async def test_names_the_components_that_do_not_work_with_their_groups(wire: Wire) -> None:
    page = {
        "status": {"indicator": "major"},
        "components": [
            {"id": "r", "name": "Regions", "group": True, "group_id": None, "status": "partial_outage"},
            {"id": "1", "name": "eu-central-1", "group": False, "group_id": "r", "status": "major_outage"},
            {"id": "2", "name": "us-east-1", "group": False, "group_id": "r", "status": "operational"},
            {"id": "3", "name": "Auth", "group": False, "group_id": None, "status": "degraded_performance"},
        ],
    }
    wire.answers(says(page))

    check = await vendor_status_supabase(wire.url)

    assert check.facts["components"] == {
        "Regions eu-central-1": "major_outage",
        "Auth": "degraded_performance",
    }


async def test_names_the_components_that_railway_has_trouble_with(wire: Wire) -> None:
    edge = {"name": "Edge", "groupName": "Amsterdam", "impact": "OPERATIONAL"}
    wire.answers(railway_says(edge, {"name": "Builds", "groupName": "Platform", "impact": "PARTIAL_OUTAGE"}))

    check = await vendor_status_railway(wire.url)

    assert check.facts["components"] == {"Platform Builds": "partial_outage"}
