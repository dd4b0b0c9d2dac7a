"""Stripe: credentials, able to build a ready client."""

import httpx
from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr

from blocks.logos import logo_url
from watchkeeper.tls import tls_context

# The answers' shapes are those of one version; an account's own default may change under us.
API_VERSION = "2026-10-28.endive"


class StripeCredentials(Block):
    """A restricted Stripe key that may read events and read and write webhook endpoints.

    Example:
        ```python
        from blocks.stripe import StripeCredentials

        credentials = StripeCredentials.load("BLOCK_NAME")
        client = credentials.get_client()
        ```
    """

    _block_type_name = "Stripe (Watchkeeper)"
    _block_type_slug = "watchkeeper-stripe"
    _description = "A restricted Stripe key that may read events and read and write webhook endpoints."
    _documentation_url = HttpUrl("https://docs.stripe.com/keys/restricted-api-keys")
    _logo_url = logo_url("stripe")

    api_key: SecretStr = Field(
        default=..., description="A restricted key: Events read, Webhook Endpoints write."
    )
    base_url: str = Field(default="https://api.stripe.com", description="Address of the API.")
    resend_events: bool = Field(
        default=False,
        description="Whether events may be sent again, through an address of Stripe's that is not documented.",
    )

    def get_client(self) -> httpx.AsyncClient:
        """An HTTP client that is authorised and speaks one version of the API."""
        headers = {
            "Authorization": f"Bearer {self.api_key.get_secret_value()}",
            "Stripe-Version": API_VERSION,
        }
        return httpx.AsyncClient(headers=headers, base_url=self.base_url.rstrip("/"), verify=tls_context())
