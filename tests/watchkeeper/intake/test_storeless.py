"""Paging without the store, when a channel breaks in a way that nobody foresaw."""

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MovedClock
from tests.watchkeeper.house import PUBLIC_URL, Phone, recipients, two_on_call
from watchkeeper.intake.spool import Spool
from watchkeeper.intake.storeless import Storeless
from watchkeeper.model import Alert, Channel, Kind
from watchkeeper.paging.desk import Desk


class Broken(Phone):
    async def send(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("secret")


async def test_a_channel_that_breaks_in_a_new_way_keeps_no_other_from_ringing_and_ends_nothing(
    tmp_path: Path, clock: MovedClock, caplog: pytest.LogCaptureFixture
) -> None:
    spool, calls = Spool(tmp_path / "spool"), Phone()
    channels = {Channel.SMS: Broken(), Channel.EMAIL: Broken(), Channel.VOICE: calls}
    storeless = Storeless(Desk(two_on_call(), PUBLIC_URL), channels, spool, clock)
    alert = Alert(
        source="generic",
        fingerprint="site",
        service="backend",
        kind=Kind.SITE_OUTAGE,
        summary="Backend is down",
        started_at=clock(),
    )
    spool.expect(alert, now=clock())
    page = storeless.page(alert)
    assert page is not None
    await page
    assert sorted(recipients(calls.sent)) == ["+14155550101", "+14155550102"]
    clock.advance(minutes=10)
    await storeless.ask_again(is_away=True)
    assert len(calls.sent) == 4
    assert "by sms failed: RuntimeError at " in caplog.text and "secret" not in caplog.text
