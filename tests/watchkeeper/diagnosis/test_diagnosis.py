"""Diagnosis: what the checks saw becomes ranked causes, each with what speaks for it and against it."""

import pytest

from tests.watchkeeper.diagnosis.looks import (
    BAD,
    CRASHED,
    HEALTHY,
    NEW,
    NOT_CONFIGURED,
    OK,
    POLICY,
    UNKNOWN,
    broken_domain,
    check,
    connections,
    deployed,
    detailed,
    disk,
    dns,
    finding,
    health,
    memory,
    night,
    no_connection,
    no_redis,
    ping,
    ranked,
    read_only,
    runs,
    sentry,
    sick,
    site,
    site_deployed,
    upstash,
    vendor_page,
    vercel_page,
)
from watchkeeper.diagnosis import CAUSES, KINDS, diagnose
from watchkeeper.diagnosis.case import Looks
from watchkeeper.model import ACT_ABOVE, Check, CheckStatus, Fault, Kind

VERCEL_LOGS = check("vercel_logs", BAD, "TypeError in /cart")
CHANGED = check("vercel_variables", OK, changed=["API_URL"])


@pytest.mark.parametrize(
    ("changed", "likeliest", "confidence"),
    [
        ([connections(18, 15), detailed("error")], "connection_leak", 1.0),
        ([connections(18, 15)], "connection_leak", 0.8),
        ([connections(18, 0), detailed("error")], "connection_leak", 0.6),
        ([connections(18, 0)], "connection_leak", 0.4),
        ([deployed(5), health(BAD, 500)], "bad_deployment", 0.89),
        ([deployed(5, status=BAD), health(BAD, None)], "bad_deployment", 1.0),
        ([deployed(5, previous=None), health(BAD, 500)], "bad_deployment", 0.78),
        ([vendor_page("supabase")], "supabase_outage", 0.4),
        ([vendor_page("supabase"), no_connection()], "supabase_outage", 0.7),
        ([vendor_page("supabase"), no_connection(), detailed("error")], "supabase_outage", 0.8),
        ([vendor_page("supabase"), no_connection(), detailed("error"), sick()], "supabase_outage", 1.0),
        ([read_only(), detailed("error")], "disk_full", 0.67),
        ([disk(97), read_only(), detailed("error")], "disk_full", 1.0),
        (
            [memory(0.15, 3), deployed(3000, status=BAD, current=CRASHED), health(BAD, None)],
            "out_of_memory",
            1.0,
        ),
        # In the middle of the loop, between two kills, it serves for a moment.
        ([memory(0.15, 1)], "out_of_memory", 0.67),
        # A deployment that needs more memory than there is: what was deployed is what can be gone back from.
        ([memory(0.15), deployed(5, status=BAD, current=CRASHED), health(BAD, None)], "bad_deployment", 1.0),
        ([vendor_page("railway")], "railway_outage", 0.5),
        ([vendor_page("railway"), health(BAD, 502)], "railway_outage", 1.0),
        ([no_connection()], "database_unreachable", 0.78),
        ([no_connection(), detailed("error")], "database_unreachable", 1.0),
        ([dns()], "dns_broken", 1.0),
        ([vendor_page("upstash"), ping("connection"), no_redis()], "upstash_outage", 1.0),
        ([vendor_page("upstash"), ping("timeout")], "upstash_outage", 0.8),
        # From elsewhere Redis answers; its vendor says that it does not everywhere.
        ([vendor_page("upstash"), no_redis()], "upstash_outage", 0.6),
        ([ping("quota"), no_redis(), upstash(100)], "redis_quota", 1.0),
        ([ping("quota"), no_redis(), check("upstash_database", UNKNOWN)], "redis_quota", 0.88),
        ([no_redis()], "redis_connection", 1.0),
        ([no_redis(), check("upstash_database", NOT_CONFIGURED)], "redis_connection", 0.9),
        ([no_redis(), ping("connections")], "redis_connection", 1.0),
        ([ping("connection"), no_redis()], "redis_unreachable", 0.88),
        ([ping("timeout"), no_redis(), upstash(state="suspended")], "redis_unreachable", 1.0),
        ([deployed(5), sentry(), runs()], "errors_after_deploy", 1.0),
        # Sentry names a release for none of them: then having deployed is what is known.
        ([deployed(5), sentry(release="unknown"), runs()], "errors_after_deploy", 0.75),
        ([site_deployed(5), site(BAD, 500)], "bad_frontend_deployment", 1.0),
        ([site_deployed(5, previous=None), site(BAD, None)], "bad_frontend_deployment", 0.89),
        ([vercel_page(), site(BAD, 502)], "vercel_outage", 1.0),
        ([vercel_page("minor"), site(BAD, 502)], "vercel_outage", 0.75),
        # Rolling back helps nobody while the name leads nowhere, or while the host itself is down.
        ([broken_domain(), site_deployed(5), site(BAD, None)], "dns_broken", 1.0),
        ([vercel_page(), site_deployed(5), site(BAD, 502)], "vercel_outage", 1.0),
        # But a page that is amber, as it often is, must not keep what was just deployed from being taken back.
        ([vercel_page("minor"), site_deployed(5), site(BAD, 500)], "bad_frontend_deployment", 1.0),
        # The backend's deployment is not the frontend's.
        ([deployed(5), health(BAD, 500), site_deployed(3000)], "bad_deployment", 0.89),
    ],
)
def test_names_the_likeliest_cause(changed: list[Check], likeliest: str, confidence: float) -> None:
    causes = ranked(*changed)

    assert next(iter(causes)) == likeliest
    assert causes[likeliest] == confidence


@pytest.mark.parametrize(
    ("changed", "cause", "acts"),
    [
        # Just at the threshold is enough, just below is a guess.
        ([connections(16, 0), detailed("error")], "connection_leak", True),
        ([connections(15, 15), detailed("error")], "connection_leak", True),
        ([connections(16, 0)], "connection_leak", False),
        # A red page may be about another region; a disk that is nearly full hurts nobody yet.
        ([vendor_page("supabase")], "supabase_outage", False),
        ([vendor_page("supabase"), connections(18, 15), detailed("error")], "supabase_outage", False),
        ([vendor_page("supabase"), no_connection()], "supabase_outage", True),
        ([disk(97)], "disk_full", False),
        ([disk(97), detailed("error")], "disk_full", False),
        ([read_only()], "disk_full", False),
        ([read_only(), disk(97)], "disk_full", True),
        ([connections(15, 15)], "connection_leak", False),
        # Having deployed proves nothing while the site serves; a dead site proves no deployment.
        ([deployed(5)], "bad_deployment", False),
        ([health(BAD, 500)], "bad_deployment", False),
        ([site_deployed(5)], "bad_frontend_deployment", False),
        ([site(BAD, 500)], "bad_frontend_deployment", False),
        ([site_deployed(59), site(BAD, 500)], "bad_frontend_deployment", True),
        ([site_deployed(61), site(BAD, 500)], "bad_frontend_deployment", False),
        ([vercel_page()], "vercel_outage", False),
        ([vercel_page(), site_deployed(5), site(BAD, 500)], "bad_frontend_deployment", False),
        ([broken_domain(), site_deployed(5), site(BAD, None)], "bad_frontend_deployment", False),
        ([deployed(59, previous=None), health(BAD, 500)], "bad_deployment", True),
        # The policy calls an hour recent.
        ([deployed(60.0), health(BAD, 500)], "bad_deployment", True),
        ([deployed(60.1), health(BAD, 500)], "bad_deployment", False),
        # What has run for days was not broken by its deployment, whatever its platform and its log say now.
        ([deployed(3000, status=BAD, current=CRASHED), health(BAD, None)], "bad_deployment", False),
        ([deployed(59, status=BAD, current=CRASHED), health(BAD, None)], "bad_deployment", True),
        ([site_deployed(3000), site(BAD, 500), VERCEL_LOGS], "bad_frontend_deployment", False),
        ([site_deployed(3000), site(BAD, 500), VERCEL_LOGS, CHANGED], "bad_frontend_deployment", False),
        ([site_deployed(5), site(BAD, 500), VERCEL_LOGS], "bad_frontend_deployment", True),
        # A page that is red for others harms nobody here.
        ([vendor_page("upstash")], "upstash_outage", False),
        # A plan that is nearly used up breaks nothing yet.
        ([upstash(85)], "redis_quota", False),
        ([ping("quota")], "redis_quota", True),
        # Errors without a deployment, and a deployment without errors, prove nothing.
        ([sentry(), runs()], "errors_after_deploy", False),
        ([deployed(5), sentry(OK, errors=1), runs()], "errors_after_deploy", False),
        # Sentry's split says that they are another release's.
        ([deployed(5), sentry(), runs("other")], "errors_after_deploy", False),
        ([deployed(5), sentry(usual={"r2": 9}), runs()], "errors_after_deploy", False),
        # Errors that the release had before are not the deployment's, nor are those of what it depends on.
        ([deployed(5), sentry(usual={"r2": 9}), runs(database="error")], "errors_after_deploy", False),
    ],
)
def test_acts_only_above_the_threshold(changed: list[Check], cause: str, acts: bool) -> None:
    assert (ranked(*changed)[cause] >= ACT_ABOVE) is acts


def test_finds_nothing_to_act_upon_in_a_healthy_company() -> None:
    assert all(confidence < ACT_ABOVE for confidence in ranked().values())


@pytest.mark.parametrize("status", [UNKNOWN, NOT_CONFIGURED, None])
def test_a_look_that_is_missing_is_no_evidence_for_anything_but_an_unreachable_database(
    status: CheckStatus | None,
) -> None:
    checks = [] if status is None else [check(each.name, status) for each in HEALTHY]

    causes = [found.cause for found in diagnose(checks, POLICY)]

    assert causes == (["database_unreachable"] if status is UNKNOWN else [])


@pytest.mark.parametrize(
    ("cause", "checks", "against"),
    [
        ("connection_leak", [no_connection(), detailed("error")], []),
        ("connection_leak", [detailed("error")], []),
        ("connection_leak", [connections(18, 15)], []),
        # A release that answers 500 to everything says nothing of its database.
        ("connection_leak", [connections(18, 15), detailed(None)], []),
        ("connection_leak", [connections(18, 15), detailed("ok")], ["the backend can use the database"]),
        (
            "connection_leak",
            [connections(12, 0), detailed("error")],
            ["12 connections held, within 15", "none of them idle for long"],
        ),
        ("bad_deployment", [health(BAD, 500)], []),
        ("bad_deployment", [deployed(5)], []),
        ("bad_deployment", [deployed(5), health(UNKNOWN, None)], []),
        ("bad_deployment", [deployed(5), health()], ["/health answers 200"]),
        (
            "bad_deployment",
            [deployed(3000, previous=None), health(BAD, 500)],
            ["no deployment in the last 60 minutes", "nothing to roll back to"],
        ),
    ],
)
def test_only_what_was_seen_speaks_against_a_cause(
    cause: str, checks: list[Check], against: list[str]
) -> None:
    assert finding(cause, *checks).against == against


def test_a_missing_look_makes_no_cause_likelier() -> None:
    with_it = finding("connection_leak", connections(18, 15), detailed("ok"))
    without_it = finding("connection_leak", connections(18, 15))

    assert without_it.confidence == with_it.confidence


@pytest.mark.parametrize(
    ("cause", "checks", "evidence"),
    [
        (
            "connection_leak",
            [connections(18, 9), detailed("error")],
            [
                "18 connections held, over the limit of 15",
                "9 of them idle for longer than 5 minutes",
                "at least half of them do nothing",
                "the backend reports that it cannot use the database",
            ],
        ),
        (
            "connection_leak",
            [connections(18, 8)],
            [
                "18 connections held, over the limit of 15",
                "8 of them idle for longer than 5 minutes",
            ],
        ),
        (
            "bad_deployment",
            [deployed(7, status=BAD, current={**NEW, "status": "CRASHED"}), health(BAD, None)],
            [
                "deployed 7 minutes ago: Speed up checkout",
                "an earlier deployment can be rolled back to",
                "/health answers nothing",
                "Railway says CRASHED",
            ],
        ),
        ("bad_deployment", [deployed(None, status=BAD, previous=None, current=None)], ["Railway says that"]),
        (
            "bad_deployment",
            [deployed(7, previous=None, current={"commit_hash": "bada55c"})],
            ["deployed 7 minutes ago: bada55c"],
        ),
        (
            "supabase_outage",
            [vendor_page("supabase"), no_connection(), sick(), detailed("error")],
            [
                "Supabase: major outage in eu-west",
                "our own connection to the database fails too",
                "Supabase's check of our project: db UNHEALTHY",
                "the backend cannot use the database either",
            ],
        ),
        (
            "disk_full",
            [disk(97, by_vendor=True), read_only(), detailed("error")],
            [
                "Supabase has made the database read-only",
                "disk: 97 MB used",
                "the backend reports that it cannot use the database",
            ],
        ),
        (
            "railway_outage",
            [vendor_page("railway"), health(BAD, 502)],
            ["Railway: major outage in eu-west", "the backend does not answer"],
        ),
        (
            "database_unreachable",
            [no_connection(), detailed("error")],
            [
                "our own connection to the database fails: postgres did not answer",
                "the backend cannot use the database either",
                "no outage of Supabase's is known",
            ],
        ),
        ("dns_broken", [dns()], ["shop.example.com does not resolve"]),
        (
            "bad_frontend_deployment",
            [
                site_deployed(7),
                site(BAD, 500),
                check("vercel_logs", BAD, "2 errors in 3 lines; last: cart is undefined"),
            ],
            [
                "the frontend was deployed 7 minutes ago: Render the cart",
                "the site answers 500",
                "an earlier deployment can be gone back to",
                "Vercel's log: 2 errors in 3 lines; last: cart is undefined",
            ],
        ),
        (
            "vercel_outage",
            [vercel_page(), site(BAD, 502)],
            ["Vercel: major: Edge", "Vercel calls it a major outage", "the site does not answer"],
        ),
    ],
)
def test_shows_its_evidence(cause: str, checks: list[Check], evidence: list[str]) -> None:
    shown = finding(cause, *checks).evidence

    assert len(shown) == len(evidence)
    assert all(line.startswith(start) for line, start in zip(shown, evidence, strict=True))


def test_ranks_the_likelier_cause_first_and_keeps_the_others() -> None:
    causes = ranked(connections(18, 15), detailed("error"), deployed(5))

    assert list(causes)[:2] == ["connection_leak", "bad_deployment"]
    assert list(causes.values()) == sorted(causes.values(), reverse=True)


@pytest.mark.parametrize(
    ("changed", "cause", "fault"),
    [
        ([connections(18, 15)], "connection_leak", Fault.OURS),
        ([deployed(5), health(BAD, 500)], "bad_deployment", Fault.DEPLOYMENT),
        ([vendor_page("supabase")], "supabase_outage", Fault.VENDOR),
        ([vendor_page("railway")], "railway_outage", Fault.VENDOR),
        ([no_connection()], "database_unreachable", Fault.OURS),
        ([dns()], "dns_broken", Fault.OURS),
        ([site_deployed(5), site(BAD, 500)], "bad_frontend_deployment", Fault.DEPLOYMENT),
        ([vercel_page(), site(BAD, 502)], "vercel_outage", Fault.VENDOR),
    ],
)
def test_says_whose_fault_it_looks_like(changed: list[Check], cause: str, fault: Fault) -> None:
    assert finding(cause, *night(*changed)).fault is fault


def test_every_cause_makes_an_incident_of_a_kind() -> None:
    causes = [cause.judge(Looks([]), POLICY).cause for cause in CAUSES]

    assert sorted(causes) == sorted(KINDS)
    assert all(isinstance(kind, Kind) for kind in KINDS.values())


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        ("connection_leak", Kind.DATABASE_DOWN),
        ("supabase_outage", Kind.DATABASE_DOWN),
        ("disk_full", Kind.DATABASE_DOWN),
        ("database_unreachable", Kind.DATABASE_DOWN),
        ("bad_deployment", Kind.SITE_OUTAGE),
        ("railway_outage", Kind.SITE_OUTAGE),
        ("dns_broken", Kind.SITE_OUTAGE),
        ("upstash_outage", Kind.REDIS_DOWN),
        ("redis_quota", Kind.REDIS_DOWN),
        ("redis_connection", Kind.REDIS_DOWN),
        ("redis_unreachable", Kind.REDIS_DOWN),
        ("errors_after_deploy", Kind.HIGH_ERROR_RATE),
        ("gemini_down", Kind.HIGH_ERROR_RATE),
        ("removebg_down", Kind.HIGH_ERROR_RATE),
        ("stripe_down", Kind.HIGH_ERROR_RATE),
        ("bad_frontend_deployment", Kind.SITE_OUTAGE),
        ("vercel_outage", Kind.SITE_OUTAGE),
    ],
)
def test_a_cause_names_what_is_broken(cause: str, kind: Kind) -> None:
    assert KINDS[cause] is kind
