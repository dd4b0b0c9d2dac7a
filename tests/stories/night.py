"""A night with the clock moved in which the story takes the kernel's steps itself: nothing waits for time to pass."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from drills.moved.clock import MovedClock
from drills.moved.installation import settings_in
from drills.moved.night import MovedNight
from drills.moved.people import Somebody as Somebody
from drills.moved.serving import serve
from drills.moved.vendors import Vendors
from drills.world_config import FROM_NUMBER as FROM_NUMBER
from watchkeeper.channels import open_channels
from watchkeeper.deadlines.dispatcher import Dispatcher
from watchkeeper.intake.admitting import Admitting
from watchkeeper.intake.app import House, create_app
from watchkeeper.intake.spool import Spool
from watchkeeper.links import LinkSigner
from watchkeeper.mailing.mailer import Mailer, open_mailer
from watchkeeper.motor import Motor
from watchkeeper.occasions import Occasion, Occasions
from watchkeeper.paging.desk import Desk
from watchkeeper.paging.pager import Pager
from watchkeeper.status_page.board import Board
from watchkeeper.status_page.opening import open_status_page
from watchkeeper.status_page.posting import read_board
from watchkeeper.store import Store

SECRET = "the-webhook-secret-of-this-night"


@dataclass(frozen=True)
class Night(MovedNight):
    """The house, its vendors and its people."""

    house: House
    pager: Pager
    dispatcher: Dispatcher
    mailer: Mailer
    occasions: Occasions

    async def settle(self) -> None:
        """Let the clocks ring and the pager send until nothing is due and no vendor has anything left to say."""
        heard = None
        while heard != (heard := await self.vendors.twilio.say_all()):
            await self.dispatcher.pass_once()
            await self.house.release_held()
            await self.occasions.pass_once()
            await self.mailer.pass_once()
            await self.pager.send_all_due()

    async def refusals(self) -> Mapping[tuple[str, str], int]:
        """How often each source was refused, and for which reason."""
        rows = await self.store.all("refusals/list")
        return {(row["source"], row["reason"]): row["count"] for row in rows}


async def board_of(store: Store, desk: Desk, clock: MovedClock) -> Board:
    return await read_board(store, desk.policy, now=clock())


def away(request: httpx.Request) -> httpx.Response:
    """Prefect, all night long."""
    raise httpx.ConnectError("prefect is away", request=request)


@asynccontextmanager
async def a_night(
    folder: Path,
    store: Store,
    store_url: str,
    clock: MovedClock,
    policy: Mapping[str, Any],
    *,
    calendar: Mapping[str, Occasion] | None = None,
) -> AsyncIterator[Night]:
    """Everything open until the block ends. The intake's loops do not run: the night takes their steps.

    Args:
        calendar: the kinds of what it brings; none where a Monday's handoff would be in the way of the story.
    """
    async with AsyncExitStack() as stack:
        intake = await stack.enter_async_context(serve())
        stand_ins = await stack.enter_async_context(serve())
        vendors = Vendors.of_tonight(intake.url, stand_ins.url, clock)
        stand_ins.app = stack.enter_context(vendors.app(folder / "requests.jsonl", clock))
        keys = {"link_key": "k" * 32, "webhook_secret": SECRET, "public_url": intake.url}
        settings = settings_in(folder, vendors, policy, stand_ins=stand_ins.url, store_url=store_url, **keys)
        channels = await stack.enter_async_context(open_channels(settings))
        intake.app = app = create_app(settings, clock=clock)
        desk = Desk(settings.policy(), settings.public_url)
        board = partial(board_of, store, desk, clock)
        channels |= await stack.enter_async_context(open_status_page(settings, board))
        signer = LinkSigner(settings.signing_key())
        spool, admitting = Spool(settings.home / "spool"), Admitting(store, desk)
        app.state.house = House(settings, desk, signer, store, spool, admitting, channels, clock)
        prefect = httpx.AsyncClient(transport=httpx.MockTransport(away), base_url="http://prefect.test/api")
        dispatcher = Dispatcher(store, Motor(prefect), desk.public_url, clock)
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=intake.url, timeout=20))
        pager = Pager(store, channels, desk, signer, clock)
        mailer = await stack.enter_async_context(open_mailer(settings, store, clock))
        outside = (desk, clock, client, vendors, store, SECRET)
        occasions = Occasions(store, desk, clock, calendar or {})
        yield Night(*outside, app.state.house, pager, dispatcher, mailer, occasions)
