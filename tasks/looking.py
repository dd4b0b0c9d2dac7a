"""Turning a reading into a Check, so that a look that fails is a finding and never a crash."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from watchkeeper.clock import utc_now
from watchkeeper.errors import NotConfigured, VendorError
from watchkeeper.model import Check, CheckStatus

# All of a look, its repetitions too. Shorter than the limit of the task around it (`tasks.shapes`), which would
# end the task and not the look, and so leave no finding.
LIMIT_SECONDS = 12.0


class Seen(NamedTuple):
    """What a look gave."""

    ok: bool
    summary: str
    facts: dict[str, Any]
    output: str = ""


async def look(name: str, system: str, command: str, read: Callable[[], Awaitable[Seen]]) -> Check:
    """Read once and say what it gave: good, bad, unknown (with why), or not configured."""
    started_at, began = utc_now(), time.monotonic()
    facts: dict[str, Any] = {}
    output = ""
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            seen = await read()
    except NotConfigured as error:
        status, summary = CheckStatus.NOT_CONFIGURED, str(error)
    except (VendorError, TimeoutError) as error:
        status, summary = CheckStatus.UNKNOWN, str(error) or "no answer within the time limit"
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        # The vendor's answer was JSON of another shape than its documents say.
        status, summary = CheckStatus.UNKNOWN, f"an answer of an unknown shape ({type(error).__name__})"
    else:
        status = CheckStatus.OK if seen.ok else CheckStatus.BAD
        summary, facts, output = seen.summary, seen.facts, seen.output
    return Check(
        name=name,
        system=system,
        status=status,
        summary=storable(summary),
        command=command,
        output=storable(output or summary),
        facts=storable(facts),
        observed_at=started_at,
        seconds=round(time.monotonic() - began, 3),
    )


def storable(told: Any) -> Any:
    """The same without what Postgres refuses in JSON: NUL, and surrogates without their other half.

    Strangers' words get in here: a commit's message, an error's title, whatever a broken backend prints.
    """
    if isinstance(told, str):
        return told.replace("\0", "\ufffd").encode(errors="replace").decode()
    if isinstance(told, dict):
        return {storable(key): storable(value) for key, value in told.items()}
    if isinstance(told, list | tuple):
        return [storable(each) for each in told]
    return told
