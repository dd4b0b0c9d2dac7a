"""What the figures were measured on."""

import os
import platform
from typing import Any

import psutil
from prefect import __version__ as prefect_version

from benchmarks.site import Site


async def describe(site: Site) -> dict[str, Any]:
    """The machine and the versions, with what makes a commit durable."""
    row = await site.query(
        "SELECT current_setting('server_version') AS version, current_setting('fsync') AS fsync,"
        " current_setting('synchronous_commit') AS synchronous_commit"
    )
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "prefect": prefect_version,
        "postgres": row["version"],
        "fsync": row["fsync"],
        "synchronous_commit": row["synchronous_commit"],
    }


def in_words(machine: dict[str, Any]) -> str:
    return (
        f"{machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']}; "
        f"Python {machine['python']}, Prefect {machine['prefect']}, PostgreSQL {machine['postgres']} "
        f"(fsync {machine['fsync']}, synchronous_commit {machine['synchronous_commit']})"
    )
