"""What people decide about reviews, by forms in the Prefect UI: later, not at all, asked for, or a complaint noted."""

from datetime import date, datetime
from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.bench import Bench, open_bench
from watchkeeper.model import Incident, incident_id_of
from watchkeeper.rendering import utc
from watchkeeper.reviews.clock import move, waive
from watchkeeper.reviews.complaints import note_complaint
from watchkeeper.reviews.items import ItemState, close_item, move_item
from watchkeeper.reviews.opening import require_by_hand

Number = Annotated[str, Field(pattern="^([Ii][Nn][Cc]-)?[0-9]+$")]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Words = Annotated[str, Field(min_length=1, max_length=500)]


@flow(name="move-post-mortem", flow_run_name="{number} move post-mortem")
async def move_post_mortem(number: Number, due_at: datetime, said_by: Name, because: Words) -> str:
    """Have a post-mortem later, or sooner.

    Args:
        number: The incident's, such as INC-0007.
        due_at: When it is due instead.
        said_by: Who says so.
        because: Why; it goes on the timeline.
    """
    async with open_bench() as bench:
        incident = await incident_of_number(bench, number)
        desk = bench.desk(incident)
        at = due_at if due_at.tzinfo else due_at.replace(tzinfo=desk.policy.calendar.zone)
        async with bench.store.transaction() as db:
            await move(db, desk, incident, at, person=said_by, reason=because, now=bench.now())
        return f"the post-mortem of {incident.number} is due at {utc(at)}"


@flow(name="waive-post-mortem", flow_run_name="{number} waive post-mortem")
async def waive_post_mortem(number: Number, said_by: Name, because: Words) -> str:
    """Have no post-mortem of this incident.

    Args:
        number: The incident's, such as INC-0007.
        said_by: Who says so.
        because: Why; it goes on the timeline.
    """
    async with open_bench() as bench:
        incident = await incident_of_number(bench, number)
        async with bench.store.transaction() as db:
            await waive(db, bench.desk(incident), incident, person=said_by, reason=because, now=bench.now())
        return f"the post-mortem of {incident.number} is waived"


@flow(name="require-post-mortem", flow_run_name="{number} require post-mortem")
async def require_post_mortem(number: Number, said_by: Name) -> str:
    """Have a post-mortem of an incident for which the guide leaves it to people, or for which it was waived.

    Args:
        number: The incident's, such as INC-0007.
        said_by: Who asks for it.
    """
    async with open_bench() as bench:
        incident = await incident_of_number(bench, number)
        async with bench.store.transaction() as db:
            due_at = await require_by_hand(
                db, bench.desk(incident), incident, person=said_by, now=bench.now()
            )
        return f"the post-mortem of {incident.number} is due at {utc(due_at)}"


@flow(name="note-complaint", flow_run_name="{number} complaint")
async def complaint(number: Number, words: Words, noted_by: Name) -> str:
    """Note that a customer complained of an incident: a post-mortem of it is required then, also where it was waived.

    Args:
        number: The incident's, such as INC-0007.
        words: What the customer said.
        noted_by: Who notes it.
    """
    async with open_bench() as bench:
        incident = await incident_of_number(bench, number)
        desk = bench.desk(incident)
        async with bench.store.transaction() as db:
            return await note_complaint(db, desk, incident, words, person=noted_by, now=bench.now())


@flow(name="close-action-item", flow_run_name="{number} action {item} done")
async def close_action_item(
    number: Number, item: Annotated[int, Field(ge=1)], closed_by: Name, will_not_be_done: bool = False
) -> str:
    """Say that an action item is done: nobody is reminded of it any more.

    Args:
        number: The incident's, such as INC-0007.
        item: Which of its action items, by its place in the document.
        closed_by: Who says so.
        will_not_be_done: It is dropped instead.
    """
    async with open_bench() as bench:
        incident = await incident_of_number(bench, number)
        async with bench.store.transaction() as db:
            state: ItemState = "dropped" if will_not_be_done else "done"
            await close_item(db, incident, item, person=closed_by, state=state, now=bench.now())
        return f"{incident.number}, action {item} is {state}"


@flow(name="move-action-item", flow_run_name="{number} move action {item}")
async def move_action_item(
    number: Number, item: Annotated[int, Field(ge=1)], due_on: date, said_by: Name, because: Words
) -> str:
    """Have an action item by another day, later or sooner.

    Args:
        number: The incident's, such as INC-0007.
        item: Which of its action items, by its place in the document.
        due_on: By which day instead.
        said_by: Who says so.
        because: Why; it goes on the timeline.
    """
    async with open_bench() as bench:
        incident = await incident_of_number(bench, number)
        said = {"person": said_by, "reason": because}
        async with bench.store.transaction() as db:
            moved = await move_item(db, bench.desk(incident), incident, item, due_on, **said, now=bench.now())
        return f"{moved.name} is due on {moved.due_on}"


async def incident_of_number(bench: Bench, number: str) -> Incident:
    return await bench.incident(incident_id_of(number))
