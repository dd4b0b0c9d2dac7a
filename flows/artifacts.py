"""Artifacts: what a person reads in the Prefect UI, under keys that start with the incident's number."""

from base64 import b64encode
from collections.abc import Mapping

from prefect.artifacts import acreate_markdown_artifact

from watchkeeper.model import Incident


async def publish(incident: Incident, name: str, markdown: str, description: str) -> None:
    """Create or add a version of an artifact such as "inc-0007-findings"."""
    key = f"{incident.number.lower()}-{name}"
    await acreate_markdown_artifact(markdown=markdown, key=key, description=description)


def within(svg: str) -> str:
    """The picture itself as an address: an artifact has no files beside it."""
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"


def with_pictures_within(markdown: str, pictures: Mapping[str, str]) -> str:
    """A document that shows pictures by the names of files, with the pictures themselves in it."""
    for name, svg in pictures.items():
        markdown = markdown.replace(f"]({name})", f"]({within(svg)})")
    return markdown
