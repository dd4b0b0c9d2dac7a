"""Railway: credentials, able to build a ready client."""

import httpx
from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr

from blocks.logos import logo_url
from watchkeeper.tls import tls_context


class RailwayCredentials(Block):
    """A Railway project token and the address of its GraphQL API.

    Example:
        ```python
        from blocks.railway import RailwayCredentials

        credentials = RailwayCredentials.load("BLOCK_NAME")
        client = credentials.get_client()
        ```
    """

    _block_type_name = "Railway (Watchkeeper)"
    _block_type_slug = "watchkeeper-railway"
    _description = "A Railway project token and the address of its GraphQL API."
    _documentation_url = HttpUrl("https://docs.railway.com/integrations/api")
    _logo_url = logo_url("railway")

    token: SecretStr = Field(default=..., description="A project token: one environment of one project.")
    base_url: str = Field(
        default="https://backboard.railway.com/graphql/v2", description="Address of the GraphQL API."
    )

    def get_client(self) -> httpx.AsyncClient:
        """An HTTP client that is authorised; a project token goes into a header of its own."""
        headers = {"Project-Access-Token": self.token.get_secret_value()}
        return httpx.AsyncClient(headers=headers, verify=tls_context())
