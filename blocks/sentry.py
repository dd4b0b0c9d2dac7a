"""Sentry: credentials, able to build a ready client."""

import httpx
from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr

from blocks.logos import logo_url
from watchkeeper.tls import tls_context


class SentryCredentials(Block):
    """A Sentry organization and a token that may read its issues and events.

    Example:
        ```python
        from blocks.sentry import SentryCredentials

        credentials = SentryCredentials.load("BLOCK_NAME")
        client = credentials.get_client()
        ```
    """

    _block_type_name = "Sentry (Watchkeeper)"
    _block_type_slug = "watchkeeper-sentry"
    _description = "A Sentry organization and a token that may read its issues and events."
    _documentation_url = HttpUrl("https://docs.sentry.io/api/auth/")
    _logo_url = logo_url("sentry")

    token: SecretStr = Field(
        default=..., description="An auth token with the scopes event:read and project:read."
    )
    organization: str = Field(default=..., description="Slug of the organization.")
    base_url: str = Field(
        default="https://sentry.io/api/0",
        description="Address of the REST API, of the organization's region.",
    )

    def get_client(self) -> httpx.AsyncClient:
        """An HTTP client that is authorised."""
        headers = {"Authorization": f"Bearer {self.token.get_secret_value()}"}
        return httpx.AsyncClient(headers=headers, verify=tls_context())
