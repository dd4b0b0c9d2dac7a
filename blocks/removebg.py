"""Remove.bg: credentials, able to build a ready client."""

import httpx
from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr

from blocks.logos import logo_url
from watchkeeper.tls import tls_context


class RemoveBgCredentials(Block):
    """A Remove.bg API key and the address of the API.

    Example:
        ```python
        from blocks.removebg import RemoveBgCredentials

        credentials = RemoveBgCredentials.load("BLOCK_NAME")
        client = credentials.get_client()
        ```
    """

    _block_type_name = "Remove.bg (Watchkeeper)"
    _block_type_slug = "watchkeeper-removebg"
    _description = "A Remove.bg API key and the address of the API."
    _documentation_url = HttpUrl("https://www.remove.bg/api")
    _logo_url = logo_url("removebg")

    api_key: SecretStr = Field(default=..., description="An API key; it is only used to read the account.")
    base_url: str = Field(default="https://api.remove.bg/v1.0", description="Address of the API.")

    def get_client(self) -> httpx.AsyncClient:
        """An HTTP client that is authorised."""
        headers = {"X-API-Key": self.api_key.get_secret_value()}
        return httpx.AsyncClient(headers=headers, verify=tls_context())
