"""Railway: what a service uses, and what it may.

Source:
    https://docs.railway.com/integrations/api
"""

from collections.abc import Sequence
from datetime import datetime
from statistics import median
from typing import Any

from blocks.railway import RailwayCredentials
from tasks.railway import WRITE_LIMIT_SECONDS, mutate, read_data
from tasks.shapes import action_task
from tasks.vendor_http import Ask, rejected
from watchkeeper.diagnosis.processors import FULL_SHARE
from watchkeeper.policy.services import RailwayTarget

METRICS = """
query ($startDate: DateTime!, $measurements: [MetricMeasurement!]!, $environmentId: String, $serviceId: String) {
  metrics(
    startDate: $startDate, measurements: $measurements, environmentId: $environmentId, serviceId: $serviceId
  ) { measurement values { ts value } }
}
"""
# Both answer with an opaque scalar, so nothing is selected of it.
LIMITS = """
query ($environmentId: String!, $serviceId: String!) {
  serviceInstanceLimits(environmentId: $environmentId, serviceId: $serviceId)
}
"""
UPDATE_LIMITS = """
mutation ($input: ServiceInstanceLimitsUpdateInput!) { serviceInstanceLimitsUpdate(input: $input) }
"""
MEASUREMENTS = ("CPU_USAGE", "CPU_LIMIT", "MEMORY_USAGE_GB", "MEMORY_LIMIT_GB", "DISK_USAGE_GB")
BYTES_PER_GB = 1_000_000_000
LATELY_SECONDS = 300


async def read_usage(
    credentials: RailwayCredentials, target: RailwayTarget, *, since: datetime
) -> dict[str, float | None]:
    """What the service used since then, and what it may.

    Returns:
        memory_gb, cpu and disk_gb, its volume's (the newest), memory_peak_gb and cpu_peak, cpu_lately (the median of the
        newest minutes: whatever is started takes all for a moment), memory_limit_gb and cpu_limit (the newest); in
        GB and virtual CPUs, and None where Railway has no value; and memory_falls: how often it fell to less than
        half of what it was, from where it was close to the limit, as it does when a container is killed for it.

    Raises:
        VendorUnavailable, VendorRejected: as in `tasks.vendor_http`.
    """
    ask = Ask("railway", "read_usage")
    where = {"environmentId": target.environment_id, "serviceId": target.service_id}
    wanted = {"startDate": since.isoformat(), "measurements": list(MEASUREMENTS), **where}
    told = await read_data(credentials, ask, METRICS, wanted)
    try:
        values: dict[str, list[float]] = {name: [] for name in MEASUREMENTS}
        memory: list[list[float]] = []
        busy: list[float] = []
        for series in told["metrics"]:
            # One series for each container, where there are several.
            samples = sorted(series["values"], key=lambda each: each["ts"])
            points = [float(sample["value"]) for sample in samples]
            values.setdefault(str(series["measurement"]), []).extend(points)
            if series["measurement"] == "MEMORY_USAGE_GB":
                memory.append(points)
            if series["measurement"] == "CPU_USAGE":
                busy += [float(s["value"]) for s in samples if s["ts"] > samples[-1]["ts"] - LATELY_SECONDS]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise rejected(ask, "an answer of an unknown shape") from None
    newest = {name: found[-1] if found else None for name, found in values.items()}
    return {
        "memory_gb": newest["MEMORY_USAGE_GB"],
        "memory_peak_gb": max(values["MEMORY_USAGE_GB"], default=None),
        "memory_limit_gb": newest["MEMORY_LIMIT_GB"],
        "memory_falls": float(sum(falls(points, values["MEMORY_LIMIT_GB"]) for points in memory)),
        "cpu": newest["CPU_USAGE"],
        "cpu_peak": max(values["CPU_USAGE"], default=None),
        "cpu_lately": median(busy) if busy else None,
        "cpu_limit": newest["CPU_LIMIT"],
        "disk_gb": newest["DISK_USAGE_GB"],
    }


def falls(points: Sequence[float], limits: Sequence[float]) -> int:
    """How often memory fell to less than half from where it was close to the lowest limit of the time."""
    full = FULL_SHARE * min(limits, default=float("inf"))
    count, high = 0, 0.0
    for value in points:
        if high >= full and value < high / 2:
            count, high = count + 1, 0.0
        high = max(high, value)
    return count


async def read_limits(credentials: RailwayCredentials, target: RailwayTarget) -> dict[str, float | None]:
    """The service's limits as they are set: memory_gb and cpu; None where the answer names none.

    Raises:
        VendorUnavailable, VendorRejected: as in `tasks.vendor_http`.
    """
    ask = Ask("railway", "read_limits")
    where = {"environmentId": target.environment_id, "serviceId": target.service_id}
    told = (await read_data(credentials, ask, LIMITS, where)).get("serviceInstanceLimits")
    if not isinstance(told, dict):
        raise rejected(ask, "an answer of an unknown shape")
    return limits_of(told)


def limits_of(scalar: dict[str, Any]) -> dict[str, float | None]:
    """Railway describes this scalar nowhere; it has been seen with bytes below "containers", and with GB."""
    containers = scalar.get("containers")
    inner = containers if isinstance(containers, dict) else scalar
    memory = _number(inner.get("memoryGB"))
    in_bytes = _number(inner.get("memoryBytes"))
    if memory is None and in_bytes is not None:
        memory = in_bytes / BYTES_PER_GB
    cpu = _number(inner.get("cpu"))
    return {"memory_gb": memory, "cpu": cpu if cpu is not None else _number(inner.get("vCPUs"))}


def _number(told: Any) -> float | None:
    return float(told) if isinstance(told, int | float) and not isinstance(told, bool) and told > 0 else None


@action_task("update_limits", "railway", limit_seconds=WRITE_LIMIT_SECONDS + 5)  # type: ignore[untyped-decorator]
async def update_limits(
    credentials: RailwayCredentials, target: RailwayTarget, *, memory_gb: float | None, cpu: float | None
) -> None:
    """Set the service's limits. Both are given, as they are or are to be: what is left out may fall back to the plan's.

    It is not documented whether a running container gets them: start another.

    Raises:
        VendorRejected: Railway refused.
        VendorUnavailable: it may have happened; look before asking again.
    """
    named = {"memoryGB": memory_gb, "vCPUs": cpu}
    limits: dict[str, Any] = {
        "environmentId": target.environment_id,
        "serviceId": target.service_id,
        **{name: value for name, value in named.items() if value is not None},
    }
    await mutate(
        credentials, "update_limits", UPDATE_LIMITS, "serviceInstanceLimitsUpdate", {"input": limits}
    )
