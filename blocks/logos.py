"""Where the Prefect UI finds a block's picture: the intake serves them, so that no page loads from elsewhere."""

from pydantic import HttpUrl

LOGOS = "http://127.0.0.1:8787/logos"


def logo_url(name: str) -> HttpUrl:
    """The address of a shipped logo, under the intake's default address."""
    return HttpUrl(f"{LOGOS}/{name}.png")
