"""The workbench of a flow: the store, the settings and the clock, opened at its first line."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from watchkeeper.clock import utc_now
from watchkeeper.incidents import read_incident
from watchkeeper.model import Incident
from watchkeeper.paging.desk import Desk, desk_of
from watchkeeper.rendering import use_templates
from watchkeeper.settings import Settings
from watchkeeper.store import Store, open_store


@dataclass(frozen=True)
class Bench:
    """What a flow works with."""

    store: Store
    settings: Settings

    def now(self) -> datetime:
        return utc_now()

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.settings.lease_seconds)

    @property
    def drafts(self) -> Path:
        """Where post-mortems are drafted, for a person to edit."""
        return self.settings.home.expanduser() / "drafts"

    def desk(self, incident: Incident) -> Desk:
        return desk_of(incident, self.settings.public_url)

    async def incident(self, incident_id: int) -> Incident:
        return await read_incident(self.store, incident_id)


@asynccontextmanager
async def open_bench() -> AsyncIterator[Bench]:
    """Open the store that this installation's settings name."""
    settings = Settings()
    use_templates(settings.templates_folder)
    async with open_store(settings.store_url()) as store:
        yield Bench(store, settings)
