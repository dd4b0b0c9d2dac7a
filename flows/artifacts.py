"""Artifacts: what a person reads in the Prefect UI, under keys that start with the incident's number."""

from prefect.artifacts import acreate_markdown_artifact

from watchkeeper.model import Incident


async def publish(incident: Incident, name: str, markdown: str, description: str) -> None:
    """Create or add a version of an artifact such as "inc-0007-findings"."""
    key = f"{incident.number.lower()}-{name}"
    await acreate_markdown_artifact(markdown=markdown, key=key, description=description)
