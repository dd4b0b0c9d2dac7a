"""UptimeRobot's monitors, over its version 2 API.

Source:
    https://uptimerobot.com/api/legacy/
"""

from blocks.uptimerobot import UptimeRobotCredentials
from tasks.looking import Seen, look
from tasks.shapes import look_task
from tasks.vendor_http import Ask, read_json, rejected
from watchkeeper.errors import NotConfigured
from watchkeeper.model import Check

# 8 "seems down" and 9 "down"; 0 is paused and 1 not checked yet, which prove nothing.
DOWN, UP = (8, 9), 2


async def uptimerobot_monitors(credentials: UptimeRobotCredentials | None) -> Check:
    """Which monitors are down and which are up."""
    ask = Ask("uptimerobot", "read_monitors")

    async def read() -> Seen:
        if credentials is None:
            raise NotConfigured("UptimeRobot", setting="WATCHKEEPER_UPTIMEROBOT__API_KEY")
        form = {"api_key": credentials.api_key.get_secret_value(), "format": "json"}
        url = f"{credentials.base_url.rstrip('/')}/getMonitors"
        async with credentials.get_client() as client:
            told = await read_json(client, ask, "POST", url, data=form)
        if told["stat"] != "ok":  # refusals come with status 200
            raise rejected(ask, str(told.get("error", {}).get("type", "refused"))[:80])
        down = [str(m["friendly_name"]) for m in told["monitors"] if m["status"] in DOWN]
        up = [str(m["friendly_name"]) for m in told["monitors"] if m["status"] == UP]
        words = f"down: {', '.join(down)}" if down else f"{len(up)} monitors up"
        return Seen(not down, words, {"down": down, "up": up})

    return await look("uptimerobot_monitors", "uptimerobot", "UptimeRobot: getMonitors", read)


check_uptimerobot_monitors = look_task("check_uptimerobot_monitors", "uptimerobot")(uptimerobot_monitors)
