"""A note to a vendor's support: offered, read, and sent by a person."""

import re
from typing import Any
from urllib.parse import unquote

import pytest

from tests.stories.night import Night
from watchkeeper.model import Fault, Finding
from watchkeeper.policy import load_policy, merge, validate_policy
from watchkeeper.samples import AT, sample_incident
from watchkeeper.support import SUPPORT, notes_for, write_note

SERVICES = {
    "backend": {
        "title": "Backend",
        "kind": "site_outage",
        "depends_on": ["database"],
        "railway": {"project_id": "prj-1", "environment_id": "env-1", "service_id": "svc-1"},
    },
    "database": {"title": "Database", "kind": "database_down", "supabase": {"project_ref": "a" * 20}},
    # The rest of the status page.
    "frontend": {"title": "Website", "kind": "site_outage", "depends_on": ["backend"]},
    "payments": {"title": "Payments", "kind": "payment_failure"},
    "worker": {"title": "Worker", "kind": "worker_stuck"},
}


def vendors_for(service: str, *causes: str) -> list[str]:
    data = merge(load_policy().model_dump(mode="json"), {"services": SERVICES})
    findings = [Finding(cause=cause, confidence=1, fault=Fault.VENDOR, evidence=["x"]) for cause in causes]
    incident = sample_incident().model_copy(update={"service": service})
    policy = validate_policy(data, source="test")
    return [note.vendor for note in notes_for(incident, policy, findings, [], [])]


def test_each_vendor_that_has_a_part_in_it_gets_a_note() -> None:
    assert vendors_for("backend") == ["supabase", "railway"]
    assert vendors_for("database") == ["supabase"]
    assert vendors_for("database", "stripe_down") == ["supabase", "stripe"]
    assert vendors_for("somewhere") == []


@pytest.mark.parametrize("vendor", SUPPORT)
def test_a_note_says_since_when_who_we_are_and_what_was_seen(vendor: str) -> None:
    note = write_note(
        vendor,
        what="It fails",
        since=AT,
        identifiers=["project p1"],
        observed=["03:00 down\nBcc: eve", "x" * 900],
    )
    for words in ("It fails.", "Since: 2026-03-02 03:00 UTC", "Ours: project p1", "- 03:00 down Bcc: eve"):
        assert words in note.text
    assert note.support.where and len(note.text) < 1000
    if note.mail_link:
        assert re.match(r"mailto:[^?&\s]+\?subject=[^&\s]+&body=[^&\s]+$", note.mail_link)
        assert unquote(note.mail_link.partition("&body=")[2]) == note.text


@pytest.mark.parametrize("own_policy", [{"services": SERVICES}])
async def test_the_incidents_page_offers_it_and_a_person_says_that_it_was_sent(
    night: Night, own_policy: dict[str, Any]
) -> None:
    await night.hear(summary="Backend <b>down</b>")
    path = night.house.signer.address(night.desk.incident_url(await night.incident()))
    assert '/support">Ask a vendor' in (await night.ana.opens(path)).text
    page = await night.ana.opens(f"{path}/support")
    assert "mailto:team@railway.app" in page.text and "service svc-1" in page.text
    assert "mailto:support@supabase.io" in page.text and "<b>down</b>" not in page.text
    assert (await night.ana.sends(f"{path}/support", vendor="railway")).status_code == 422
    for _ in range(2):
        assert (await night.ana.sends(f"{path}/support", vendor="railway", person="Ana")).status_code == 200
    assert (await night.timeline()).count("Railway's support was asked by Ana (by their own word)") == 1
    (own,) = re.findall(r"http\S+/i/\S+", night.mails("ana")[0]["text"])
    assert "Who you are" not in (await night.ana.opens(f"{own}/support")).text
    await night.ana.sends(f"{own}/support", vendor="supabase", person="Eve")
    assert "Supabase's support was asked by ana" in await night.timeline()
    assert (await night.ana.opens(f"{path}x/support")).status_code == 403
