"""How looks and actions become Prefect tasks."""

from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task, exponential_backoff

from watchkeeper.errors import StoreUnavailable

LOOK_LIMIT_SECONDS = 15


def look_task(name: str, vendor: str) -> Any:
    """The decorator of every look: named, never cached, bounded in time.

    Looks answer with a Check instead of failing, and repeat their own requests where that helps
    (`tasks.vendor_http`), so that a run shows one look and not its attempts.
    """
    return task(
        name=name,
        task_run_name=name,
        cache_policy=NO_CACHE,
        tags=[f"vendor:{vendor}"],
        timeout_seconds=LOOK_LIMIT_SECONDS,
    )


async def store_is_away(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Whether a step failed because the store could not be reached: nothing of it happened then."""
    try:
        await state.aresult()
    except StoreUnavailable:
        return True
    except Exception:  # noqa: BLE001  # whatever else it is, the flow deals with it
        return False
    return False


def store_task(name: str) -> Any:
    """The decorator of a step that only writes rows, in one transaction: all of it or nothing, so it may be repeated.

    A store that is away for a moment costs seconds, not the attempt: three more tries within about seven seconds.
    """
    return task(
        name=name,
        task_run_name=name,
        cache_policy=NO_CACHE,
        retries=3,
        retry_delay_seconds=exponential_backoff(backoff_factor=1),
        retry_jitter_factor=0.5,
        retry_condition_fn=store_is_away,
        tags=["store"],
    )


def action_task(name: str, vendor: str, *, limit_seconds: float) -> Any:
    """The decorator of every change to production: no retries, for nobody knows whether it happened."""
    return task(
        name=name,
        task_run_name=name,
        cache_policy=NO_CACHE,
        retries=0,
        tags=[f"vendor:{vendor}", "changes-production"],
        timeout_seconds=limit_seconds,
    )
