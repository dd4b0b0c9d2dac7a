"""SendGrid: credentials, able to build a ready client."""

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr
from sendgrid import SendGridAPIClient

from blocks.logos import logo_url
from watchkeeper.channels.email import sendgrid_client


class SendGridCredentials(Block):
    """A SendGrid key that may send email.

    Example:
        ```python
        from blocks.sendgrid import SendGridCredentials

        credentials = SendGridCredentials.load("BLOCK_NAME")
        client = credentials.get_client()
        ```
    """

    _block_type_name = "SendGrid (Watchkeeper)"
    _block_type_slug = "watchkeeper-sendgrid"
    _description = "A SendGrid key that may send email."
    _documentation_url = HttpUrl("https://www.twilio.com/docs/sendgrid/ui/account-and-settings/api-keys")
    _logo_url = logo_url("sendgrid")

    api_key: SecretStr = Field(default=..., description="An API key with the permission to send mail.")
    from_address: str = Field(default=..., description="A verified sender's address.")
    base_url: str = Field(
        default="https://api.sendgrid.com", description="Address of the API, of the account's region."
    )

    def get_client(self) -> SendGridAPIClient:
        """SendGrid's own client, with a time limit."""
        return sendgrid_client(api_key=self.api_key.get_secret_value(), base_url=self.base_url)
