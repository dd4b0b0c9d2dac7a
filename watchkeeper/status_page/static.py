"""The status page as files: a folder to put on a host that does not share production's fate.

Each file is written beside its place and moved there, pages before the list that names them: whoever copies the
folder at any moment copies whole files, and no link leads nowhere. What has not changed is not written.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

from slugify import slugify

from watchkeeper.channels.sending import Receipt
from watchkeeper.errors import VendorRejected, VendorUnavailable
from watchkeeper.machine.files import write_whole
from watchkeeper.paging.model import Message
from watchkeeper.rendering import render
from watchkeeper.status_page.board import Board, ComponentState, Posted, components

STATE_WORDS = {
    ComponentState.OPERATIONAL: "Operational",
    ComponentState.DEGRADED: "Degraded",
    ComponentState.PARTIAL: "Partial outage",
    ComponentState.MAJOR: "Major outage",
}
FEED_ENTRIES = 50


class StaticSender:
    """Writes the whole page anew for each post. Twice is the same files."""

    def __init__(self, folder: Path, read_board: Callable[[], Awaitable[Board]]) -> None:
        self._folder = folder
        self._read_board = read_board

    async def send(
        self,
        address: str,
        message: Message,
        *,
        callback_url: str | None = None,
        thread: str | None = None,
    ) -> Receipt:
        board = await self._read_board()
        held = board.holding(message.post)
        if held is None:
            raise VendorRejected(vendor="status_folder", action="write", reason="the post is no longer kept")
        try:
            await asyncio.to_thread(write_pages, self._folder, board)
        except OSError as error:
            reason = f"{self._folder}: {error.strerror}"
            raise VendorUnavailable(vendor="status_folder", action="write", reason=reason) from None
        return Receipt(vendor_id=f"post-{message.post}", thread=held[0].number)


def write_pages(folder: Path, board: Board) -> None:
    """Bring the folder up to date.

    Raises:
        OSError: it cannot be written to.
    """
    for name, text in pages(board).items():
        write_whole(folder / name, text)


def pages(board: Board) -> dict[str, str]:
    """Every file of the page by its name, the list last."""
    files = {file_of(posted): incident_page(board, posted) for posted in board.incidents}
    return {**files, "feed.atom": feed(board), "index.html": index_page(board)}


def file_of(posted: Posted) -> str:
    return f"incidents/{posted.number}.html"


def index_page(board: Board) -> str:
    states = board.states()
    return render(
        "status/index.html.j2",
        company=board.policy.status_page.company,
        headline=board.headline,
        is_well=not any(posted.is_open for posted in board.incidents),
        components=[
            (shown.title, STATE_WORDS[states[shown.service]], states[shown.service])
            for shown in components(board.policy)
        ],
        ongoing=[(posted, file_of(posted)) for posted in board.incidents if posted.is_open],
        past=[(posted, file_of(posted)) for posted in board.incidents if not posted.is_open],
        support=board.policy.status_page.support,
        as_of=newest_at(board),
    )


def incident_page(board: Board, posted: Posted) -> str:
    return render(
        "status/incident.html.j2",
        company=board.policy.status_page.company,
        posted=posted,
        posts=posted.posts[::-1],
        support=board.policy.status_page.support,
    )


def feed(board: Board) -> str:
    """Atom, newest first, for those who want to be told without an account anywhere."""
    entries = sorted(
        ((post, posted) for posted in board.incidents for post in posted.posts),
        key=lambda entry: entry[0].id,
        reverse=True,
    )[:FEED_ENTRIES]
    company = board.policy.status_page.company
    address = (board.policy.status_page.address or "").rstrip("/")
    return render(
        "status/feed.atom.html.j2",
        company=company,
        address=address,
        name=address or f"urn:watchkeeper:{slugify(company)}",
        entries=[(post, posted, file_of(posted)) for post, posted in entries],
        as_of=newest_at(board),
    )


def newest_at(board: Board) -> datetime | None:
    """When the page last had news; None before its first."""
    return max((post.at for posted in board.incidents for post in posted.posts), default=None)
