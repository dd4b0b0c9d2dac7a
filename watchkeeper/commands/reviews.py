"""The command line's part for reviews: require, move and waive a post-mortem, and note a complaint."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from watchkeeper.clock import utc_now
from watchkeeper.commands import HomeOption
from watchkeeper.documents.runbook import Runbook
from watchkeeper.errors import WatchkeeperError
from watchkeeper.home import read_settings
from watchkeeper.incidents import read_incident
from watchkeeper.model import Incident, Kind, incident_id_of
from watchkeeper.paging.desk import Desk, desk_of
from watchkeeper.rendering import utc
from watchkeeper.reviews.clock import move, waive
from watchkeeper.reviews.complaints import note_complaint
from watchkeeper.reviews.drafting import draft_into
from watchkeeper.reviews.items import (
    ActionItem,
    ItemState,
    close_item,
    day_of,
    move_item,
    open_action_items,
)
from watchkeeper.reviews.opening import require_by_hand
from watchkeeper.settings import Settings
from watchkeeper.store import Db, open_store

Number = Annotated[str, Parameter(help="The incident's, such as INC-0007.")]
By = Annotated[str, Parameter(help="Who says so.")]
Because = Annotated[str, Parameter(help="Why; it goes on the timeline.")]

Change = Callable[[Db, Desk, Incident], Awaitable[str]]

RUNBOOKS = "watchkeeper.runbooks"


def review_app() -> App:
    app = App(name="review", help="Post-mortems: require, move or waive one, and note complaints.")
    app.command(require_review, name="require")
    app.command(draft_review, name="draft")
    app.command(move_review, name="move")
    app.command(waive_review, name="waive")
    app.command(complaint)
    app.command(close_action_item, name="done")
    app.command(move_action_item, name="move-item")
    app.command(list_action_items, name="items")
    return app


def require_review(number: Number, *, by: By, home: HomeOption = None) -> None:
    """Have a post-mortem of an incident for which the guide leaves it to you, or for which it was waived."""

    async def change(db: Db, desk: Desk, incident: Incident) -> str:
        due_at = await require_by_hand(db, desk, incident, person=by, now=utc_now())
        return f"the post-mortem of {incident.number} is due at {utc(due_at)}"

    print(in_one_transaction(number, home, change))


def draft_review(
    number: Number,
    file: Annotated[Path, Parameter(help="Where to put it; a file that is there stays.")],
    *,
    home: HomeOption = None,
) -> None:
    """Draft a post-mortem from the rows as they are now, into a file of yours. Works while Prefect is away."""
    settings = read_settings(home, of_running=True)

    async def draft() -> str:
        async with open_store(settings.store_url()) as store:
            incident = await read_incident(store, incident_id_of(number))
            runbook = await read_runbook(settings, incident.kind)
            return await draft_into(store, incident, file, now=utc_now(), runbook=runbook)

    print(asyncio.run(draft()))


async def read_runbook(settings: Settings, kind: Kind) -> Runbook | None:
    """The runbook's document, by whichever package above the kernel knows where it is; none where none is installed.

    Raises:
        WatchkeeperError: that package cannot be imported.
    """
    for reader in entry_points(group=RUNBOOKS):
        try:
            read: Callable[[Settings, Kind], Awaitable[Runbook | None]] = reader.load()
        except (ImportError, AttributeError) as error:
            raise WatchkeeperError(f"runbooks cannot be read: {error}") from error
        return await read(settings, kind)
    return None


def move_review(
    number: Number,
    to: Annotated[
        datetime, Parameter(help="When it is due instead; without an offset, in the team's time zone.")
    ],
    *,
    by: By,
    because: Because,
    home: HomeOption = None,
) -> None:
    """Have a post-mortem later, or sooner."""

    async def change(db: Db, desk: Desk, incident: Incident) -> str:
        due_at = to if to.tzinfo else to.replace(tzinfo=desk.policy.calendar.zone)
        await move(db, desk, incident, due_at, person=by, reason=because, now=utc_now())
        return f"the post-mortem of {incident.number} is due at {utc(due_at)}"

    print(in_one_transaction(number, home, change))


def waive_review(number: Number, *, by: By, because: Because, home: HomeOption = None) -> None:
    """Have no post-mortem of this incident."""

    async def change(db: Db, desk: Desk, incident: Incident) -> str:
        await waive(db, desk, incident, person=by, reason=because, now=utc_now())
        return f"the post-mortem of {incident.number} is waived"

    print(in_one_transaction(number, home, change))


def complaint(
    number: Number,
    words: Annotated[str, Parameter(help="What the customer said.")],
    *,
    by: By,
    home: HomeOption = None,
) -> None:
    """Note that a customer complained: a post-mortem is required then, also where it was waived."""

    async def change(db: Db, desk: Desk, incident: Incident) -> str:
        return await note_complaint(db, desk, incident, words, person=by, now=utc_now())

    print(in_one_transaction(number, home, change))


def close_action_item(
    number: Number,
    item: Annotated[int, Parameter(help="Which of its action items, by its place in the document.")],
    *,
    by: By,
    dropped: Annotated[bool, Parameter(help="It will not be done.")] = False,
    home: HomeOption = None,
) -> None:
    """Say that an action item is done: nobody is reminded of it any more."""
    state: ItemState = "dropped" if dropped else "done"

    async def change(db: Db, desk: Desk, incident: Incident) -> str:
        await close_item(db, incident, item, person=by, state=state, now=utc_now())
        return f"{incident.number}, action {item} is {state}"

    print(in_one_transaction(number, home, change))


def move_action_item(
    number: Number,
    item: Annotated[int, Parameter(help="Which of its action items, by its place in the document.")],
    to: Annotated[str, Parameter(help="By which day instead, such as 2026-03-09.")],
    *,
    by: By,
    because: Because,
    home: HomeOption = None,
) -> None:
    """Have an action item by another day, later or sooner."""

    async def change(db: Db, desk: Desk, incident: Incident) -> str:
        said = {"person": by, "reason": because}
        moved = await move_item(db, desk, incident, item, day_of(to), **said, now=utc_now())
        return f"{moved.name} is due on {moved.due_on}"

    print(in_one_transaction(number, home, change))


def list_action_items(*, home: HomeOption = None) -> None:
    """Every open action item, what is due first at the front."""
    settings = read_settings(home, of_running=True)

    async def read() -> list[ActionItem]:
        async with open_store(settings.store_url()) as store:
            return await open_action_items(store, utc_now())

    for item in asyncio.run(read()):
        print(f"{item.name}  {item.when(utc_now())}  {item.priority}  {item.owner}: {item.action}")


def in_one_transaction(number: str, home: Path | None, change: Change) -> str:
    """What one change of an incident's review has to say, once it is durable."""
    settings = read_settings(home, of_running=True)

    async def carry_out() -> str:
        async with open_store(settings.store_url()) as store, store.transaction() as db:
            incident = await read_incident(db, incident_id_of(number))
            return await change(db, desk_of(incident, settings.public_url), incident)

    return asyncio.run(carry_out())
