"""Which status page this installation has: Statuspage with a token, else a folder of files, else none."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from watchkeeper.channels.sending import Sender
from watchkeeper.channels.statuspage import BoardReader, StatuspageSender, statuspage_client
from watchkeeper.errors import StoreUnavailable
from watchkeeper.model import Channel
from watchkeeper.settings import Settings
from watchkeeper.status_page.static import StaticSender, write_pages
from watchkeeper.tls import tls_context

log = logging.getLogger(__name__)


@asynccontextmanager
async def open_status_page(
    settings: Settings, read_board: BoardReader
) -> AsyncIterator[dict[Channel, Sender]]:
    """The status page as a channel, if there is one."""
    if settings.statuspage is not None:
        mine = settings.statuspage
        token = mine.token.get_secret_value()
        async with statuspage_client(token=token, base_url=mine.base_url, verify=tls_context()) as client:
            sender = StatuspageSender(
                client, mine.page_id, read_board, notify_subscribers=mine.notify_subscribers
            )
            yield {Channel.STATUS_PAGE: sender}
    elif settings.status_folder is not None:
        folder = settings.status_folder.expanduser()
        try:
            # Before the first incident there is a page that says that all is well.
            await asyncio.to_thread(write_pages, folder, await read_board())
        except (OSError, StoreUnavailable) as error:
            log.warning("the status page is not written yet: %s", error)
        yield {Channel.STATUS_PAGE: StaticSender(folder, read_board)}
    else:
        yield {}
