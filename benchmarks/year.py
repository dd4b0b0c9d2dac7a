"""A year of incidents that never were, out of a seed: the same seed, the same year. Rows as the store keeps them."""

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

Values = dict[str, Any]
STARTS = datetime(2025, 1, 1, tzinfo=UTC)

# What goes wrong, how often, how long it takes in the middle (minutes), and the change that is tried against it.
SORTS = (
    ("site_outage", "P0", "backend", 5, 35, "roll_back_deployment", ("bad_deployment", "railway_outage")),
    (
        "database_down",
        "P0",
        "database",
        3,
        50,
        "end_idle_connections",
        ("connection_leak", "supabase_outage"),
    ),
    ("redis_down", "P1", "redis", 4, 60, "restart_service", ("redis_connection", "upstash_outage")),
    ("worker_stuck", "P1", "worker", 6, 90, "restart_service", ("worker_crashed", "stuck_job")),
    (
        "high_error_rate",
        "P1",
        "backend",
        6,
        120,
        "roll_back_deployment",
        ("errors_after_deploy", "gemini_down"),
    ),
    ("other", "P3", "backend", 8, 600, "", ("unknown",)),
)
PEOPLE = ("ana", "ben")

# As the shipped policy has it.
REVIEWED_WITHIN = {"P0": timedelta(hours=24), "P1": timedelta(hours=48)}
REPEATS_WITHIN = timedelta(days=90)
SURE, FEWEST = 0.6, 5

# Where half of all lie, and eight of ten, as shares of the middle: the quantiles of how long they are made to take.
SPREAD = {"median": 1.0, "low50": 0.58, "high50": 1.71, "low80": 0.36, "high80": 2.79}


class Made(NamedTuple):
    """The rows of one table, in the order of its columns."""

    table: str
    rows: list[Values]


def make_year(seed: int, *, incidents: int = 300, days: int = 365) -> list[Made]:
    """So many incidents spread over so many days, with their pages, changes, promises and answers, what they repeat, what
    was said of their length, and their post-mortems with what those promise."""
    chance = random.Random(seed)  # noqa: S311  # it must fall alike each time
    times = sorted(STARTS + timedelta(days=days) * chance.random() for _ in range(incidents))
    happened = [_incident(chance, number, at) for number, at in enumerate(times, start=1)]
    pages = [page for one in happened for page in _pages(chance, one)]
    answers = list(_answers(chance, pages))
    changes = [row for one in happened for row in _changes(chance, one)]
    deadlines = [_deadline(chance, one) for one in happened]
    reviews = [_review(chance, one) for one in happened if one["severity"] in REVIEWED_WITHIN]
    items = [item for one in reviews for item in _items(chance, one, ends=STARTS + timedelta(days=days))]
    return [
        Made("incidents", happened),
        Made("alerts", [alert for one in happened for alert in _alerts(one)]),
        Made("notifications", pages),
        Made("worth", answers),
        Made("remediations", changes),
        Made("deadlines", deadlines),
        Made("promises", [_promise(number, page) for number, page in enumerate(pages) if number % 3 == 0]),
        Made("past_fingerprints", [_fingerprint(one) for one in happened]),
        Made("repeats", list(_repeats(happened))),
        Made("estimates", [row for one in happened for row in _estimates(one)]),
        Made("reviews", reviews),
        Made("action_items", items),
    ]


def _incident(chance: random.Random, number: int, at: datetime) -> Values:
    kind, severity, service, _, middle, _, causes = chance.choices(SORTS, [sort[3] for sort in SORTS])[0]
    detected = at + timedelta(seconds=chance.expovariate(1 / 150))
    resolved = detected + timedelta(minutes=chance.lognormvariate(0, 0.8) * middle)
    was_found = chance.random() < 0.8
    return {
        "id": number,
        "kind": kind,
        "severity": severity,
        "status": "resolved",
        "service": service,
        "summary": f"{service} | {kind} <{number}>",
        "source": "generic",
        "started_at": at,
        "detected_at": detected,
        "acknowledged_at": detected + (resolved - detected) * 0.1 if chance.random() < 0.9 else None,
        "mitigated_at": detected + (resolved - detected) * 0.6,
        "recovered_at": detected + (resolved - detected) * 0.7,
        "resolved_at": resolved,
        "proved": chance.random() < 0.8,
        "cause": chance.choice(causes) if was_found else None,
        "cause_confidence": chance.choice((0.5, 0.7, 0.9)) if was_found else None,
        "round": chance.choice((1, 1, 1, 2)),
        "policy": Jsonb({}),
    }


def _alerts(incident: Values) -> Iterator[Values]:
    """It fires, fires again while it lasts, and is over."""
    third = (incident["resolved_at"] - incident["detected_at"]) / 3
    for number in range(3):
        yield {
            "source": "generic",
            "fingerprint": f"{incident['service']}:{incident['kind']}",
            "firing": number < 2,
            "service": incident["service"],
            "kind": incident["kind"],
            "summary": incident["summary"],
            "started_at": incident["started_at"],
            "received_at": incident["detected_at"] + third * number,
            "payload": Jsonb({}),
            "incident_id": incident["id"],
            "decision": "same_fingerprint" if number else "nothing_open_explains_it",
        }


def _pages(chance: random.Random, incident: Values) -> Iterator[Values]:
    if incident["severity"] == "P3":
        return
    for rung, person in enumerate(PEOPLE[: chance.choice((1, 1, 2))]):
        sent_at = incident["detected_at"] + timedelta(seconds=chance.uniform(0, 2) + 900 * rung)
        for channel in ("sms", "voice") if incident["severity"] == "P0" else ("sms", "email"):
            yield {
                "key": f"INC-{incident['id']:04d}:page:{rung}:{person}:{channel}",
                "incident_id": incident["id"],
                "purpose": "escalation" if rung else "page",
                "recipient": person,
                "channel": channel,
                "message": Jsonb({}),
                "state": chance.choice(("sent", "delivered", "delivered", "failed")),
                "due_at": sent_at,
                "sent_at": sent_at,
                "created_at": sent_at,
            }


def _answers(chance: random.Random, pages: Sequence[Values]) -> Iterator[Values]:
    for incident_id, person in sorted({(page["incident_id"], page["recipient"]) for page in pages}):
        worth = chance.choice((True, True, False, None))
        yield {"incident_id": incident_id, "person": person, "link": "", "asked_at": STARTS, "worth": worth}


def _changes(chance: random.Random, incident: Values) -> Iterator[Values]:
    action = next(sort[5] for sort in SORTS if sort[0] == incident["kind"])
    if action:
        yield {
            "incident_id": incident["id"],
            "round": chance.choice((1, incident["round"])),
            "step": 1,
            "attempt": 1,
            "action": action,
            "target": incident["service"],
            "plan": Jsonb({}),
            "plan_digest": "",
            "gate": "none",
            "gate_reason": "",
            "state": chance.choice(("done", "done", "failed", "unknown")),
            "created_at": incident["detected_at"],
            "claimed_at": incident["detected_at"] + timedelta(minutes=2),
        }


def _deadline(chance: random.Random, incident: Values) -> Values:
    due_at = incident["detected_at"] + timedelta(minutes=15)
    met_at = due_at + timedelta(minutes=chance.uniform(-15, 5)) if chance.random() < 0.9 else None
    which = {"incident_id": incident["id"], "kind": "acknowledge", "number": 1}
    return {**which, "due_at": due_at, "state": "met" if met_at else "missed", "met_at": met_at}


def _promise(number: int, page: Values) -> Values:
    """Kept by a message that left in time, as long as its minutes are even."""
    late = timedelta(minutes=10 if page["sent_at"].minute % 2 else -1)
    return {
        "incident_id": page["incident_id"],
        "number": number,
        "due_at": page["sent_at"] - late,
        "kept_by": "watchkeeper",
        "notification_key": page["key"],
    }


def _fingerprint(incident: Values) -> Values:
    """That of its alerts."""
    return {"fingerprint": f"{incident['service']}:{incident['kind']}", "incident_id": incident["id"]}


def _repeats(incidents: Sequence[Values]) -> Iterator[Values]:
    """Whatever was found for certain, and found before not long ago."""
    last: dict[str, Values] = {}
    for incident in incidents:
        cause = incident["cause"]
        if cause is None or incident["cause_confidence"] < SURE:
            continue
        earlier, last[cause] = last.get(cause), incident
        if earlier and incident["detected_at"] - earlier["detected_at"] <= REPEATS_WITHIN:
            which = {"incident_id": incident["id"], "sign": "cause", "earlier_id": earlier["id"]}
            yield {**which, "cause": cause, "linked_at": incident["detected_at"] + timedelta(minutes=10)}


def _estimates(incident: Values) -> Iterator[Values]:
    """At triage, and once its cause is found; nothing was known at first."""
    middle = 60 * next(sort[4] for sort in SORTS if sort[0] == incident["kind"])
    n = min(incident["id"] - 1, 50)
    stages = {"triage": 2, "cause": 10} if incident["cause"] else {"triage": 2}
    for stage, minutes in stages.items():
        said = {name: middle * times if n >= FEWEST else None for name, times in SPREAD.items()}
        said_at = incident["detected_at"] + timedelta(minutes=minutes)
        yield {"incident_id": incident["id"], "stage": stage, "said_at": said_at, "n": n, **said}


def _review(chance: random.Random, incident: Values) -> Values:
    """Most are published, some of them late; some are waived, and some are still owed."""
    due_at = incident["resolved_at"] + REVIEWED_WITHIN[incident["severity"]]
    published_at = due_at + timedelta(hours=chance.uniform(-20, 5)) if chance.random() < 0.9 else None
    waived_at = due_at if published_at is None and chance.random() < 0.5 else None
    return {
        "incident_id": incident["id"],
        "reasons": ["severity"],
        "due_at": due_at,
        "author": chance.choice(PEOPLE),
        "asked_at": incident["resolved_at"],
        "drafted_at": incident["resolved_at"],
        "published_at": published_at,
        "waived_at": waived_at,
    }


def _items(chance: random.Random, review: Values, *, ends: datetime) -> Iterator[Values]:
    """Two of each that was published. They are done in time, except every tenth, and what is not due yet at the end."""
    opened_at = review["published_at"]
    for number in (1, 2) if opened_at else ():
        due_at = opened_at + timedelta(days=chance.randrange(7, 30))
        is_open = due_at > ends or chance.random() < 0.1
        yield {
            "incident_id": review["incident_id"],
            "number": number,
            "action": "see that it does not come back",
            "owner": review["author"].capitalize(),
            "handle": review["author"],
            "due_on": due_at.date(),
            "due_at": due_at,
            "priority": chance.choice(("low", "medium", "high")),
            "state": "open" if is_open else "done",
            "opened_at": opened_at,
            "closed_at": None if is_open else due_at - timedelta(days=1),
        }


def fill(url: str, year: Iterable[Made]) -> None:
    """Write a year into a store that is empty."""
    with psycopg.connect(url, autocommit=True) as connection:
        for table, rows in year:
            if rows:
                _copy(connection, table, rows)
        connection.execute("SELECT setval('incidents_id_seq', (SELECT max(id) FROM incidents))")
        connection.execute("ANALYZE")


def _copy(connection: psycopg.Connection[Any], table: str, rows: Sequence[Values]) -> None:
    columns = list(rows[0])
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([row[column] for column in columns])
