"""Upstash: credentials, able to build a ready client."""

import httpx
from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr

from blocks.logos import logo_url
from watchkeeper.tls import tls_context


class UpstashCredentials(Block):
    """An Upstash account's developer API: what the database is allowed, and what it has used.

    Example:
        ```python
        from blocks.upstash import UpstashCredentials

        credentials = UpstashCredentials.load("BLOCK_NAME")
        client = credentials.get_client()
        ```
    """

    _block_type_name = "Upstash (Watchkeeper)"
    _block_type_slug = "watchkeeper-upstash"
    _description = "An Upstash account's developer API: what the database is allowed, and what it has used."
    _documentation_url = HttpUrl("https://upstash.com/docs/devops/developer-api/introduction")
    _logo_url = logo_url("upstash")

    email: str = Field(default=..., description="The account's email address.")
    api_key: SecretStr = Field(default=..., description="An API key of the account; a read-only one will do.")
    base_url: str = Field(default="https://api.upstash.com/v2", description="Address of the developer API.")

    def get_client(self) -> httpx.AsyncClient:
        """An HTTP client that is authorised by basic authentication."""
        return httpx.AsyncClient(auth=(self.email, self.api_key.get_secret_value()), verify=tls_context())
