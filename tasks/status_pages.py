"""Vendors' own status pages: evidence for "is it them?", never a detector.

What is not JSON of the expected shape is unknown, never good: one vendor answers 200 with a web page.
"""

from typing import Any

import httpx

from tasks.looking import Seen, look
from tasks.shapes import look_task
from tasks.vendor_http import Ask, read_json
from watchkeeper.model import Check
from watchkeeper.tls import tls_context

INDICATORS = frozenset({"none", "minor", "major", "critical", "maintenance"})
# Google's page is one list of all incidents for years back, some megabytes of it.
LARGEST_HISTORY_BYTES = 16_000_000
# What a company like ours uses of Google Cloud, as its page names it in some of its products' titles.
GOOGLE_PRODUCTS = ("gemini", "generative language")


async def vendor_status_supabase(url: str) -> Check:
    return await _statuspage("supabase", url)


async def vendor_status_vercel(url: str) -> Check:
    return await _statuspage("vercel", url)


async def vendor_status_upstash(url: str) -> Check:
    return await _statuspage("upstash", url)


async def vendor_status_stripe(url: str) -> Check:
    return await _statuspage("stripe", url)


async def vendor_status_github(url: str) -> Check:
    return await _statuspage("github", url)


async def _statuspage(vendor: str, url: str) -> Check:
    """A page in Atlassian Statuspage's version 2 format.

    Source:
        https://www.vercel-status.com/api and its like: every such page describes its own.
    """

    async def read() -> Seen:
        told = await _page(vendor, url)
        indicator = told["status"]["indicator"]
        if indicator not in INDICATORS:
            raise ValueError(indicator)
        incidents = [str(incident["name"]) for incident in told.get("incidents", [])]
        return _seen(indicator, incidents, components_of(told))

    return await look(f"vendor_status_{vendor}", vendor, f"curl {url}", read)


def components_of(told: dict[str, Any]) -> dict[str, str]:
    """The state of each component that is not operational, under its name, after its group's where it has one."""
    components = told.get("components") or []
    groups = {each["id"]: str(each["name"]) for each in components if each.get("group")}
    return {
        " ".join(filter(None, (groups.get(each.get("group_id")), str(each["name"])))): str(each["status"])
        for each in components
        if not each.get("group") and each["status"] != "operational"
    }


async def vendor_status_railway(url: str) -> Check:
    """Railway's page, in a format of its own.

    Components it lists as operational are not affected; an incident that lists none may affect anything.
    """

    async def read() -> Seen:
        told = await _page("railway", url)
        hit = [
            incident
            for incident in told["activeIncidents"]
            if any(c.get("impact") != "OPERATIONAL" for c in incident.get("components") or [{}])
        ]
        components = {
            f"{c.get('groupName') or ''} {c.get('name') or ''}".strip(): str(c.get("impact")).lower()
            for incident in hit
            for c in incident.get("components") or []
            if c.get("impact") != "OPERATIONAL"
        }
        return _seen("major" if hit else "none", [str(incident["title"]) for incident in hit], components)

    return await look("vendor_status_railway", "railway", f"curl {url}", read)


async def vendor_status_google_cloud(url: str) -> Check:
    """Google Cloud's page: a list of all incidents, of which those without an end are active.

    Only what names a product that is used here counts: somewhere in Google Cloud there is always something.

    Source:
        https://status.cloud.google.com/incidents.schema.json
    """

    async def read() -> Seen:
        told = await _page("google_cloud", url, largest_bytes=LARGEST_HISTORY_BYTES)
        if not isinstance(told, list) or not told:  # it goes years back, so an empty one is not the page
            raise TypeError(type(told).__name__)
        ours = [incident for incident in told if not incident.get("end") and _is_used(incident)]
        outage = any(incident["status_impact"] == "SERVICE_OUTAGE" for incident in ours)
        trouble = "major" if outage else "minor"
        return _seen(trouble if ours else "none", [str(incident["external_desc"]) for incident in ours])

    return await look("vendor_status_google_cloud", "google_cloud", f"curl {url}", read)


def _is_used(incident: dict[str, Any]) -> bool:
    products = [incident["service_name"], *(p["title"] for p in incident.get("affected_products") or [])]
    return any(ours in product.lower() for ours in GOOGLE_PRODUCTS for product in products)


async def _page(vendor: str, url: str, **more: int) -> Any:
    ask = Ask(vendor, "read_status_page", only_json_type=True, **more)
    async with httpx.AsyncClient(verify=tls_context()) as client:
        return await read_json(client, ask, "GET", url)


def _seen(indicator: str, incidents: list[str], components: dict[str, str] | None = None) -> Seen:
    well = indicator == "none"
    words = (
        "all systems operational" if well else f"{indicator}: {'; '.join(incidents) or 'no incident named'}"
    )
    facts = {"indicator": indicator, "incidents": incidents, "components": components or {}}
    return Seen(well, words, facts)


check_vendor_status_supabase = look_task("check_vendor_status_supabase", "supabase")(vendor_status_supabase)
check_vendor_status_railway = look_task("check_vendor_status_railway", "railway")(vendor_status_railway)
check_vendor_status_vercel = look_task("check_vendor_status_vercel", "vercel")(vendor_status_vercel)
check_vendor_status_upstash = look_task("check_vendor_status_upstash", "upstash")(vendor_status_upstash)
check_vendor_status_stripe = look_task("check_vendor_status_stripe", "stripe")(vendor_status_stripe)
check_vendor_status_github = look_task("check_vendor_status_github", "github")(vendor_status_github)
check_vendor_status_google_cloud = look_task("check_vendor_status_google_cloud", "google_cloud")(
    vendor_status_google_cloud
)
