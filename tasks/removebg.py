"""Remove.bg: whether it answers, and how many credits are left.

The balance lags by seconds and is not to be polled often, so it is looked at in an investigation and not swept.

Source:
    https://www.remove.bg/api
"""

from blocks.removebg import RemoveBgCredentials
from tasks.looking import Seen, look
from tasks.shapes import look_task
from tasks.vendor_http import Ask, read_json
from watchkeeper.errors import NotConfigured
from watchkeeper.model import Check


async def removebg_account(credentials: RemoveBgCredentials | None) -> Check:
    """The account's balance; without credits every picture is refused with 402."""

    async def read() -> Seen:
        if credentials is None:
            raise NotConfigured("Remove.bg", setting="WATCHKEEPER_REMOVEBG__API_KEY")
        url = f"{credentials.base_url.rstrip('/')}/account"
        async with credentials.get_client() as client:
            told = await read_json(client, Ask("removebg", "read_account"), "GET", url)
        attributes = told["data"]["attributes"]
        left = float(attributes["credits"]["total"])
        free = int(attributes["api"]["free_calls"])
        facts = {"credits": left, "free_calls": free}
        return Seen(left > 0 or free > 0, f"{left:g} credits and {free} free calls left", facts)

    return await look("removebg_account", "removebg", "curl https://api.remove.bg/v1.0/account", read)


check_removebg_account = look_task("check_removebg_account", "removebg")(removebg_account)
