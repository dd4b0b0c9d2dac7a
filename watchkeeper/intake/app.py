"""The intake: one process that takes alerts in, pages people and keeps the clocks.

It needs the store and nothing else: with Prefect away it goes on, and with Postgres away it spools and pages.
"""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from itertools import chain
from pathlib import Path
from typing import Any

import httpx
import psycopg
from fastapi import APIRouter, FastAPI, Response

from watchkeeper.admission import admit
from watchkeeper.channels import Sender, open_channels
from watchkeeper.clock import Clock, utc_now
from watchkeeper.deadlines.dispatcher import Dispatcher, repeat
from watchkeeper.errors import StoreUnavailable
from watchkeeper.figures.log import FILE_NAME, keep_log
from watchkeeper.guarding import Guard, Work
from watchkeeper.intake.action_items import action_item_routes
from watchkeeper.intake.admitting import Admitting
from watchkeeper.intake.calls import call_routes
from watchkeeper.intake.complaining import complaint_routes
from watchkeeper.intake.feeds import feed_routes
from watchkeeper.intake.mailing import mailing_routes
from watchkeeper.intake.night import night_routes
from watchkeeper.intake.people import people_routes, say_store_is_away
from watchkeeper.intake.proofs import proof_routes
from watchkeeper.intake.receipts import receipt_routes
from watchkeeper.intake.receiving import WebhooksFirst, receiving_routes
from watchkeeper.intake.replies import reply_routes
from watchkeeper.intake.slack import slack_routes
from watchkeeper.intake.spool import Spool, Spooled, spool_folder
from watchkeeper.intake.storeless import Storeless
from watchkeeper.intake.support import support_routes
from watchkeeper.intake.telling import telling_routes
from watchkeeper.intake.worth import worth_routes
from watchkeeper.links import LinkSigner
from watchkeeper.mailing.mailer import open_mailer
from watchkeeper.model import Alert, Channel
from watchkeeper.motor import Motor
from watchkeeper.occasions import Occasions
from watchkeeper.paging.desk import Desk
from watchkeeper.paging.pager import Pager
from watchkeeper.paging.proving import Prover
from watchkeeper.quiet.releasing import release_due
from watchkeeper.rendering import compile_messages, use_templates
from watchkeeper.settings import Settings
from watchkeeper.status_page.board import Board
from watchkeeper.status_page.opening import open_status_page
from watchkeeper.status_page.posting import read_board
from watchkeeper.store import Store, open_store
from watchkeeper.tls import tls_context

# Where the intake is asked, each from a module of its own.
ROUTES: tuple[Callable[[], APIRouter], ...] = (
    proof_routes,
    receiving_routes,
    receipt_routes,
    reply_routes,
    call_routes,
    slack_routes,
    people_routes,
    telling_routes,
    mailing_routes,
    feed_routes,
    support_routes,
    complaint_routes,
    worth_routes,
    action_item_routes,
    night_routes,
)

# How long a proof may begin after its time.
PROOF_LOOK_SECONDS = 10.0

log = logging.getLogger(__name__)


@dataclass
class House:
    """What the intake's parts share."""

    settings: Settings
    desk: Desk
    signer: LinkSigner
    store: Store
    spool: Spool
    admitting: Admitting
    channels: dict[Channel, Sender]
    clock: Clock
    guard: Guard = field(init=False)
    storeless: Storeless = field(init=False)
    pages: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.guard = Guard(self.store, self.clock)
        self.storeless = Storeless(self.desk, self.channels, self.spool, self.clock)

    async def keep(self, alert: Alert, *, pages: bool) -> None:
        """Postgres has not taken an alert: keep it on disk. With `pages`, whoever the first of its kind concerns is
        paged at once, without the store; else only if it is still there in a while.

        Raises:
            OSError: the disk does not take it.
        """
        now = self.clock()
        begins = self.spool.expect(alert, now=now)
        if pages and begins and (page := self.storeless.page(alert)) is not None:
            task = asyncio.create_task(page)
            self.pages.add(task)
            task.add_done_callback(self.pages.discard)
        try:
            await self.spool.keep(alert, now=now)
        except OSError:
            self.spool.leave(alert)
            raise

    async def ask_again_without_store(self) -> None:
        """Say again what waits on disk: while Postgres is away, and as long as it takes nothing."""
        await self.storeless.ask_again(is_away=self.store.is_away)

    async def release_held(self) -> None:
        """Admit what a silence held back, once it has ended."""
        await release_due(self.store, self.desk, self.guard, now=self.clock())

    async def admit_spooled(self) -> None:
        """Admit what waited on disk; the store being away again leaves it there."""
        if self.store.is_away:
            return  # the files need not be read to see them fail
        behind: set[str] = set()  # one that cannot be admitted is overtaken by none of its fingerprint
        for path, kept in self.spool.waiting():
            if kept.alert.fingerprint in behind or self.guard.waits(Work.SPOOL, path.name):
                behind.add(kept.alert.fingerprint)
                continue
            async with self.guard.over(Work.SPOOL, path.name):
                await self._admit_kept(path, kept)
            if path.exists():
                behind.add(kept.alert.fingerprint)

    async def _admit_kept(self, path: Path, kept: Spooled) -> None:
        try:
            async with self.store.transaction() as db:
                await admit(db, self.desk, kept.alert, now=kept.received_at)
        except psycopg.DataError as error:
            # No later try will be better: it holds what Postgres has no place for.
            log.error("the store cannot keep %s: %s", path, type(error).__name__)  # noqa: TRY400
            self.spool.set_aside(path)
            self.spool.leave(kept.alert)
        else:
            self.spool.forget(path, kept)

    async def keep_log(self) -> None:
        """Write the incident log; it stands beside the post-mortems' folder."""
        async with self.guard.over(Work.INCIDENT_LOG, FILE_NAME):
            await keep_log(self.store, self.settings.documents())


def create_app(settings: Settings, *, clock: Clock = utc_now) -> FastAPI:
    """The intake as an ASGI app; its lifespan runs the pager, the dispatcher and the spool's admission.

    Raises:
        BadInput: the policy is wrong.
        NotConfigured: the store's address or the signing key is missing.
    """
    desk = Desk(settings.policy(), settings.public_url)
    signer = LinkSigner(settings.signing_key())
    store_url = settings.store_url()
    use_templates(settings.templates_folder)
    compile_messages()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(
                open_store(store_url, min_connections=4, max_connections=16)
            )
            channels = await stack.enter_async_context(open_channels(settings))

            async def board() -> Board:
                return await read_board(store, desk.policy, now=clock())

            channels |= await stack.enter_async_context(open_status_page(settings, board))
            spool = Spool(spool_folder(settings.home))
            admitting = Admitting(store, desk)
            app.state.house = House(settings, desk, signer, store, spool, admitting, channels, clock)
            motor = await stack.enter_async_context(open_motor(settings))
            guard = app.state.house.guard
            mailer = await stack.enter_async_context(open_mailer(settings, store, clock, guard))
            prover = await stack.enter_async_context(open_prover(app.state.house))
            loops, pager = start_loops(app.state.house, motor, prover, store_url)
            loops.append(_vital("mailer", repeat(mailer.pass_once, asyncio.Event(), every_seconds=1)))
            try:
                yield
            finally:
                await stop(loops)
                await pager.finish()
                await asyncio.gather(*app.state.house.pages, return_exceptions=True)

    app = WebhooksFirst(title="Watchkeeper intake", lifespan=lifespan, docs_url=None, redoc_url=None)
    for routes in ROUTES:
        app.include_router(routes())
    app.add_exception_handler(StoreUnavailable, say_store_is_away)
    app.add_api_route("/logos/{name}.png", show_logo, methods=["GET"])
    return app


@cache
def shipped_logos() -> dict[str, bytes]:
    """The pictures of the blocks, by name. What is not a key here is not served, whatever the address says."""
    folder = files("watchkeeper").joinpath("logos")
    return {
        file.name.removesuffix(".png"): file.read_bytes()
        for file in folder.iterdir()
        if file.name.endswith(".png")
    }


async def show_logo(name: str) -> Response:
    logo = shipped_logos().get(name)
    if logo is None:
        return Response(status_code=404)
    return Response(logo, media_type="image/png", headers={"Cache-Control": "public, max-age=86400"})


@asynccontextmanager
async def open_motor(settings: Settings) -> AsyncIterator[Motor]:
    """The door to Prefect. Its time limit is short: Prefect is asked again, people are not kept waiting."""
    secret = settings.prefect_auth.get_secret_value() if settings.prefect_auth else None
    user, _, password = secret.partition(":") if secret else ("", "", "")
    auth = httpx.BasicAuth(user, password) if secret else None
    async with httpx.AsyncClient(
        base_url=settings.prefect_api_url, timeout=5, auth=auth, verify=tls_context()
    ) as client:
        yield Motor(client)


@asynccontextmanager
async def open_prover(house: House) -> AsyncIterator[Prover]:
    """Who proves that somebody can be woken."""
    heartbeat = house.settings.heartbeat_url
    async with httpx.AsyncClient(timeout=10, verify=tls_context()) as client:
        yield Prover(
            house.store,
            client,
            house.signer,
            house.desk.policy,
            public_url=house.desk.public_url,
            heartbeat_url=heartbeat.get_secret_value() if heartbeat else None,
            clock=house.clock,
            guard=house.guard,
        )


def start_loops(
    house: House, motor: Motor, prover: Prover, store_url: str
) -> tuple[list[asyncio.Task[None]], Pager]:
    """The intake's loops, each in a task of its own; one that ends takes the process with it, to be restarted."""
    outbox, motor_jobs, clocks, changes = (asyncio.Event() for _ in range(4))
    # A deadline that is set asks Prefect to show it, so the same notice tells the clocks of one that is due at once.
    bells = {"outbox": [outbox], "motor": [motor_jobs, clocks], "incident_log": [changes]}
    pager = Pager(house.store, house.channels, house.desk, house.signer, house.clock, outbox.set, house.guard)
    dispatcher = Dispatcher(house.store, motor, house.desk.public_url, house.clock, house.guard)
    occasions = Occasions(house.store, house.desk, house.clock, guard=house.guard)
    quiet = asyncio.Event()
    loops = [
        _vital("listener", listen(house.store, store_url, bells)),
        _vital("pager", repeat(pager.start_due, outbox, every_seconds=1)),
        _vital("clocks", repeat(dispatcher.pass_once, clocks, every_seconds=1)),
        _vital("motor", repeat(dispatcher.drive_motor, motor_jobs, every_seconds=1)),
        _vital("spool", repeat(house.admit_spooled, quiet, every_seconds=1)),
        _vital("storeless", repeat(house.ask_again_without_store, asyncio.Event(), every_seconds=1)),
        _vital("silences", repeat(house.release_held, asyncio.Event(), every_seconds=1)),
        _vital("prover", repeat(prover.pass_once, asyncio.Event(), every_seconds=PROOF_LOOK_SECONDS)),
        _vital("calendar", repeat(occasions.pass_once, asyncio.Event(), every_seconds=1)),
        _vital("incident log", repeat(house.keep_log, changes, every_seconds=60)),
    ]
    return loops, pager


def _vital(name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_end_with)
    return task


def _end_with(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        log.critical(
            "the %s stopped; ending so as to be started anew", task.get_name(), exc_info=task.exception()
        )
        os.kill(os.getpid(), signal.SIGTERM)


async def stop(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel tasks until they have ended: an HTTP client that is just connecting can swallow a cancellation."""
    unfinished = set(tasks)
    while unfinished:
        for task in unfinished:
            task.cancel()
        _, unfinished = await asyncio.wait(unfinished, timeout=0.5)


async def listen(store: Store, store_url: str, bells: dict[str, list[asyncio.Event]]) -> None:
    """Ring a bell whenever a transaction anywhere committed work for it, and know whether the store is there."""
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(store_url, autocommit=True) as connection:
                for name in bells:
                    await connection.execute(
                        psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(name))
                    )
                store.is_away = False
                # What was said while nobody listened is not said again.
                for bell in chain.from_iterable(bells.values()):
                    bell.set()
                async for notice in connection.notifies():
                    for bell in bells[notice.channel]:
                        bell.set()
        except (psycopg.OperationalError, psycopg.errors.ReadOnlySqlTransaction) as error:
            # A standby takes no LISTEN: it is no store of ours until it is promoted.
            store.is_away = True
            log.warning("not listening to the store: %s; the loops look by themselves", type(error).__name__)
            await asyncio.sleep(1)
