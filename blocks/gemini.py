"""Gemini: credentials, able to build a ready client."""

import httpx
from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr

from blocks.logos import logo_url
from watchkeeper.tls import tls_context


class GeminiCredentials(Block):
    """A Gemini API key and the address of the API.

    Example:
        ```python
        from blocks.gemini import GeminiCredentials

        credentials = GeminiCredentials.load("BLOCK_NAME")
        client = credentials.get_client()
        ```
    """

    _block_type_name = "Gemini (Watchkeeper)"
    _block_type_slug = "watchkeeper-gemini"
    _description = "A Gemini API key and the address of the API."
    _documentation_url = HttpUrl("https://ai.google.dev/api/models")
    _logo_url = logo_url("gemini")

    api_key: SecretStr = Field(default=..., description="An API key; it is only used to list models.")
    base_url: str = Field(
        default="https://generativelanguage.googleapis.com", description="Address of the API."
    )

    def get_client(self) -> httpx.AsyncClient:
        """An HTTP client that is authorised by a header, so that no address holds the key."""
        headers = {"x-goog-api-key": self.api_key.get_secret_value()}
        return httpx.AsyncClient(headers=headers, verify=tls_context())
