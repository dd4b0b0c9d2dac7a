"""How a step that only writes rows is repeated: while the store is away, and for no other reason."""

from typing import Any

import pytest
from prefect import task
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from tasks.shapes import store_is_away, store_task
from watchkeeper.errors import LeaseLost, PreconditionChanged, StoreUnavailable


@task
async def step() -> None:
    """A step."""


@pytest.mark.parametrize(
    ("state", "repeated"),
    [
        (Failed(data=StoreUnavailable("PoolTimeout")), True),
        (Failed(data=LeaseLost("taken over")), False),
        (Failed(data=PreconditionChanged("moved")), False),
        (Failed(data=ValueError("a bug")), False),
        (Completed(data=1), False),
    ],
)
async def test_a_step_is_repeated_only_while_the_store_is_away(state: State[Any], repeated: bool) -> None:
    assert await store_is_away(step, None, state) is repeated  # type: ignore[arg-type]


async def test_its_retries_are_declared_and_it_is_never_cached() -> None:
    decorated = store_task("write")(step.fn)
    assert (decorated.retries, decorated.retry_condition_fn) == (3, store_is_away)
    assert decorated.cache_policy.compute_key(None, {}, {}) is None  # type: ignore[arg-type]
