"""Vercel: credentials, able to build a ready client."""

import httpx
from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr

from blocks.logos import logo_url
from watchkeeper.tls import tls_context


class VercelCredentials(Block):
    """A Vercel access token and the address of its REST API.

    Example:
        ```python
        from blocks.vercel import VercelCredentials

        credentials = VercelCredentials.load("BLOCK_NAME")
        client = credentials.get_client()
        ```
    """

    _block_type_name = "Vercel (Watchkeeper)"
    _block_type_slug = "watchkeeper-vercel"
    _description = "A Vercel access token and the address of its REST API."
    _documentation_url = HttpUrl("https://vercel.com/docs/rest-api")
    _logo_url = logo_url("vercel")

    token: SecretStr = Field(default=..., description="An access token whose scope holds the project's team.")
    base_url: str = Field(default="https://api.vercel.com", description="Address of the REST API.")

    def get_client(self) -> httpx.AsyncClient:
        """An HTTP client that is authorised and knows the API's address."""
        headers = {"Authorization": f"Bearer {self.token.get_secret_value()}"}
        return httpx.AsyncClient(base_url=self.base_url.rstrip("/"), headers=headers, verify=tls_context())
