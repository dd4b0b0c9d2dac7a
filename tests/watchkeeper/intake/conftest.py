"""The intake on a store of this test's own, with every vendor recorded."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.conftest import MovedClock
from tests.watchkeeper.intake.opened import Intake, open_intake, settings_for, vendors_at
from tests.watchkeeper.recording import RecordingServer, recording_server


@pytest_asyncio.fixture
async def vendors() -> AsyncIterator[RecordingServer]:
    async with recording_server() as server:
        yield server


@pytest_asyncio.fixture
async def intake(
    tmp_path: Path, store_url: str, clock: MovedClock, vendors: RecordingServer
) -> AsyncIterator[Intake]:
    settings = settings_for(tmp_path, store_url, **vendors_at(vendors.url))
    async with open_intake(settings, clock) as opened:
        yield opened
