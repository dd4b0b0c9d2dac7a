"""GitHub: credentials, able to build a ready client."""

import httpx
from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr

from blocks.logos import logo_url
from watchkeeper.tls import tls_context


class GitHubCredentials(Block):
    """A GitHub token, the repository that production is built from, and the address of the REST API.

    Example:
        ```python
        from blocks.github import GitHubCredentials

        credentials = GitHubCredentials.load("BLOCK_NAME")
        client = credentials.get_client()
        ```
    """

    _block_type_name = "GitHub (Watchkeeper)"
    _block_type_slug = "watchkeeper-github"
    _description = "A GitHub token and the repository that production is built from."
    _documentation_url = HttpUrl("https://docs.github.com/en/rest/authentication")
    _logo_url = logo_url("github")

    token: SecretStr = Field(
        default=...,
        description="A fine-grained token of one repository: contents, issues and pull requests, read and write.",
    )
    repository: str = Field(default=..., description="The repository, as owner/name.")
    base_url: str = Field(default="https://api.github.com", description="Address of the REST API.")

    def get_client(self) -> httpx.AsyncClient:
        """An HTTP client that is authorised, for the version of the API that we know."""
        headers = {
            "Authorization": f"Bearer {self.token.get_secret_value()}",
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        return httpx.AsyncClient(headers=headers, verify=tls_context())
