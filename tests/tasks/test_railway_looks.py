"""Railway, looked at beyond the backend: what the worker uses, and what a volume holds."""

from datetime import timedelta

from tasks.railway_looks import railway_metrics
from tests.tasks.conftest import Wire
from tests.tasks.test_railway import NOW
from tests.tasks.test_railway_usage import measured, usage


async def test_shows_what_a_volume_holds_where_there_is_one(wire: Wire) -> None:
    with_one = await usage(wire, measured([0.06], DISK_USAGE_GB=[1.1, 1.25]))
    without = await usage(wire, measured([0.06]))

    assert with_one.summary.endswith("; disk 1.25 GB now")
    assert "disk" not in without.summary


async def test_the_workers_metrics_go_by_their_own_name_and_say_what_to_set() -> None:
    named = {"name": "worker_metrics", "setting": "services.worker.railway"}

    check = await railway_metrics(None, None, now=NOW, recent=timedelta(hours=1), **named)

    assert check.name == "worker_metrics"
    assert "services.worker.railway" in check.summary
