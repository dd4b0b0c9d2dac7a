"""What the intake cannot do is seen from outside, and stops none of its loops."""

import asyncio
from typing import Any

import pytest

from tests.watchkeeper.intake.opened import Intake
from tests.watchkeeper.recording import RecordingServer, until
from watchkeeper import admission
from watchkeeper.doctor import Verdict, examine_work
from watchkeeper.guarding import Work, read_set_aside
from watchkeeper.incidents import list_recent
from watchkeeper.intake import app as intake_app
from watchkeeper.model import Alert
from watchkeeper.store import Db


class Odd:
    """Admission as it is, that stumbles over one service for as long as it is told to."""

    def __init__(self) -> None:
        self.is_broken = True
        self._take_in = admission.take_in

    async def take_in(self, db: Db, desk: Any, alert: Alert, *rest: Any, **how: Any) -> Any:
        if self.is_broken and alert.service == "odd":
            raise ZeroDivisionError("nobody foresaw this")
        return await self._take_in(db, desk, alert, *rest, **how)


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> Odd:
    made = Odd()
    monkeypatch.setattr(admission, "take_in", made.take_in)
    return made


async def test_an_alert_that_cannot_be_admitted_pages_and_waits_on_disk_alone(
    intake: Intake, vendors: RecordingServer, odd: Odd
) -> None:
    told = {"kind": "site_outage", "severity": "P1"}
    kept = await intake.tell(service="odd", summary="An odd thing", **told)
    assert (kept.status_code, kept.json()["reason"]) == (202, "kept_on_disk_until_the_store_is_back")
    await until(lambda: [each for each in vendors.heard if "An odd thing" in each.form.get("Body", "")])
    house = intake.house
    await until_set_aside(intake, 1)
    # What comes after it through the spool is admitted all the same.
    await house.spool.keep(
        Alert(
            source="generic",
            fingerprint="redis",
            service="redis",
            kind="redis_down",
            summary="Redis is down",
            started_at=house.clock(),
        ),
        now=house.clock(),
    )
    await until(lambda: len(list((house.settings.home / "spool").glob("*.json"))) == 1)
    assert [each.summary for each in await list_recent(house.store)] == ["Redis is down"]

    (row,) = await read_set_aside(house.store)
    assert (row.work, row.error.partition(" ")[0]) == (Work.SPOOL, "ZeroDivisionError")
    seen = await examine_work(house.settings)
    assert (seen.verdict, "1 set aside; alert on disk " in seen.text) == (Verdict.WARNING, True)

    odd.is_broken = False
    intake.clock.advance(seconds=15)
    await until_set_aside(intake, 0)
    assert {each.summary for each in await list_recent(house.store)} == {"Redis is down", "An odd thing"}
    assert (await examine_work(house.settings)).verdict is Verdict.OK


async def until_set_aside(intake: Intake, number: int) -> None:
    """Wait until `/ready` tells of so many."""
    async with asyncio.timeout(10):
        while (await intake.client.get("/ready")).json().get("set_aside") != number:
            await asyncio.sleep(0.05)


async def test_a_log_that_cannot_be_made_does_not_end_the_intake(
    intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(intake_app, "keep_log", breaks)
    await intake.house.keep_log()
    assert [each.work for each in await read_set_aside(intake.house.store)] == [Work.INCIDENT_LOG]


async def test_a_file_that_can_never_be_admitted_is_counted_too(intake: Intake) -> None:
    (intake.house.settings.home / "spool" / "20260101T000000-half.json").write_text("{")
    await until_set_aside(intake, 1)
    assert "half.bad cannot be admitted" in (await examine_work(intake.house.settings)).text
