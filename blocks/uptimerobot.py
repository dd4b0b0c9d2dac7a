"""UptimeRobot: credentials, able to build a ready client."""

import httpx
from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr

from blocks.logos import logo_url
from watchkeeper.tls import tls_context


class UptimeRobotCredentials(Block):
    """An UptimeRobot API key and the address of its version 2 API.

    Example:
        ```python
        from blocks.uptimerobot import UptimeRobotCredentials

        credentials = UptimeRobotCredentials.load("BLOCK_NAME")
        client = credentials.get_client()
        ```
    """

    _block_type_name = "UptimeRobot (Watchkeeper)"
    _block_type_slug = "watchkeeper-uptimerobot"
    _description = "An UptimeRobot API key and the address of its version 2 API."
    _documentation_url = HttpUrl("https://uptimerobot.com/api/legacy/")
    _logo_url = logo_url("uptimerobot")

    api_key: SecretStr = Field(default=..., description="The read-only API key; it is sent as a form field.")
    base_url: str = Field(default="https://api.uptimerobot.com/v2", description="Address of the API.")

    def get_client(self) -> httpx.AsyncClient:
        """An HTTP client; the key travels in each request's form, not in a header."""
        return httpx.AsyncClient(headers={"Accept": "application/json"}, verify=tls_context())
