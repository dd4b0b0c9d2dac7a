"""Durable acknowledgements per second, beside what Postgres itself can make durable.

Two kinds: the 202 that tells a sender that its alert is on disk, and the button by which a person takes an incident.
"""

import re
import shutil
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import psycopg
from psycopg import sql

from benchmarks.figures import Beside, Figure, Target, spread
from benchmarks.lean import post_json, post_request, send_all
from benchmarks.site import (
    CouldNotRun,
    Site,
    bearer,
    open_sender,
    open_unpaged,
    output_of,
    post_alert,
    put_away,
)
from benchmarks.sizes import Sizes
from watchkeeper.clock import utc_now
from watchkeeper.links import LinkSigner, create_link
from watchkeeper.machine.embedded import BINARIES
from watchkeeper.model import DeadlineKind, Severity
from watchkeeper.store import Db

CONNECTIONS = 16
QUARTER = 0.25
BATCH = 100
# Nothing else may become due while this lasts.
LATER = timedelta(hours=2)
SERVICE = "acknowledged"
STORM = "durable"

DATABASE = "bench"
TABLE = """
CREATE TABLE acknowledgements (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id bigint NOT NULL,
    person      text NOT NULL,
    at          timestamptz NOT NULL DEFAULT now()
)
"""
SCRIPT = r"""
\set incident random(1, 1000000)
INSERT INTO acknowledgements (incident_id, person) VALUES (:incident, 'ana');
"""
TPS = re.compile(r"^tps = ([\d.]+)", re.MULTILINE)
COMMAND_SECONDS = 60.0


async def measure(site: Site, sizes: Sizes) -> list[Figure]:
    """As many people as connections, each answering one page after another."""
    await site.stop_responding()
    inserts = await measure_inserts(site, sizes.pgbench_seconds)
    taken_in = await take_in_alerts(site, sizes.durable_alerts)
    paths = await make_links(site, sizes.acknowledgements)
    elapsed, latencies = await acknowledge_all(site, paths)
    durable = await site.query(
        "SELECT count(*) AS n FROM incidents WHERE service = %s AND acknowledged_at IS NOT NULL", SERVICE
    )
    if durable["n"] != len(paths):
        raise CouldNotRun(f"{len(paths)} were acknowledged, and the store knows of {durable['n']}")
    inserted = Beside(
        f"pgbench, {CONNECTIONS} clients, one-row inserts",
        inserts,
        "/s",
        round(inserts * sizes.pgbench_seconds),
    )
    return [
        Figure(
            "acknowledge",
            f"Alerts answered once they are durable, {CONNECTIONS} connections",
            taken_in,
            "/s",
            sizes.durable_alerts,
            beside=[inserted],
        ),
        Figure(
            "acknowledge",
            "The same, for each of pgbench's inserts",
            taken_in / inserts,
            "",
            1,
            Target(QUARTER, at_least=True),
        ),
        Figure(
            "acknowledge",
            f"Incidents acknowledged by people's links, {CONNECTIONS} connections",
            len(paths) / elapsed,
            "/s",
            len(paths),
            more=spread(latencies),
        ),
    ]


async def take_in_alerts(site: Site, count: int) -> float:
    """Alerts with one cause, each its own delivery, per second; all of them are in the store afterwards."""
    site.say(f"{count:,} alerts over {CONNECTIONS} connections")
    cause = {"service": STORM, "fingerprint": STORM, "summary": "Checkout fails", "severity": "P1"}
    async with open_sender(site) as session:
        first = await post_alert(session, **cause)
    url = f"{site.stack.intake_url}/webhooks/generic"
    requests = [
        post_json(url, {**cause, "delivery_id": f"{STORM}-{number}"}, bearer(site)) for number in range(count)
    ]
    began = time.monotonic()
    await send_all(url, requests, connections=CONNECTIONS, status=202)
    per_second = count / (time.monotonic() - began)
    kept = await site.query(
        "SELECT count(*) AS n, count(DISTINCT delivery_id) AS deliveries FROM alerts WHERE service = %s",
        STORM,
    )
    if (kept["n"], kept["deliveries"]) != (count + 1, count):
        raise CouldNotRun(f"{count + 1} alerts were answered with 202, and the store has {kept['n']}")
    await put_away(site.store, first.incident_id)
    return per_second


async def make_links(site: Site, count: int) -> list[str]:
    """Open incidents, each with a link that acknowledges it; the links' paths.

    They are written as an admission would write them, but for the pages: who has read his page acknowledges.
    """
    site.say(f"opening {count:,} incidents with a link each")
    settings = site.stack.settings
    signer, policy = LinkSigner(settings.signing_key()), settings.policy().model_dump(mode="json")
    paths: list[str] = []
    while len(paths) < count:
        async with site.store.transaction() as db:
            for each in range(len(paths), min(len(paths) + BATCH, count)):
                incident_id = await _open(db, each, policy, now=utc_now())
                link = await create_link(
                    db,
                    public_url=settings.public_url,
                    purpose="acknowledge",
                    incident_id=incident_id,
                    person="ana",
                    expires_at=utc_now() + LATER,
                )
                paths.append(urlsplit(signer.address(link)).path)
    return paths


async def _open(db: Db, each: int, policy: dict[str, Any], *, now: datetime) -> int:
    severity, until = Severity.P1, now + LATER
    incident_id = await open_unpaged(
        db, each, service=SERVICE, severity=severity, policy=policy, leased_until=until
    )
    fingerprint = f"{SERVICE}-{each}"
    await db.run(
        "alerts/join",
        fingerprint=fingerprint,
        incident_id=incident_id,
        source="generic",
        firing=True,
        now=now,
    )
    for kind in (DeadlineKind.ACKNOWLEDGE, DeadlineKind.ESCALATE):
        which = {"incident_id": incident_id, "kind": kind, "number": 1}
        await db.one("deadlines/set", **which, due_at=until)
        # Shown by a run that Prefect has no more: it is asked to take it away, and has nothing to do for it.
        await db.run("deadlines/set_mirror", **which, flow_run_id=str(uuid4()))
    return incident_id


async def acknowledge_all(site: Site, paths: list[str]) -> tuple[float, list[float]]:
    """Press every button, over connections that are kept alive; how long it took, and each of them."""
    site.say(f"{len(paths):,} acknowledgements over {CONNECTIONS} connections")
    presses = [post_request(f"{site.stack.intake_url}{path}") for path in paths]
    began = time.monotonic()
    latencies = await send_all(site.stack.intake_url, presses, connections=CONNECTIONS, status=200)
    return time.monotonic() - began, latencies


async def measure_inserts(site: Site, seconds: int) -> float:
    """Inserts per second of pgbench, on a database of its own on the same server.

    Raises:
        CouldNotRun: there is no pgbench, or it failed.
    """
    site.say(f"pgbench for {seconds} s")
    url = urlsplit(site.stack.settings.store_url())
    await _make_database(url._replace(path="/postgres").geturl(), url._replace(path=f"/{DATABASE}").geturl())
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(SCRIPT)
        script.flush()
        output = await output_of(
            "pgbench",
            find_pgbench(),
            *("--no-vacuum", "--client", str(CONNECTIONS), "--jobs", "2", "--time", str(seconds)),
            *("--file", script.name, "--host", parse_qs(url.query)["host"][0]),
            *("--username", url.username or "postgres", DATABASE),
            seconds=COMMAND_SECONDS,
        )
    if (found := TPS.search(output)) is None:
        raise CouldNotRun(f"pgbench said: {output}")
    return float(found[1])


async def _make_database(server: str, database: str) -> None:
    async with await psycopg.AsyncConnection.connect(server, autocommit=True) as connection:
        name = sql.Identifier(DATABASE)
        await connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(name))
        await connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
    async with await psycopg.AsyncConnection.connect(database, autocommit=True) as connection:
        await connection.execute(TABLE)


def find_pgbench() -> Path:
    """The embedded Postgres's own, or the system's."""
    beside_server = BINARIES / "pgbench"
    found = str(beside_server) if beside_server.exists() else shutil.which("pgbench")
    if found is None:
        raise CouldNotRun("there is no pgbench (Debian has it in postgresql-contrib)")
    return Path(found)
