"""Every block: what Prefect asks of one, a client that goes where it should, a logo, and no secret shown."""

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from PIL import Image
from prefect.blocks.core import Block
from prefect.testing.standard_test_suites import BlockStandardTestSuite, blocks
from pydantic import SecretStr
from redis.asyncio import Redis

from blocks import postgres as postgres_module
from blocks.gemini import GeminiCredentials
from blocks.github import GitHubCredentials
from blocks.logos import LOGOS
from blocks.postgres import PostgresCredentials
from blocks.railway import RailwayCredentials
from blocks.redis import RedisCredentials
from blocks.removebg import RemoveBgCredentials
from blocks.sendgrid import SendGridCredentials
from blocks.sentry import SentryCredentials
from blocks.slack import SlackCredentials
from blocks.stripe import StripeCredentials
from blocks.supabase import SupabaseCredentials
from blocks.twilio import TwilioCredentials
from blocks.upstash import UpstashCredentials
from blocks.uptimerobot import UptimeRobotCredentials
from blocks.vercel import VercelCredentials
from drills.company.redis import start_redis
from tests.tasks.conftest import Wire, open_wire, says
from watchkeeper import intake
from watchkeeper.intake.app import create_app
from watchkeeper.machine.embedded import EmbeddedPostgres
from watchkeeper.settings import Settings

SECRET = "hush-4f1c9d-do-not-tell"
ELSEWHERE = "http://127.0.0.1:9"
SHIPPED = Path(intake.__path__[0]).parent / "logos"

BLOCKS: dict[type[Block], dict[str, Any]] = {
    PostgresCredentials: {"url": f"postgresql://shop:{SECRET}@127.0.0.1/shop"},
    GitHubCredentials: {"token": SECRET, "repository": "shop/shop", "base_url": ELSEWHERE},
    RailwayCredentials: {"token": SECRET, "base_url": ELSEWHERE},
    RedisCredentials: {"url": f"redis://default:{SECRET}@127.0.0.1:9"},
    SendGridCredentials: {"api_key": SECRET, "from_address": "watch@example.com", "base_url": ELSEWHERE},
    SentryCredentials: {"token": SECRET, "organization": "shop", "base_url": ELSEWHERE},
    SlackCredentials: {"bot_token": SECRET, "base_url": ELSEWHERE},
    StripeCredentials: {"api_key": SECRET, "base_url": ELSEWHERE},
    SupabaseCredentials: {"token": SECRET, "base_url": ELSEWHERE},
    TwilioCredentials: {
        "account_sid": "AC1",
        "auth_token": SECRET,
        "from_number": "+14155550100",
        "base_url": ELSEWHERE,
    },
    GeminiCredentials: {"api_key": SECRET, "base_url": ELSEWHERE},
    RemoveBgCredentials: {"api_key": SECRET, "base_url": ELSEWHERE},
    UpstashCredentials: {"email": "ops@example.com", "api_key": SECRET, "base_url": ELSEWHERE},
    UptimeRobotCredentials: {"api_key": SECRET, "base_url": ELSEWHERE},
    VercelCredentials: {"token": SECRET, "base_url": ELSEWHERE},
}


@pytest_asyncio.fixture
async def wire() -> AsyncIterator[Wire]:
    async with open_wire() as opened:
        yield opened


def open_shipped_logo(url: str) -> BytesIO:
    """What the intake would answer, without an intake."""
    assert url.startswith(f"{LOGOS}/")
    return BytesIO((SHIPPED / url.removeprefix(f"{LOGOS}/")).read_bytes())


@pytest.mark.parametrize("block", BLOCKS)
class TestBlock(BlockStandardTestSuite):
    """Prefect's own suite for blocks, for each of ours."""

    @pytest.fixture
    def block(self) -> type[Block]:
        raise AssertionError("the parametrisation gives it")

    @pytest.fixture(autouse=True)
    def shipped_logos(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(blocks, "urlopen", open_shipped_logo)


def test_has_names_of_its_own() -> None:
    assert len({block.get_block_type_slug() for block in BLOCKS}) == len(BLOCKS)
    assert all(block.get_block_type_slug().startswith("watchkeeper-") for block in BLOCKS)


@pytest.mark.parametrize("block", BLOCKS)
def test_never_shows_its_secret(block: type[Block]) -> None:
    filled = block(**BLOCKS[block])

    shown = [repr(filled), str(filled), filled.model_dump_json(), str(filled.model_dump())]
    assert not [text for text in shown if SECRET in text]
    assert SECRET not in repr(filled.model_dump(mode="json"))


@pytest.mark.parametrize("block", BLOCKS)
def test_keeps_its_secret_where_prefect_hides_it(block: type[Block]) -> None:
    fields = block.model_json_schema()["secret_fields"]

    assert [BLOCKS[block][name] for name in fields if SECRET in BLOCKS[block][name]]


@pytest.mark.parametrize("block", BLOCKS)
def test_ships_a_square_logo(block: type[Block]) -> None:
    with Image.open(open_shipped_logo(str(block._logo_url))) as logo:
        assert (logo.format, logo.size) == ("PNG", (128, 128))


def test_ships_no_logo_that_no_block_shows() -> None:
    assert {path.name for path in SHIPPED.iterdir()} == {
        str(block._logo_url).rpartition("/")[2] for block in BLOCKS
    }


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        _env_file=None,
        database_url=SecretStr("postgresql://127.0.0.1:9/none"),
        link_key=SecretStr("k" * 32),
    )
    transport = httpx.ASGITransport(create_app(settings))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8787") as client:
        yield client


@pytest.mark.parametrize("block", BLOCKS)
async def test_finds_its_logo_at_the_intake(browser: httpx.AsyncClient, block: type[Block]) -> None:
    answer = await browser.get(str(block._logo_url))

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "public, max-age=86400"
    assert answer.content == open_shipped_logo(str(block._logo_url)).read()


@pytest.mark.parametrize(
    "path",
    [
        "/logos/nobody.png",
        "/logos/.png",
        "/logos/railway",
        "/logos/..%2Flogos%2Frailway.png",
        "/logos/%2e%2e/templates/base.html.png",
        "/logos/railway%00.png",
        "/logos/",
    ],
)
async def test_serves_nothing_else_as_a_logo(browser: httpx.AsyncClient, path: str) -> None:
    answer = await browser.get(path)

    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("block", "header", "value"),
    [
        (RailwayCredentials, "project-access-token", SECRET),
        (SentryCredentials, "authorization", f"Bearer {SECRET}"),
        (GitHubCredentials, "authorization", f"Bearer {SECRET}"),
        (StripeCredentials, "authorization", f"Bearer {SECRET}"),
        (UptimeRobotCredentials, "accept", "application/json"),
        (
            UpstashCredentials,
            "authorization",
            f"Basic {base64.b64encode(f'ops@example.com:{SECRET}'.encode()).decode()}",
        ),
    ],
)
async def test_gives_an_http_client_that_is_authorised(
    wire: Wire, block: type[Block], header: str, value: str
) -> None:
    wire.answers(says({}))
    filled = block(**BLOCKS[block] | {"base_url": wire.url})

    async with filled.get_client() as client:
        await client.get(filled.base_url)

    assert wire.asked[0].headers[header] == value


@pytest.mark.parametrize("end", ["", "/"])
async def test_gives_twilios_client_with_our_address(wire: Wire, end: str) -> None:
    wire.answers(says({"sid": "SM1", "status": "queued"}, 201))
    twilio = TwilioCredentials(**BLOCKS[TwilioCredentials] | {"base_url": f"{wire.url}{end}"})

    client = twilio.get_client()
    sent = await client.messages.create_async(to="+14155550101", from_=twilio.from_number, body="down")
    await client.http_client.close()

    [asked] = wire.asked
    assert sent.sid == "SM1"
    assert asked.path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert asked.form == {"To": "+14155550101", "From": "+14155550100", "Body": "down"}
    assert asked.headers["authorization"] == f"Basic {base64.b64encode(f'AC1:{SECRET}'.encode()).decode()}"


@pytest.mark.parametrize("end", ["", "/"])
async def test_gives_slacks_client_with_our_address(wire: Wire, end: str) -> None:
    wire.answers(says({"ok": True, "ts": "1.0"}))
    slack = SlackCredentials(**BLOCKS[SlackCredentials] | {"base_url": f"{wire.url}/api{end}"})

    await slack.get_client().chat_postMessage(channel="#incidents", text="down")

    [asked] = wire.asked
    assert asked.path == "/api/chat.postMessage"
    assert asked.headers["authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize("end", ["", "/"])
async def test_gives_sendgrids_client_with_our_address(wire: Wire, end: str) -> None:
    wire.answers(says({}, 202))
    sendgrid = SendGridCredentials(**BLOCKS[SendGridCredentials] | {"base_url": f"{wire.url}{end}"})

    answer = await asyncio.to_thread(sendgrid.get_client().send, {"subject": "down"})

    [asked] = wire.asked
    assert answer.status_code == 202
    assert asked.path == "/v3/mail/send"
    assert asked.headers["authorization"] == f"Bearer {SECRET}"


async def test_gives_a_connection_to_postgres_that_is_named_and_bounded(postgres: EmbeddedPostgres) -> None:
    credentials = PostgresCredentials(url=SecretStr(postgres.url_for("postgres")))

    async with await credentials.get_client() as connection:
        cursor = await connection.execute(
            "SELECT current_setting('application_name') AS name, current_setting('statement_timeout') AS lim"
        )
        row = await cursor.fetchone()

    limit = postgres_module.STATEMENT_LIMIT // timedelta(seconds=1)
    assert row == {"name": "watchkeeper", "lim": f"{limit}s"}
    assert (connection.autocommit, connection.prepare_threshold) == (True, None)


async def test_gives_a_client_of_redis_that_asks_once(tmp_path: Path) -> None:
    server = start_redis(tmp_path)
    try:
        client = RedisCredentials(url=SecretStr(server.url)).get_client()
        async with client:
            assert isinstance(client, Redis)
            assert await client.ping()
            assert client.get_retry().get_retries() == 0
            assert client.connection_pool.connection_kwargs["socket_timeout"] == 3
    finally:
        server.stop()
