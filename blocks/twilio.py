"""Twilio: credentials, able to build a ready client."""

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr
from twilio.rest import Client

from blocks.logos import logo_url
from watchkeeper.channels.sms import twilio_client


class TwilioCredentials(Block):
    """A Twilio account that sends text messages and calls.

    Example:
        ```python
        from blocks.twilio import TwilioCredentials

        credentials = TwilioCredentials.load("BLOCK_NAME")
        client = credentials.get_client()
        ```
    """

    _block_type_name = "Twilio (Watchkeeper)"
    _block_type_slug = "watchkeeper-twilio"
    _description = "A Twilio account that sends text messages and calls."
    _documentation_url = HttpUrl("https://www.twilio.com/docs/iam/credentials/api")
    _logo_url = logo_url("twilio")

    account_sid: str = Field(default=..., description="Account SID, starting with AC.")
    auth_token: SecretStr = Field(default=..., description="Auth token, which also signs Twilio's callbacks.")
    from_number: str = Field(default=..., description="A number of the account in E.164.")
    base_url: str = Field(default="https://api.twilio.com", description="Address of the API.")

    def get_client(self) -> Client:
        """Twilio's own client over an HTTP client with a time limit and without retries."""
        return twilio_client(
            account_sid=self.account_sid,
            auth_token=self.auth_token.get_secret_value(),
            base_url=self.base_url,
        )
