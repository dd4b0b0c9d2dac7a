"""Where the addresses come from: a query in the production database, read-only, or a file."""

import asyncio
import csv
from datetime import timedelta
from pathlib import Path

import psycopg

from watchkeeper.errors import BadInput, NotConfigured, VendorUnavailable, WatchkeeperError
from watchkeeper.mailing.model import Addresses, addresses_of, clean
from watchkeeper.model import Incident
from watchkeeper.policy.customers import Customers


async def read_addresses(customers: Customers, database_url: str | None, incident: Incident) -> Addresses:
    """Those affected: by the query, and where that cannot be had, by the file.

    Raises:
        NotConfigured: there is a query and no database to ask.
        VendorUnavailable: the database did not answer, and there is no file.
        BadInput: the file cannot be read.
    """
    if customers.query is None:
        return clean(await _from_file(customers.file))
    try:
        found = await _from_database(customers.query, database_url, incident, customers.read_within)
    except WatchkeeperError:
        if customers.file is None:
            raise
        found = await _from_file(customers.file)
    return clean(found)


async def _from_database(
    query: str, database_url: str | None, incident: Incident, within: timedelta
) -> list[str]:
    if database_url is None:
        raise NotConfigured("the production database", setting="WATCHKEEPER_PRODUCTION__DATABASE_URL")
    seconds = within.total_seconds()
    options = f"-c default_transaction_read_only=on -c statement_timeout={max(1, round(seconds * 1000))}"
    values = {"service": incident.service, "started_at": incident.started_at}
    try:
        async with asyncio.timeout(seconds * 2):
            async with await psycopg.AsyncConnection.connect(
                database_url, options=options, connect_timeout=max(2, round(seconds))
            ) as connection:
                # The team's own statement, out of its policy. What is prepared is one statement, so that none
                # before it can make the session write.
                cursor = await connection.execute(query, values, prepare=True)
                return [str(row[0]) for row in await cursor.fetchall() if row[0] is not None]
    except (psycopg.Error, TimeoutError) as error:
        reason = type(error).__name__
        raise VendorUnavailable(vendor="postgres", action="read_customers", reason=reason) from None


async def _from_file(file: Path | None) -> list[str]:
    if file is None:
        raise BadInput("customers: neither query nor file is set")
    try:
        return await asyncio.to_thread(_read, file)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"customers.file: {file} cannot be read: {type(error).__name__}") from error


def _read(file: Path) -> list[str]:
    with file.expanduser().open(newline="", encoding="utf-8-sig") as opened:
        return addresses_of([row for row in csv.reader(opened) if row])
