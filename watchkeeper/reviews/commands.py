"""The command line's part for reviews: require, move and waive a post-mortem, and note a complaint."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from watchkeeper.clock import utc_now
from watchkeeper.commands import HomeOption
from watchkeeper.home import read_settings
from watchkeeper.incidents import read_incident
from watchkeeper.model import Incident, incident_id_of
from watchkeeper.paging import Desk, desk_of
from watchkeeper.rendering import utc
from watchkeeper.reviews.clock import move, waive
from watchkeeper.reviews.complaints import note_complaint
from watchkeeper.reviews.drafting import draft_into
from watchkeeper.reviews.items import ActionItem, ItemState, close_item, open_action_items
from watchkeeper.reviews.opening import require_by_hand
from watchkeeper.store import Db, open_store

Number = Annotated[str, Parameter(help="The incident's, such as INC-0007.")]
By = Annotated[str, Parameter(help="Who says so.")]
Because = Annotated[str, Parameter(help="Why; it goes on the timeline.")]

Change = Callable[[Db, Desk, Incident], Awaitable[str]]


def review_app() -> App:
    app = App(name="review", help="Post-mortems: require, move or waive one, and note complaints.")
    app.command(require_review, name="require")
    app.command(draft_review, name="draft")
    app.command(move_review, name="move")
    app.command(waive_review, name="waive")
    app.command(complaint)
    app.command(close_action_item, name="done")
    app.command(list_action_items, name="items")
    return app


def require_review(number: Number, *, by: By, home: HomeOption = None) -> None:
    """Have a post-mortem of an incident for which the guide leaves it to you."""

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

    async def change(db: Db, desk: Desk, incident: Incident) -> str:
        return await draft_into(db, incident, file, now=utc_now())

    print(in_one_transaction(number, home, change))


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
    """Note that a customer complained: a post-mortem is required then."""

    async def change(db: Db, desk: Desk, incident: Incident) -> str:
        new = await note_complaint(db, desk, incident, words, person=by, now=utc_now())
        return "noted" if new else "that was noted before"

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
