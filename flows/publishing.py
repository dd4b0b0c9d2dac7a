"""Publishing a post-mortem: by a form in the Prefect UI, and by the command line, which needs no Prefect."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from prefect import flow
from pydantic import Field

from flows.bench import open_bench
from flows.shelf import shelf_of
from watchkeeper.clock import utc_now
from watchkeeper.commands import HomeOption
from watchkeeper.errors import BadInput
from watchkeeper.home import read_settings
from watchkeeper.incidents import read_incident
from watchkeeper.model import incident_id_of
from watchkeeper.paging.desk import desk_of
from watchkeeper.reviews.publishing import document_to_publish, examine_document
from watchkeeper.reviews.publishing import publish as publish_document
from watchkeeper.settings import Settings
from watchkeeper.store import open_store


@flow(name="publish-post-mortem", flow_run_name="{number} publish post-mortem")
async def publish_post_mortem(
    number: Annotated[str, Field(pattern="^([Ii][Nn][Cc]-)?[0-9]+$")],
    published_by: Annotated[str, Field(min_length=1, max_length=100)],
    document: str | None = None,
) -> str:
    """Share an incident's post-mortem with the team: in its folder, or as a pull request.

    Args:
        number: The incident's, such as INC-0007.
        published_by: Who publishes it.
        document: The whole document, if it was edited elsewhere; left out, the draft's file is taken.

    Returns:
        Where it is read, and under it, as advice, each line that blames somebody.
    """
    async with open_bench() as bench:
        incident = await bench.incident(incident_id_of(number))
        text = document or await document_to_publish(bench.store, incident, None)
        shelf, desk = shelf_of(bench.settings), bench.desk(incident)
        now = bench.now()
        where = await publish_document(bench.store, desk, shelf, incident, text, person=published_by, now=now)
        return "\n".join([where, *map(str, examine_document(text, incident, now=now).advice)])


def publish(
    number: Annotated[str, Parameter(help="The incident's, such as INC-0007.")],
    *,
    by: Annotated[str, Parameter(help="Who publishes it.")],
    file: Annotated[Path | None, Parameter(help="The edited document [the draft's file].")] = None,
    check: Annotated[bool, Parameter(help="Only say what is missing.")] = False,
    home: HomeOption = None,
) -> None:
    """Share an incident's post-mortem with the team: in its folder, or as a pull request."""
    settings = read_settings(home, of_running=True)
    print(asyncio.run(_publish(settings, incident_id_of(number), by, file, check=check)))


async def _publish(settings: Settings, incident_id: int, by: str, file: Path | None, *, check: bool) -> str:
    async with open_store(settings.store_url()) as store:
        incident = await read_incident(store, incident_id)
        text = await document_to_publish(store, incident, file)
        examined = examine_document(text, incident, now=utc_now())
        for line in examined.advice:
            print(f"advice, {line}", file=sys.stderr)
        if check:
            if examined.problems:
                raise BadInput("\n".join(map(str, examined.problems)))
            return (
                f"the post-mortem of {incident.number} is ready, with {len(examined.promises)} action items"
            )
        desk = desk_of(incident, settings.public_url)
        where = await publish_document(
            store, desk, shelf_of(settings), incident, text, person=by, now=utc_now()
        )
        return f"the post-mortem of {incident.number} is published: {where}"
