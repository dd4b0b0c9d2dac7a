"""Slack: credentials, able to build a ready client."""

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr
from slack_sdk.web.async_client import AsyncWebClient

from blocks.logos import logo_url
from watchkeeper.channels.slack import slack_client


class SlackCredentials(Block):
    """A Slack bot that may post to the channel of incidents.

    Example:
        ```python
        from blocks.slack import SlackCredentials

        credentials = SlackCredentials.load("BLOCK_NAME")
        client = credentials.get_client()
        ```
    """

    _block_type_name = "Slack (Watchkeeper)"
    _block_type_slug = "watchkeeper-slack"
    _description = "A Slack bot that may post to the channel of incidents."
    _documentation_url = HttpUrl("https://docs.slack.dev/authentication/tokens")
    _logo_url = logo_url("slack")

    bot_token: SecretStr = Field(default=..., description="A bot token with the scope chat:write.")
    base_url: str = Field(default="https://slack.com/api/", description="Address of the Web API.")

    def get_client(self) -> AsyncWebClient:
        """Slack's own client, with a time limit and without retries."""
        return slack_client(bot_token=self.bot_token.get_secret_value(), base_url=self.base_url)
