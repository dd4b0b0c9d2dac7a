"""What the page is compared to: the same text sent by a plain Prefect flow, as one would write it without Watchkeeper."""

import httpx
from prefect import flow

from watchkeeper.settings import Settings


@flow(name="page", log_prints=False)
async def page(phone: str, text: str) -> str:
    """Send one text through Twilio; its number there."""
    twilio = Settings().twilio
    if twilio is None:
        raise LookupError("Twilio is not configured")
    auth = httpx.BasicAuth(twilio.account_sid, twilio.auth_token.get_secret_value())
    form = {"To": phone, "From": twilio.from_number, "Body": text}
    async with httpx.AsyncClient(base_url=twilio.base_url, auth=auth) as client:
        answer = await client.post(f"/2010-04-01/Accounts/{twilio.account_sid}/Messages.json", data=form)
    return str(answer.raise_for_status().json()["sid"])
