"""Railway: what a service uses, and what it may."""

from datetime import timedelta
from typing import Any

import pytest

from tasks.railway_looks import railway_metrics
from tasks.railway_usage import limits_of, read_limits, update_limits
from tests.tasks.conftest import Answer, Wire, says
from tests.tasks.test_railway import NOW, TARGET, credentials
from watchkeeper.errors import VendorRejected
from watchkeeper.model import Check, CheckStatus


def measured(memory: list[float], limit: float = 0.15, cpu: float = 0.2, **more: list[float]) -> Answer:
    """What Railway measured, one value a second; told in no order."""
    usage = {"MEMORY_USAGE_GB": memory, "MEMORY_LIMIT_GB": [limit], "CPU_USAGE": [cpu], "CPU_LIMIT": [1.0]}
    series = usage | more
    return says(
        {
            "data": {
                "metrics": [
                    {
                        "measurement": name,
                        "values": [{"ts": t, "value": v} for t, v in enumerate(values)][::-1],
                    }
                    for name, values in series.items()
                ]
            }
        }
    )


async def usage(wire: Wire, answer: Answer) -> Check:
    wire.answers(answer)
    return await railway_metrics(credentials(wire), TARGET, now=NOW, recent=timedelta(hours=1))


async def test_asks_for_the_last_hours_memory_and_processors(wire: Wire) -> None:
    await usage(wire, measured([0.06]))

    [asked] = wire.asked
    assert asked.json["variables"] == {
        "startDate": "2026-03-02T02:00:00+00:00",
        "measurements": ["CPU_USAGE", "CPU_LIMIT", "MEMORY_USAGE_GB", "MEMORY_LIMIT_GB", "DISK_USAGE_GB"],
        "environmentId": "e1",
        "serviceId": "s1",
    }


async def test_memory_is_well_below_nine_tenths_of_its_limit(wire: Wire) -> None:
    check = await usage(wire, measured([0.06, 0.13, 0.07]))

    assert check.status is CheckStatus.OK
    assert (check.facts["memory_gb"], check.facts["memory_peak_gb"]) == (0.07, 0.13)
    assert check.facts["memory_falls"] == 0
    assert "memory 0.07 GB now, 0.13 GB at most, limit 0.15 GB" in check.summary


async def test_memory_that_falls_from_its_limit_again_and_again_was_killed_for_it(wire: Wire) -> None:
    check = await usage(wire, measured([0.06, 0.15, 0.05, 0.1, 0.145, 0.06, 0.1]))

    assert check.status is CheckStatus.BAD
    assert (check.facts["memory_share"], check.facts["memory_falls"]) == (1.0, 2)


@pytest.mark.parametrize(
    ("samples", "share"),
    [
        # A process that was just started takes all for a moment; so did what was busy before the last minutes.
        ([0.95, 0.9, *[0.02] * 8], 0.02),
        ([*[1.0] * 400, *[0.1] * 300], 0.1),
        ([*[0.1] * 200, *[0.97] * 301], 0.97),
    ],
)
async def test_processors_are_used_up_where_they_were_most_of_the_last_minutes(
    wire: Wire, samples: list[float], share: float
) -> None:
    check = await usage(wire, measured([0.06], CPU_USAGE=samples))

    assert check.facts["cpu_share"] == share
    assert check.facts["cpu_peak"] == max(samples)


async def test_says_unknown_of_what_railway_has_no_value_for(wire: Wire) -> None:
    check = await usage(wire, says({"data": {"metrics": []}}))

    assert check.status is CheckStatus.OK
    assert check.facts["memory_share"] is None
    assert "memory unknown now" in check.summary


@pytest.mark.parametrize(
    ("scalar", "memory_gb", "cpu"),
    [
        ({"containers": {"cpu": 2, "memoryBytes": 8_000_000_000}}, 8, 2),
        ({"memoryGB": 0.5, "vCPUs": 1.5}, 0.5, 1.5),
        ({"containers": None, "memoryBytes": 150_000_000}, 0.15, None),
        ({"memoryGB": "much", "vCPUs": True}, None, None),
        ({"memoryGB": 0}, None, None),
        ({}, None, None),
    ],
)
def test_reads_limits_in_every_shape_that_was_seen(
    scalar: dict[str, Any], memory_gb: float | None, cpu: float | None
) -> None:
    assert limits_of(scalar) == {"memory_gb": memory_gb, "cpu": cpu}


async def test_limits_that_are_no_object_are_not_guessed(wire: Wire) -> None:
    wire.answers(says({"data": {"serviceInstanceLimits": "8 GB"}}))

    with pytest.raises(VendorRejected, match="unknown shape"):
        await read_limits(credentials(wire), TARGET)


@pytest.mark.parametrize(("cpu", "more"), [(2.0, {"vCPUs": 2.0}), (None, {})])
async def test_sets_both_limits_as_far_as_they_are_known(
    wire: Wire, cpu: float | None, more: dict[str, float]
) -> None:
    wire.answers(says({"data": {"serviceInstanceLimitsUpdate": True}}))

    await update_limits.fn(credentials(wire), TARGET, memory_gb=0.3, cpu=cpu)

    limits = {"environmentId": "e1", "serviceId": "s1", "memoryGB": 0.3, **more}
    assert wire.asked[0].json["variables"] == {"input": limits}
