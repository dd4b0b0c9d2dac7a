"""What the commands of the command line share."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, TypeVar

from cyclopts import Parameter

from watchkeeper.settings import Settings
from watchkeeper.store import Db, open_store

Result = TypeVar("Result")

HomeOption = Annotated[Path | None, Parameter(help="The home folder [~/.watchkeeper].")]


async def in_store(settings: Settings, work: Callable[[Db], Awaitable[Result]]) -> Result:
    """Do something in one transaction of the incident store."""
    async with open_store(settings.store_url()) as store, store.transaction() as db:
        return await work(db)
