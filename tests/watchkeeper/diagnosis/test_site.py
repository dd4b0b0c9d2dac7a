"""The site: its host, its domain, what was changed of its frontend, and the memory of what serves it."""

from typing import Any

import pytest

from tests.watchkeeper.diagnosis.looks import (
    BAD,
    CRASHED,
    NOW,
    OK,
    POLICY,
    broken_domain,
    check,
    connections,
    deployed,
    detailed,
    finding,
    health,
    memory,
    no_redis,
    ping,
    ranked,
    site,
    site_deployed,
    upstash,
    vendor_page,
)
from tests.watchkeeper.house import two_on_call
from watchkeeper.diagnosis import diagnose
from watchkeeper.messages import handover
from watchkeeper.model import ACT_ABOVE, Check, CheckStatus
from watchkeeper.samples import sample_incident


@pytest.mark.parametrize(("changed", "acts"), [([], False), ([health(BAD, 502)], True), ([health()], False)])
def test_railways_page_alone_may_be_about_another_region(changed: list[Check], acts: bool) -> None:
    found = finding("railway_outage", vendor_page("railway"), *changed)

    assert (found.confidence >= ACT_ABOVE) is acts


def test_variables_that_were_changed_lately_are_evidence_beside_the_deployment() -> None:
    changed = check("vercel_variables", OK, changed=["API_URL", "KEY"])

    with_them = finding("bad_frontend_deployment", site_deployed(7), site(BAD, 500), changed)
    without = finding(
        "bad_frontend_deployment", site_deployed(7), site(BAD, 500), check("vercel_variables", OK)
    )

    assert with_them.evidence[-1] == "variables of the frontend changed lately: API_URL, KEY"
    assert with_them.evidence[:-1] == without.evidence


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({}, ["seen from 192.0.2.53: NXDOMAIN", "at the registrar: is the domain paid for"]),
        ({"trouble": "SERVFAIL"}, ["seen from 192.0.2.53: SERVFAIL", "the DNSSEC record (DS)"]),
        ({"trouble": "no address"}, ["seen from 192.0.2.53: no address", "has no address"]),
        (
            {"A": ["203.0.113.9"], "trouble": "points elsewhere: A is 203.0.113.9, expected 192.0.2.1"},
            ["seen from 192.0.2.53: A 203.0.113.9", "who changed the record"],
        ),
    ],
)
def test_tells_a_person_what_to_look_at_when_the_domain_is_broken(
    answer: dict[str, Any], told: list[str]
) -> None:
    first, seen, to_check, last = finding("dns_broken", broken_domain(**answer)).advice

    assert first == "expected for shop.example: A 192.0.2.1"
    assert (told[0] in seen, told[1] in to_check) == (True, True)
    assert "dig shop.example" in last


@pytest.mark.parametrize(
    "changed",
    [
        [memory(0.14)],
        [memory(0.12), deployed(5), health(BAD, 500)],
        [memory(0.1), deployed(3000, status=BAD, current=CRASHED), health(BAD, None)],
        [memory(0.14), connections(18, 15), detailed("error")],
    ],
)
def test_much_memory_alone_or_a_crash_alone_raises_no_memory(changed: list[Check]) -> None:
    assert ranked(*changed).get("out_of_memory", 0) < ACT_ABOVE


def test_at_the_policys_maximum_a_person_is_told_to_find_what_grows() -> None:
    found = finding("out_of_memory", memory(8, 2, limit=POLICY.limits.memory_maximum_gb))

    assert found.advice == ["the limit is the policy's maximum of 8 GB: find out what grows"]


@pytest.mark.parametrize(
    ("share", "status", "confidence"),
    [(1.0, BAD, 1.0), (0.95, OK, 0.29), (0.5, BAD, None), (None, BAD, None)],
)
def test_processors_that_are_used_up_explain_a_site_that_does_not_answer(
    share: float | None, status: CheckStatus, confidence: float | None
) -> None:
    used = check("railway_metrics", OK, cpu_share=share, cpu_limit=1.0)
    found = {each.cause: each.confidence for each in diagnose([used, health(status)], POLICY)}

    assert found.get("cpu_maxed") == confidence


@pytest.mark.parametrize(
    "why",
    [
        check("postgres_connections", BAD),
        check("redis_ping", BAD),
        check("railway_deployments", OK, deployed_minutes_ago=3),
    ],
)
def test_processors_that_are_used_up_by_what_else_is_wrong_are_no_cause(why: Check) -> None:
    used = check("railway_metrics", OK, cpu_share=1.0, cpu_limit=1.0)
    found = {each.cause: each.confidence for each in diagnose([used, health(BAD), why], POLICY)}

    assert found["cpu_maxed"] < ACT_ABOVE


@pytest.mark.parametrize(("down", "acts"), [("Shop worker", False), ("Shop backend", True)])
def test_another_services_monitor_says_nothing_of_the_backends_processors(down: str, acts: bool) -> None:
    # Whatever the team calls its backend.
    services = {
        "jobs": {"title": "Jobs", "kind": "worker_stuck", "monitors": ["Shop worker"]},
        "api": {
            "title": "API",
            "kind": "site_outage",
            "health_url": "http://api.test/",
            "monitors": ["Shop backend"],
        },
    }
    policy = two_on_call(services=services)
    used = check("railway_metrics", OK, cpu_share=1.0, cpu_limit=1.0)
    looks = [used, health(), check("uptimerobot_monitors", BAD, down=[down])]

    [found] = [each for each in diagnose(looks, policy) if each.cause == "cpu_maxed"]

    assert (found.confidence >= ACT_ABOVE) is acts


@pytest.mark.parametrize(
    ("seconds", "acts"),
    [
        ((0.02, 0.02, 0.02), False),
        # One answer may be late for many reasons.
        ((3.8, 0.02, 0.02), False),
        ((3.8, 0.02, 2.5), True),
    ],
)
def test_a_backend_that_lacks_processors_may_answer_between_its_stalls_but_late(
    seconds: tuple[float, float, float], acts: bool
) -> None:
    used = check("railway_metrics", OK, cpu_share=0.99, cpu_limit=1.0)
    names = ("backend_health", "backend_detailed", "payments_health")
    answers = [
        check(name, OK, status_code=200, seconds=took) for name, took in zip(names, seconds, strict=True)
    ]

    assert (finding("cpu_maxed", used, *answers).confidence >= ACT_ABOVE) is acts


def test_a_backend_without_processors_is_no_witness_of_others() -> None:
    """Its check of Redis comes too late, and Redis answers: a restart alone would not help for long."""
    full = check("railway_metrics", OK, cpu_share=1.0, cpu_limit=0.2)
    looks = [health(), no_redis(), ping(), upstash(), vendor_page("upstash", OK)]

    without = {each.cause: each.confidence for each in diagnose(looks, POLICY)}
    found = {each.cause: each.confidence for each in diagnose([*looks, full], POLICY)}

    assert without["redis_connection"] == 1
    assert found["redis_connection"] < ACT_ABOVE <= found["cpu_maxed"]


def test_whoever_is_handed_used_up_processors_reads_how_many_there_are() -> None:
    used = check("railway_metrics", OK, cpu_share=1.0, cpu_limit=2.0)
    found = finding("cpu_maxed", used, health(BAD, 502))

    told = handover(sample_incident(), now=NOW, why="it", findings=[found], tried=[], incident_link="it").text

    assert (
        "- cpu maxed (100 %): 100% of its 2 vCPU were used most of the last minutes; it does not answer well"
        in told
    )
    assert "to do: find what takes them: the slowest requests in Sentry" in told


def test_at_the_policys_maximum_of_processors_a_person_is_told() -> None:
    used = check("railway_metrics", OK, cpu_share=1.0, cpu_limit=POLICY.limits.cpu_maximum)

    assert (
        finding("cpu_maxed", used, health(BAD, 502)).advice[0]
        == "the limit is the policy's maximum of 8 vCPU"
    )
