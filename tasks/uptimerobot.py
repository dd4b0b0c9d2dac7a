"""UptimeRobot's monitors, over its version 2 API.

Source:
    https://uptimerobot.com/api/legacy/
"""

from collections.abc import Sequence

from blocks.uptimerobot import UptimeRobotCredentials
from tasks.looking import Seen, look
from tasks.shapes import look_task
from tasks.vendor_http import Ask, read_json, rejected
from watchkeeper.errors import NotConfigured
from watchkeeper.model import Check

# 8 "seems down" and 9 "down"; 0 is paused and 1 not checked yet, which prove nothing.
DOWN, UP = (8, 9), 2


async def uptimerobot_monitors(credentials: UptimeRobotCredentials | None, named: Sequence[str]) -> Check:
    """Which of the monitors that services are watched by are down and which are up.

    Args:
        named: those monitors' names. What else the account watches is told, and speaks for no service.
    """
    ask = Ask("uptimerobot", "read_monitors")

    async def read() -> Seen:
        if credentials is None:
            raise NotConfigured("UptimeRobot", setting="WATCHKEEPER_UPTIMEROBOT__API_KEY")
        monitors = await read_monitors(credentials, ask)
        down = [name for name, status in monitors if status in DOWN]
        ours, others = [m for m in down if m in named], [m for m in down if m not in named]
        up = [name for name, status in monitors if status == UP]
        words = f"down: {', '.join(ours)}" if ours else f"{len(up)} monitors up"
        if others:
            words += f"; of no service and down: {', '.join(others)}"
        return Seen(not ours, words, {"down": ours, "up": up, "others_down": others})

    return await look("uptimerobot_monitors", "uptimerobot", "UptimeRobot: getMonitors", read)


async def read_monitors(credentials: UptimeRobotCredentials, ask: Ask) -> list[tuple[str, int]]:
    """Every monitor's name and status; UptimeRobot answers at most fifty at once."""
    url = f"{credentials.base_url.rstrip('/')}/getMonitors"
    form = {"api_key": credentials.api_key.get_secret_value(), "format": "json"}
    found: list[tuple[str, int]] = []
    async with credentials.get_client() as client:
        while True:
            told = await read_json(client, ask, "POST", url, data={**form, "offset": str(len(found))})
            if told["stat"] != "ok":  # refusals come with status 200
                raise rejected(ask, str(told.get("error", {}).get("type", "refused"))[:80])
            page = [(str(m["friendly_name"]), int(m["status"])) for m in told["monitors"]]
            found += page
            if not page or len(found) >= int(told.get("pagination", {}).get("total", 0)):
                return found


check_uptimerobot_monitors = look_task("check_uptimerobot_monitors", "uptimerobot")(uptimerobot_monitors)
