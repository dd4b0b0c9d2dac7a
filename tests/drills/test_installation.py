"""The stand-in company's own policy holds at every hour at which somebody may play or test."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from drills.company.database import CompanyDatabase
from drills.installation import write_policy
from drills.world_config import free_ports, world_config
from tests.drills.conftest import night_around
from watchkeeper.model import Severity
from watchkeeper.policy import load_policy
from watchkeeper.quiet.hours import when_to_page

CLOCKS = ["00:00:00", "03:00:00", "12:34:56", "23:59:00", "23:59:30", "23:59:59"]


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_drill_pages_at_every_hour_and_its_night_is_hours_long(tmp_path: Path, clock: str) -> None:
    now = datetime.fromisoformat(f"2026-03-01T{clock}").replace(tzinfo=UTC)
    ports = free_ports()
    database = CompanyDatabase("postgresql://app@shop", "postgresql://monitor@shop")
    config = world_config(tmp_path, ports, database, "redis://shop")
    write_policy(tmp_path / "watchkeeper.yaml", config, ports, {"night": night_around(now)})
    policy = load_policy(tmp_path / "watchkeeper.yaml")
    assert when_to_page(Severity.P2, policy, now).choice == "page"
    night = policy.night.around(now, policy.calendar)
    assert night is not None and (night.ends_at - now).total_seconds() > 10 * 3600
