"""Whether customers are let in, and what readings prove while nobody can tell."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest.mock import AsyncMock

import pytest

from flows import doors as entrance
from flows.doors import OPEN, Doors, read_doors
from flows.verification import Progress, Verdict, behind
from tests.flows.conftest import MovedBench
from tests.flows.looks import RELAPSED, STABLE, WATCHED_SINCE, WATCHING, minutes
from tests.rows import a_remediation
from watchkeeper.deadlines.maintenance import Maintenance
from watchkeeper.errors import NotConfigured, VendorUnavailable
from watchkeeper.model import Incident, Plan, RemediationState
from watchkeeper.policy import load_policy

RULES = load_policy().verification
DONE, FAILED, CLAIMED = RemediationState.DONE, RemediationState.FAILED, RemediationState.CLAIMED
AWAY = VendorUnavailable(vendor="railway", action="list_deployments", status=503)
NO_KEY = NotConfigured("Railway for backend", setting="services.backend.railway")


def deployment(name: str, status: str, at: datetime | None = None) -> dict[str, Any]:
    return {
        "id": name,
        "status": status,
        "status_updated_at": at.isoformat() if at else None,
        "created_at": at,
    }


@pytest.fixture
def railway(monkeypatch: pytest.MonkeyPatch) -> AsyncMock:
    """What Railway lists; the one that served when it was switched is "old"."""

    @asynccontextmanager
    async def site(policy: object) -> AsyncIterator[Any]:
        yield SimpleNamespace(railway=lambda service: (service, service))

    listed = AsyncMock(return_value=[deployment("old", "SUCCESS", WATCHED_SINCE)])
    monkeypatch.setattr(entrance, "open_site", site)
    monkeypatch.setattr(entrance.railway, "list_deployments", listed)
    return listed


@pytest.fixture
def switched(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the last switch be this one."""

    def switch(state: RemediationState | None, *, reminded: bool = False, **told: Any) -> None:
        parameters = {"service": "backend", "on": False, "newest_id": "old"}
        plan = Plan(
            action="set_maintenance_mode",
            target="backend off #2",
            cause="it",
            summary="Switch it off",
            preview=[],
            parameters=parameters,
            undo="it",
        )
        last = a_remediation(plan, state, **told) if state else None
        known = AsyncMock(return_value=Maintenance(last, [1] if reminded else []))
        monkeypatch.setattr(entrance, "read_maintenance", known)

    return switch


async def test_nothing_was_switched_tonight(
    bench: MovedBench, incident: Incident, switched: Any, railway: AsyncMock
) -> None:
    now = bench.now()
    switched(None)
    assert await read_doors(bench, incident) == OPEN
    switched(FAILED, claimed_at=now, finished_at=now)
    assert await read_doors(bench, incident) == OPEN
    switched(DONE, claimed_at=now, finished_at=now - timedelta(days=2))
    assert await read_doors(bench, incident) == OPEN
    railway.assert_not_awaited()


async def test_while_it_is_on_or_being_switched_customers_may_get_a_503(
    bench: MovedBench, incident: Incident, switched: Any, railway: AsyncMock
) -> None:
    now = bench.now()
    switched(DONE, reminded=True, claimed_at=now, finished_at=now)
    assert await read_doors(bench, incident) == Doors(now, may_be_shut=True, on_their_way=True)
    switched(DONE, reminded=True, claimed_at=now, finished_at=now - minutes(31))
    assert await read_doors(bench, incident) == Doors(now - minutes(31), may_be_shut=True)
    switched(None, reminded=True)
    assert await read_doors(bench, incident) == Doors(None, may_be_shut=True)
    switched(CLAIMED, reminded=True, claimed_at=now)
    assert await read_doors(bench, incident) == Doors(now, may_be_shut=True, on_their_way=True)
    # A run that died is no switch under way: what it left is what the reminder says.
    bench.clock.advance(minutes=31)
    assert await read_doors(bench, incident) == Doors(now, may_be_shut=True)


async def test_the_shop_is_open_once_the_deployment_that_opens_it_serves(
    bench: MovedBench, incident: Incident, switched: Any, railway: AsyncMock
) -> None:
    off_at = bench.now()
    switched(DONE, claimed_at=off_at, finished_at=off_at)
    old = deployment("old", "SUCCESS", WATCHED_SINCE)

    assert await read_doors(bench, incident) == Doors(off_at, may_be_shut=True, on_their_way=True)
    for status in ("BUILDING", "FAILED"):
        railway.return_value = [deployment("new", status, off_at), old]
        assert await read_doors(bench, incident) == Doors(off_at, may_be_shut=True, on_their_way=True)

    live_at = off_at + minutes(4)
    railway.return_value = [deployment("new", "SUCCESS", live_at), old]
    assert await read_doors(bench, incident) == Doors(live_at)
    # Seen once, it is not asked again: not even where it could not be told.
    railway.side_effect = AWAY
    assert await read_doors(bench, incident) == Doors(live_at)


async def test_who_cannot_be_asked_tells_nobody_that_the_shop_is_open(
    bench: MovedBench, incident: Incident, switched: Any, railway: AsyncMock
) -> None:
    off_at = bench.now()
    switched(DONE, claimed_at=off_at, finished_at=off_at)
    railway.side_effect = AWAY
    assert await read_doors(bench, incident) == Doors(off_at, may_be_shut=True, on_their_way=True)


async def test_where_nobody_can_ever_tell_nobody_is_kept_waiting(
    bench: MovedBench, incident: Incident, switched: Any, railway: AsyncMock
) -> None:
    off_at = bench.now()
    switched(DONE, claimed_at=off_at, finished_at=off_at)
    railway.side_effect = NO_KEY
    assert await read_doors(bench, incident) == Doors(off_at)
    railway.side_effect, railway.return_value = None, [deployment("another", "SUCCESS", off_at)]
    assert await read_doors(bench, incident) == Doors(off_at), "the one that served then is listed no longer"


SHUT = Doors(WATCHED_SINCE, may_be_shut=True)
OPENING = Doors(WATCHED_SINCE, may_be_shut=True, on_their_way=True)


@pytest.mark.parametrize(
    ("doors", "verdict", "after", "told"),
    [
        (OPEN, STABLE, minutes(15), STABLE),
        (OPEN, RELAPSED, minutes(15), RELAPSED),
        (SHUT, STABLE, minutes(15), WATCHING),
        (SHUT, STABLE, timedelta(hours=9), WATCHING),
        (SHUT, RELAPSED, minutes(15), RELAPSED),
        # A cure that does not help is taken back and handed over all the same.
        (SHUT, Verdict.NOT_RECOVERED, minutes(30), Verdict.NOT_RECOVERED),
        (SHUT, Verdict.CONTRADICTED, minutes(30), WATCHING),
        (SHUT, Verdict.VENDOR_RECOVERED, minutes(15), Verdict.VENDOR_RECOVERED),
        (OPENING, STABLE, minutes(15), WATCHING),
        (OPENING, RELAPSED, minutes(15), WATCHING),
        (OPENING, STABLE, minutes(30), Verdict.NOT_OPENED),
        (OPENING, RELAPSED, minutes(30), RELAPSED),
    ],
)
def test_nothing_is_over_while_customers_may_get_a_503(
    doors: Doors, verdict: Verdict, after: timedelta, told: Verdict
) -> None:
    progress = Progress(verdict, None)
    assert behind(doors, progress, RULES, now=WATCHED_SINCE + after).verdict is told


def test_nothing_that_was_missed_is_sent_to_a_shop_that_is_shut() -> None:
    """As it is, once all was green for long enough."""
    green = Progress(WATCHING, WATCHED_SINCE)
    assert behind(SHUT, green, RULES, now=WATCHED_SINCE + minutes(16)) == Progress(WATCHING, None)
