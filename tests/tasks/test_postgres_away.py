"""A Postgres that is not there, or is silent: said so, in time, and without its address."""

import pytest
from pydantic import SecretStr

from blocks.postgres import PostgresCredentials
from tasks import looking
from tasks.postgres import postgres_size
from tests.tasks.conftest import SECRET
from watchkeeper.model import CheckStatus


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://shop:{SECRET}@127.0.0.1:{{unused_port}}/shop",
        f"postgresql://shop:{SECRET}@/nowhere?host=/nowhere/{SECRET}",
        f"postgresql://shop:{SECRET}@[",
        f"passwort={SECRET}",
    ],
    ids=["nobody listens", "no such socket", "half an address", "no address at all"],
)
async def test_says_unknown_and_shows_no_address_when_it_cannot_connect(unused_port: int, url: str) -> None:
    credentials = PostgresCredentials(url=SecretStr(url.format(unused_port=unused_port)))

    check = await postgres_size(credentials)

    assert check.status is CheckStatus.UNKNOWN
    assert check.summary.startswith("postgres did not answer to read_size: ")
    assert SECRET not in check.model_dump_json()


async def test_interrupts_a_postgres_that_is_silent(
    silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "LIMIT_SECONDS", 0.2)
    url = f"postgresql://shop:{SECRET}@127.0.0.1:{silent_port}/shop?sslmode=disable"

    check = await postgres_size(PostgresCredentials(url=SecretStr(url)))

    assert check.status is CheckStatus.UNKNOWN
    assert "time limit" in check.summary
    assert check.seconds < 3
    assert SECRET not in check.model_dump_json()
