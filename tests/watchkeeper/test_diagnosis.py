"""Diagnosis: what the checks saw becomes ranked causes, each with what speaks for it and against it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from watchkeeper.diagnosis import ACT_ABOVE, AT_LEAST, CAUSES, KINDS, diagnose, explain_order, redis
from watchkeeper.diagnosis import ranked as order_of
from watchkeeper.diagnosis.case import Looks
from watchkeeper.model import Check, CheckStatus, Fault, Finding, Kind, Severity
from watchkeeper.policy import load_policy

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
POLICY = load_policy()
OK, BAD, UNKNOWN = CheckStatus.OK, CheckStatus.BAD, CheckStatus.UNKNOWN
NOT_CONFIGURED = CheckStatus.NOT_CONFIGURED

NEW = {"id": "d2", "status": "SUCCESS", "commit_hash": "bada55c", "commit_message": "Speed up checkout"}
OLD = {"id": "d1", "status": "REMOVED", "commit_hash": "a11ce5e", "commit_message": "Show delivery times"}


def check(name: str, status: CheckStatus, summary: str = "", **facts: Any) -> Check:
    return Check(
        name=name, system=name, status=status, summary=summary or status, facts=facts, observed_at=NOW
    )


def connections(held: int, idle: int) -> Check:
    status = BAD if held > POLICY.thresholds.leak_above_connections else OK
    return check("postgres_connections", status, application_connections=held, idle_over_limit=idle)


def no_connection(status: CheckStatus = UNKNOWN) -> Check:
    return check("postgres_connections", status, "postgres did not answer")


def health(status: CheckStatus = OK, code: int | None = 200) -> Check:
    return check("backend_health", status, status_code=code)


def detailed(database: str | None = "ok") -> Check:
    dependencies = {} if database is None else {"database": database}
    return check("backend_detailed", OK if database == "ok" else BAD, dependencies=dependencies)


def deployed(
    minutes_ago: float | None, *, status: CheckStatus = OK, previous: Any = OLD, current: Any = NEW
) -> Check:
    facts = {"current": current, "previous_good": previous, "deployed_minutes_ago": minutes_ago}
    return check("railway_deployments", status, **facts)


def disk(percent: float, *, by_vendor: bool = False) -> Check:
    facts = {"percent": percent, "size_bytes": 100, "used_bytes": percent, "read_only": by_vendor}
    return check("supabase_disk", BAD, f"{percent} MB used", **facts)


def read_only() -> Check:
    return check("postgres_writable", BAD, "read-only", read_only=True)


def size(megabytes: int) -> Check:
    table = {"name": "uploads", "bytes": megabytes * 1_000_000}
    return check("postgres_size", OK, bytes=megabytes * 1_000_000, tables=[table])


def sick() -> Check:
    return check("supabase_health", BAD, "db UNHEALTHY", unhealthy=["db"])


def memory(peak: float, falls: int = 0, *, limit: float = 0.15) -> Check:
    share = round(peak / limit, 3)
    facts = {"memory_share": share, "memory_limit_gb": limit, "memory_falls": falls}
    return check("railway_metrics", BAD if share >= 0.9 else OK, **facts)


CRASHED = {**NEW, "status": "CRASHED"}


def vendor_page(vendor: str, status: CheckStatus = BAD) -> Check:
    return check(f"vendor_status_{vendor}", status, "major outage in eu-west")


def ping(trouble: str | None = None) -> Check:
    if trouble is None:
        return check("redis_ping", OK, "PONG in 3 ms", milliseconds=3)
    return check("redis_ping", BAD, f"in trouble: {trouble}", trouble=trouble)


def upstash(used_percent: float = 10, *, state: str = "active") -> Check:
    well = state == "active" and used_percent < POLICY.thresholds.redis_quota_near_percent
    facts = {
        "state": state,
        "plan": "free",
        "limit": 500_000,
        "used_percent": used_percent,
        "used_today": 412,
        "usual_day": 20_000,
        "shares": {"EVALSHA": 52.4, "BZPOPMIN": 34.2, "GET": 8.4, "SET": 4.9},
    }
    return check("upstash_database", OK if well else BAD, f"{used_percent:g} % used", **facts)


def no_redis(database: str = "ok") -> Check:
    return check("backend_detailed", OK, dependencies={"database": database, "redis": "error"})


def dns(status: CheckStatus = BAD) -> Check:
    return check("dns", status, "shop.example.com does not resolve")


def sentry(
    status: CheckStatus = BAD, *, release: str = "r2", errors: int = 30, usual: dict[str, int] | None = None
) -> Check:
    facts = {
        "errors": errors,
        "per_minute": errors / 5,
        "usual_per_minute": 0.1,
        "by_release": {release: errors},
        "by_endpoint": {"POST /orders": errors},
        "usual_by_release": usual or {},
        "new_titles": ["DiscountError"],
    }
    return check("sentry_errors", status, **facts)


def runs(release: str = "r2", **dependencies: str) -> Check:
    """What the backend says of itself."""
    return check("backend_detailed", OK, release=release, dependencies=dependencies or {"database": "ok"})


NEW_SITE = {"id": "dpl_2", "status": "READY", "commit_hash": "deadbea7", "commit_message": "Render the cart"}
NOWHERE = {"resolver": "192.0.2.53", "A": [], "AAAA": [], "CNAME": [], "trouble": "NXDOMAIN", "unknown": ""}


def site(status: CheckStatus = OK, code: int | None = 200) -> Check:
    return check("frontend_health", status, status_code=code)


def site_deployed(minutes_ago: float, *, previous: Any = OLD) -> Check:
    facts = {"current": NEW_SITE, "previous_good": previous, "deployed_minutes_ago": minutes_ago}
    return check("vercel_deployments", OK, **facts)


def vercel_page(indicator: str = "major") -> Check:
    return check("vendor_status_vercel", BAD, f"{indicator}: Edge", indicator=indicator)


def broken_domain(**answer: Any) -> Check:
    facts = {
        "domain": "shop.example",
        "expected": {"A": ["192.0.2.1"]},
        "answers": [{**NOWHERE, **answer}],
    }
    return check("dns", BAD, "shop.example does not lead to the site", **facts)


HEALTHY = [
    site(),
    site_deployed(3000),
    vendor_page("vercel", OK),
    connections(held=4, idle=0),
    health(),
    detailed(),
    deployed(3000),
    vendor_page("supabase", OK),
    vendor_page("railway", OK),
    vendor_page("upstash", OK),
    ping(),
    upstash(),
    dns(OK),
]


def night(*changed: Check) -> list[Check]:
    """All that is looked at, healthy but for what is given."""
    names = {each.name for each in changed}
    return [*(each for each in HEALTHY if each.name not in names), *changed]


def ranked(*changed: Check) -> dict[str, float]:
    """Causes and confidences of such a night, in their order."""
    return {finding.cause: finding.confidence for finding in diagnose(night(*changed), POLICY)}


def finding(cause: str, *checks: Check) -> Finding:
    """What is held of one cause when these are the only looks."""
    return next(found for found in diagnose(checks, POLICY) if found.cause == cause)


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
        ([vendor_page("railway")], "railway_outage", 0.62),
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
        ([deployed(5), sentry(), runs("other")], "errors_after_deploy", 0.75),
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
        # A page that is red for others harms nobody here.
        ([vendor_page("upstash")], "upstash_outage", False),
        # A plan that is nearly used up breaks nothing yet.
        ([upstash(85)], "redis_quota", False),
        ([ping("quota")], "redis_quota", True),
        # Errors without a deployment, and a deployment without errors, prove nothing.
        ([sentry(), runs()], "errors_after_deploy", False),
        ([deployed(5), sentry(OK, errors=1), runs()], "errors_after_deploy", False),
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


def test_errors_of_a_site_that_is_down_are_another_runbooks() -> None:
    assert "errors_after_deploy" not in ranked(deployed(5), health(BAD, 500), sentry(), runs())


def test_a_release_that_was_gone_back_to_is_not_rolled_back() -> None:
    gone_back = check(
        "railway_deployments",
        OK,
        current=OLD,
        previous_good=None,
        deployed_minutes_ago=1,
        deployments=[OLD, NEW, OLD],
    )

    found = finding("errors_after_deploy", health(), gone_back, sentry(), runs())

    assert found.confidence < ACT_ABOVE
    assert "what was deployed lately ran before: Show delivery times" in found.against


def circuit(name: str, state: str = "open", **more: Any) -> Check:
    circuits = {name: {"state": state, "failures": 3, "fallback": "", "fell_back": 0} | more}
    return check("backend_detailed", OK, dependencies={"database": "ok"}, circuits=circuits)


@pytest.mark.parametrize(
    ("cause", "name", "own_look"),
    [
        ("gemini_down", "gemini", "gemini_health"),
        ("removebg_down", "removebg", "removebg_account"),
        ("stripe_down", "stripe", None),
    ],
)
def test_an_open_circuit_names_the_api_that_is_down(cause: str, name: str, own_look: str | None) -> None:
    alone = finding(cause, circuit(name))
    half = finding(cause, circuit(name, "half_open"))

    assert alone.confidence == half.confidence >= ACT_ABOVE
    assert (alone.fault, bool(alone.advice)) == (Fault.VENDOR, True)
    if own_look:
        seen = finding(cause, circuit(name), check(own_look, UNKNOWN, "answered 503"))
        assert seen.confidence > alone.confidence
    assert cause not in ranked(circuit(name, "closed"), check("gemini_health", UNKNOWN))


def test_a_fallback_is_confirmed_with_its_figures() -> None:
    used = finding("removebg_down", circuit("removebg", fallback="the original picture", fell_back=7))
    missing = finding("removebg_down", circuit("removebg"))

    assert used.advice[0].startswith("The fallback works: the original picture was used 7 times.")
    assert missing.advice[0].startswith("The backend tells of no fallback")
    assert AT_LEAST["removebg_down"] is Severity.P2


def test_the_note_to_stripes_support_is_ready_to_be_sent() -> None:
    endpoint = check("stripe_endpoint", OK, id="we_1")

    contact, note = finding("stripe_down", circuit("stripe"), endpoint, vendor_page("stripe")).advice

    assert contact.startswith("Contact Stripe support, https://support.stripe.com/contact")
    assert "seen at 2026-03-02 03:00 UTC" in note and "3 in a row" in note
    assert "major outage in eu-west" in note and "we_1" in note


def test_errors_while_an_api_is_down_are_not_blamed_on_the_deployment_alone() -> None:
    broken = circuit("gemini").model_copy(update={"facts": circuit("gemini").facts | {"release": "r2"}})

    blamed = finding("errors_after_deploy", health(), deployed(5), sentry(), broken)

    assert "the backend cannot use gemini" in blamed.against


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


def test_a_database_that_we_reach_is_not_unreachable() -> None:
    assert "database_unreachable" not in ranked(detailed("error"))


def test_ranks_the_likelier_cause_first_and_keeps_the_others() -> None:
    causes = ranked(connections(18, 15), detailed("error"), deployed(5))

    assert list(causes)[:2] == ["connection_leak", "bad_deployment"]
    assert list(causes.values()) == sorted(causes.values(), reverse=True)


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


REDIS_CAUSES = {cause.name for cause in redis.CAUSES}


@pytest.mark.parametrize(
    "changed",
    [
        [connections(18, 15), detailed("error")],
        [deployed(5), health(BAD, 500), detailed(None)],
        [no_connection(), detailed("error")],
        [vendor_page("supabase"), no_connection(), detailed("error")],
        [ping("slow")],
        [ping("auth")],
    ],
)
def test_nothing_is_blamed_on_a_redis_that_is_well(changed: list[Check]) -> None:
    assert not REDIS_CAUSES & set(ranked(*changed))


@pytest.mark.parametrize(
    "changed",
    [
        [vendor_page("upstash"), ping("connection"), no_redis()],
        [ping("quota"), no_redis(), upstash(100)],
        [no_redis()],
    ],
)
def test_nothing_else_is_blamed_for_redis(changed: list[Check]) -> None:
    likely = {cause for cause, confidence in ranked(*changed).items() if confidence >= ACT_ABOVE}

    assert likely <= REDIS_CAUSES and len(likely) == 1


def test_says_what_a_used_up_plan_went_on() -> None:
    advice = finding("redis_quota", ping("quota"), upstash(100)).advice

    assert advice[:4] == [
        "20,000 commands a day, 120 % of the 16,666 a day that 500,000 a month allow (plan free)",
        "EVALSHA: 10,480 a day = 63 % of the plan; doubling BullMQ's drainDelay and stalledInterval saves about 5,240",
        "BZPOPMIN: 6,840 a day = 41 % of the plan; doubling BullMQ's drainDelay saves about 3,420",
        "GET: 1,680 a day = 10 % of the plan",
    ]
    assert len(advice) == 5 and advice[4].startswith("upgrade: Upstash console")


def test_says_what_is_missing_where_upstash_gave_no_figures() -> None:
    away = check("upstash_database", UNKNOWN, "upstash answered 503 to read_database")

    advice = finding("redis_quota", ping("quota"), away).advice

    assert "upstash answered 503 to read_database" in advice[1]


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


def fits(cause: str, confidence: float, *evidence: str, against: int = 0) -> Finding:
    doubts = [f"doubt {number}" for number in range(against)]
    return Finding(
        cause=cause, confidence=confidence, fault=Fault.OURS, evidence=list(evidence), against=doubts
    )


SHARED = "deployed 5 minutes ago"


@pytest.mark.parametrize(
    ("found", "order"),
    [
        ([fits("a", 0.7, "x"), fits("b", 0.9, "y")], ["b", "a"]),
        # About equally likely: what speaks for one alone separates them, whoever is a little ahead.
        ([fits("a", 0.9, SHARED), fits("b", 0.85, SHARED, "y")], ["b", "a"]),
        ([fits("a", 0.85, "x", against=2), fits("b", 0.85, "y", against=1)], ["b", "a"]),
        # Clearly less likely, or too unlikely to act upon: no amount of evidence of its own helps.
        ([fits("a", 0.9, SHARED), fits("b", 0.75, SHARED, "y", "z")], ["a", "b"]),
        ([fits("a", 0.59, SHARED), fits("b", 0.55, "y", "z")], ["a", "b"]),
    ],
)
def test_tries_first_what_the_evidence_separates_best(found: list[Finding], order: list[str]) -> None:
    assert [finding.cause for finding in order_of(found)] == order
    assert [finding.cause for finding in order_of(found[::-1])] == order


def test_says_what_spoke_for_the_others() -> None:
    found = order_of(
        [fits("bad_deployment", 0.9, SHARED), fits("out_of_memory", 0.85, SHARED, "killed: OOM")]
    )

    assert explain_order(found) == (
        "Several causes fit. Trying out of memory first; for it alone speaks: killed: OOM. "
        "For bad deployment (90%): deployed 5 minutes ago."
    )
    assert explain_order(found[:1]) is None
    assert explain_order([]) is None


def webhooks(*newest: str, database: str = "ok") -> Check:
    told = {"received": 9, "signature_failures": newest.count("signature"), "errors": newest.count("error")}
    facts = {"dependencies": {"database": database}, "webhooks": {**told, "newest": list(newest)}}
    return check("backend_detailed", OK if database == "ok" else BAD, **facts)


def not_delivered(count: int) -> Check:
    facts = {
        "newest_undelivered": count,
        "undelivered": count,
        "total": f"{count} payments",
        "lines": ["evt_1"],
    }
    return check("stripe_events", BAD if count else OK, **facts)


ENDPOINT = check("stripe_endpoint", OK).model_copy(update={"facts": {"status": "enabled"}})
UNWELL = check("payments_health", BAD, "answers 503")


def payment_confidence(*checks: Check) -> dict[str, float]:
    return {
        finding.cause: finding.confidence for finding in diagnose(checks, POLICY) if "stripe" in finding.cause
    }


def test_a_handler_that_answers_errors_while_the_rest_serves_is_down_by_itself() -> None:
    found = payment_confidence(health(), webhooks("error", "error"), UNWELL, ENDPOINT, not_delivered(3))

    assert found["stripe_endpoint_down"] == 1
    assert "stripe_signature" not in found


@pytest.mark.parametrize(
    "site", [[health(BAD, 500)], [health(), webhooks("error", "error", database="error")], []]
)
def test_a_site_that_is_down_comes_first_and_what_was_missed_is_named(site: list[Check]) -> None:
    [finding] = [
        f for f in diagnose([*site, UNWELL, not_delivered(3)], POLICY) if f.cause == "stripe_endpoint_down"
    ]

    assert finding.confidence < ACT_ABOVE
    assert finding.evidence == ["Stripe could not deliver 3 payments"]
    assert finding.advice[1:] == ["evt_1", "and 2 more"]


def test_a_secret_that_does_not_match_loses_payments() -> None:
    found = payment_confidence(
        health(), webhooks("signature", "signature"), UNWELL, ENDPOINT, not_delivered(3)
    )

    assert found["stripe_signature"] == 1
    assert found["stripe_endpoint_down"] < ACT_ABOVE


def test_a_strangers_forgeries_replace_no_secret() -> None:
    found = payment_confidence(
        health(), webhooks("signature", "signature"), UNWELL, ENDPOINT, not_delivered(0)
    )

    assert found.get("stripe_signature", 0) < ACT_ABOVE


def test_stripes_own_trouble_is_stripes() -> None:
    found = payment_confidence(health(), vendor_page("stripe"), check("stripe_events", UNKNOWN))

    assert found == {"stripe_outage": 1}


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
