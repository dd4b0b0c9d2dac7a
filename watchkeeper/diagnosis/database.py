"""What can take a database down. Pure."""

from typing import Any

from watchkeeper.diagnosis.case import Case, Cause, Looks
from watchkeeper.model import CheckStatus, Fault, Kind, Severity
from watchkeeper.policy import Policy
from watchkeeper.rendering import duration

CONNECTION_LEAK = "connection_leak"
SUPABASE_OUTAGE = "supabase_outage"
DISK_FULL = "disk_full"
DATABASE_UNREACHABLE = "database_unreachable"
SLOW_QUERIES = "slow_queries"


def database_state(looks: Looks) -> str | None:
    """What the backend says of its database: "ok", "error", or nothing."""
    state: str | None = looks.facts("backend_detailed").get("dependencies", {}).get("database")
    return state


def connection_leak(looks: Looks, policy: Policy) -> Case:
    """The guide: more than 15 connections is a leak; idle ones hold what others wait for."""
    case = Case(CONNECTION_LEAK, Fault.OURS)
    facts = looks.facts("postgres_connections")
    held = facts.get("application_connections", 0)
    idle = facts.get("idle_over_limit", 0)
    limit = policy.thresholds.leak_above_connections
    seen = looks.saw("postgres_connections")
    case.weigh(
        4,
        held > limit,
        f"{held} connections held, over the limit of {limit}",
        f"{held} connections held, within {limit}",
        seen=seen,
    )
    case.weigh(
        3,
        idle > 0,
        f"{idle} of them idle for longer than {duration(policy.thresholds.idle_longer_than)}",
        "none of them idle for long",
        seen=seen,
    )
    case.weigh(1, held > 0 and idle * 2 >= held, "at least half of them do nothing")
    said = database_state(looks)
    case.weigh(
        2,
        said == "error",
        "the backend reports that it cannot use the database",
        "the backend can use the database",
        seen=said == "ok",
    )
    return case


def supabase_outage(looks: Looks, policy: Policy) -> Case:
    """The vendor's own status page is red, and we feel it. A red page alone may be about another region."""
    case = Case(SUPABASE_OUTAGE, Fault.VENDOR)
    red = looks.is_bad("vendor_status_supabase")
    case.weigh(4, red, f"Supabase: {looks.summary('vendor_status_supabase')}")
    felt = is_unreachable(looks)
    case.weigh(
        3,
        red and felt,
        "our own connection to the database fails too",
        "our own connection to the database works",
        seen=red and looks.saw("postgres_connections"),
    )
    case.weigh(
        2,
        red and bool(looks.facts("supabase_health").get("unhealthy")),
        f"Supabase's check of our project: {looks.summary('supabase_health')}",
        "Supabase's check of our project finds it healthy",
        seen=red and looks.saw("supabase_health"),
    )
    fails_too = red and felt and database_state(looks) == "error"
    case.weigh(1, fails_too, "the backend cannot use the database either")
    return case


def is_unreachable(looks: Looks) -> bool:
    """Whether our own connection fails."""
    return looks.status("postgres_connections") is CheckStatus.UNKNOWN


def disk_full(looks: Looks, policy: Policy) -> Case:
    """A full disk shows as a database that answers and takes nothing in: its host makes it read-only."""
    case = Case(DISK_FULL, Fault.OURS)
    disk = looks.facts("supabase_disk")
    by_vendor = bool(disk.get("read_only"))
    case.weigh(
        5,
        by_vendor or bool(looks.facts("postgres_writable").get("read_only")),
        "Supabase has made the database read-only" if by_vendor else "the database is read-only",
        "the database takes writes",
        seen=looks.saw("postgres_writable"),
    )
    percent, limit = disk.get("percent"), policy.thresholds.disk_full_percent
    case.weigh(
        3,
        percent is not None and percent >= limit,
        f"disk: {looks.summary('supabase_disk')}",
        f"disk: {looks.summary('supabase_disk')}, below {limit:.0f} %",
        seen=percent is not None,
    )
    case.weigh(1, database_state(looks) == "error", "the backend reports that it cannot use the database")
    case.advice = disk_advice(disk, looks.facts("postgres_size"))
    return case


# From this share of the disk on, what is in no table is worth a look.
ELSEWHERE_SHARE = 0.2


def disk_advice(disk: dict[str, Any], size: dict[str, Any]) -> list[str]:
    """What frees a disk, with the figures to choose by."""
    advice = []
    if tables := size.get("tables"):
        largest = ", ".join(f"{table['name']} {table['bytes'] / 1e6:.1f} MB" for table in tables)
        advice.append(f"delete what is not needed; the largest tables: {largest}")
    used, in_database = disk.get("used_bytes", 0), size.get("bytes", 0)
    if in_database and used - in_database > ELSEWHERE_SHARE * disk.get("size_bytes", 0):
        advice.append(
            f"{(used - in_database) / 1e6:.0f} MB are in no table: look into pg_replication_slots for a slot that "
            "is not active and keeps the write-ahead log, and drop it"
        )
    advice.append(
        "a larger disk or plan: Supabase Dashboard, Project Settings, Compute and Disk; "
        "the database takes writes again once less than 95 % is used"
    )
    advice.append(
        "deleting lets space inside the tables be used again; files shrink only by VACUUM FULL, which locks its table"
    )
    return advice


def database_unreachable(looks: Looks, policy: Policy) -> Case:
    """Our own connection fails, and the vendor's page knows of no outage; pages trail, so it may be theirs yet."""
    case = Case(DATABASE_UNREACHABLE, Fault.OURS)
    unreachable = is_unreachable(looks)
    case.weigh(
        4, unreachable, f"our own connection to the database fails: {looks.summary('postgres_connections')}"
    )
    fails_too = unreachable and database_state(looks) == "error"
    case.weigh(2, fails_too, "the backend cannot use the database either")
    red = looks.is_bad("vendor_status_supabase")
    case.weigh(
        3,
        unreachable and not red,
        "no outage of Supabase's is known",
        "Supabase's own status page is red",
        seen=unreachable,
    )
    case.advice = unreachable_advice(looks)
    return case


def unreachable_advice(looks: Looks) -> list[str]:
    """Where a person looks next; nothing here can be done over Supabase's API."""
    status = looks.facts("supabase_project").get("status")
    told = [f"Supabase: {looks.summary('supabase_health')}"] if looks.is_bad("supabase_health") else []
    if status in PAUSED:
        return [*told, f"the project is {status}: restore it in Supabase's dashboard"]
    return [
        *told,
        "look at the project in Supabase's dashboard; there is no API to restart a database, the dashboard has a button",
        "check the connection string and the way there: the direct address has no IPv4 unless it was bought",
    ]


# A free project that nobody used for a week is put to sleep.
PAUSED = ("INACTIVE", "PAUSING")


def slow_queries(looks: Looks, policy: Policy) -> Case:
    """The database answers, and several queries run for longer than the guide allows."""
    case = Case(SLOW_QUERIES, Fault.OURS)
    slow = looks.facts("postgres_slow_queries").get("slow", [])
    many = looks.is_bad("postgres_slow_queries")
    case.weigh(
        5,
        many,
        f"{looks.summary('postgres_slow_queries')}, the oldest for {slow[0]['seconds']:.0f} s"
        if many
        else "",
        "no more queries run for long than usual",
        seen=looks.saw("postgres_slow_queries"),
    )
    leak = looks.is_bad("postgres_connections")
    case.weigh(
        2,
        many and not leak,
        "no more connections are held than allowed",
        "more connections are held than allowed, which comes first",
        seen=many and leak,
    )
    case.advice = [
        *(f"pid {query['pid']}, {query['seconds']:.0f} s: {query['query']}" for query in slow[:ADVISED]),
        "see what they wait for (pg_stat_activity.wait_event, pg_blocking_pids); one that may end is ended by "
        "SELECT pg_cancel_backend(pid), and what lasts is an index or another query",
    ]
    return case


ADVISED = 5

CAUSES = (
    Cause(CONNECTION_LEAK, Kind.DATABASE_DOWN, connection_leak),
    Cause(SUPABASE_OUTAGE, Kind.DATABASE_DOWN, supabase_outage),
    Cause(DISK_FULL, Kind.DATABASE_DOWN, disk_full),
    Cause(DATABASE_UNREACHABLE, Kind.DATABASE_DOWN, database_unreachable),
    # The guide's P1: very slow, and not down.
    Cause(SLOW_QUERIES, Kind.DATABASE_DOWN, slow_queries, at_least=Severity.P1),
)
