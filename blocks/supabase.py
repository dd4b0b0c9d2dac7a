"""Supabase: credentials, able to build a ready client."""

import httpx
from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr

from blocks.logos import logo_url
from watchkeeper.tls import tls_context


class SupabaseCredentials(Block):
    """A Supabase access token and the address of the management API.

    Example:
        ```python
        from blocks.supabase import SupabaseCredentials

        credentials = SupabaseCredentials.load("BLOCK_NAME")
        client = credentials.get_client()
        ```
    """

    _block_type_name = "Supabase (Watchkeeper)"
    _block_type_slug = "watchkeeper-supabase"
    _description = "A Supabase access token and the address of the management API."
    _documentation_url = HttpUrl("https://supabase.com/docs/reference/api/introduction")
    _logo_url = logo_url("supabase")

    token: SecretStr = Field(default=..., description="A personal access token; one that only reads will do.")
    base_url: str = Field(default="https://api.supabase.com", description="Address of the management API.")

    def get_client(self) -> httpx.AsyncClient:
        """An HTTP client that is authorised."""
        headers = {"Authorization": f"Bearer {self.token.get_secret_value()}"}
        return httpx.AsyncClient(headers=headers, verify=tls_context())
