"""The running intake keeps the incident log, whoever changed an incident."""

import asyncio

from tests.watchkeeper.intake.opened import Intake
from watchkeeper.figures.log import FILE_NAME


async def test_log_is_rewritten_as_soon_as_anybody_changes_an_incident(intake: Intake) -> None:
    path = intake.house.settings.home / FILE_NAME

    async def says(text: str) -> bool:
        async with asyncio.timeout(20):
            while not path.exists() or text not in path.read_text():
                await asyncio.sleep(0.02)
        return True

    await intake.tell()
    assert await says("INC-0001 Backend is down")
    await intake.house.store.one("incidents/set_cause", id=1, cause="out_of_memory", confidence=0.8)
    assert await says("out of memory")
