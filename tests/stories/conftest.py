"""A night for each story."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.conftest import MovedClock
from tests.stories.night import Night, a_night
from watchkeeper.store import Store


@pytest.fixture
def own_policy() -> dict[str, Any]:
    """What a story changes in the policy: `@pytest.mark.parametrize("own_policy", [{...}])`."""
    return {}


@pytest_asyncio.fixture
async def night(
    tmp_path: Path, store: Store, store_url: str, clock: MovedClock, own_policy: dict[str, Any]
) -> AsyncIterator[Night]:
    async with a_night(tmp_path, store, store_url, clock, own_policy) as opened:
        yield opened
