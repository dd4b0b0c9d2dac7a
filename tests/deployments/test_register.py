"""Registration on a real Prefect server: what the file says is there, and what it no longer says is not."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import SecretStr

from deployments.definition import DEPLOYMENT_NAME, WORK_POOL, definition_file, fingerprint, is_registered
from deployments.register import blocks_of, ensure_work_pool, register
from watchkeeper.errors import BadInput, WatchkeeperError
from watchkeeper.settings import Railway, Settings

EVERY_MINUTE = [{"cron": "* * * * *", "timezone": "UTC", "slug": "every-minute"}]


def definition(entrypoint: str, **more: Any) -> dict[str, Any]:
    return {
        "name": "watchkeeper",
        "entrypoint": f"tests.deployments.small_flows.{entrypoint}",
        "tags": ["watchkeeper"],
        "work_pool": {"name": WORK_POOL},
        **more,
    }


@pytest.fixture(autouse=True)
def prefect_client_settings(api: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("PREFECT_API_URL", api)
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    with temporary_settings({PREFECT_API_URL: api}):
        yield


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "prefect.yaml"


def write(file: Path, *deployments: dict[str, Any]) -> Path:
    file.write_text(yaml.safe_dump({"name": "watchkeeper", "pull": [], "deployments": list(deployments)}))
    return file


def deployments_on(api: str) -> dict[str, dict[str, Any]]:
    """By the last part of their entry points."""
    ours = {"deployments": {"name": {"any_": [DEPLOYMENT_NAME]}}}
    answer = httpx.post(f"{api}/deployments/filter", json=ours).raise_for_status().json()
    return {each["entrypoint"].rpartition(".")[2]: each for each in answer}


def blocks_on(api: str) -> set[str]:
    answer = httpx.post(f"{api}/block_documents/filter", json={}).raise_for_status().json()
    return {each["block_type"]["slug"] for each in answer if each["name"] == "watchkeeper"}


async def test_the_server_has_what_the_file_says_and_no_more(
    api: str, settings: Settings, file: Path
) -> None:
    write(file, definition("greet", schedules=EVERY_MINUTE, parameters={"name": "ana"}), definition("part"))
    await register(settings, file=file, pool_type="process")
    found = deployments_on(api)
    assert set(found) == {"greet", "part"}
    assert [each["schedule"]["cron"] for each in found["greet"]["schedules"]] == ["* * * * *"]
    assert found["greet"]["parameters"] == {"name": "ana"}
    assert not found["greet"]["pull_steps"], "a folder of this machine must not be written down"

    write(file, definition("greet"))
    await register(settings, file=file, pool_type="process")
    left = deployments_on(api)
    assert set(left) == {"greet"}
    assert left["greet"]["schedules"] == []
    assert left["greet"]["id"] == found["greet"]["id"]


async def test_it_knows_when_nothing_changed(api: str, settings: Settings, file: Path) -> None:
    write(file, definition("greet"))
    wanted = fingerprint(settings, file=file, worker_type="process")
    await register(settings, file=file, pool_type="process")
    async with httpx.AsyncClient(base_url=api) as client:
        assert await is_registered(client, file=file, wanted=wanted)
        deployment = deployments_on(api)["greet"]["id"]
        (await client.delete(f"/deployments/{deployment}")).raise_for_status()
        assert not await is_registered(client, file=file, wanted=wanted)
    other_token = settings.model_copy(update={"railway": Railway(token=SecretStr("new"))})
    assert fingerprint(other_token, file=file, worker_type="process") != wanted
    assert fingerprint(settings, file=file, worker_type="warm") != wanted


async def test_a_vendors_block_comes_and_goes_with_its_credentials(
    api: str, settings: Settings, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deployments.register.deploy", nothing_to_deploy)
    write(file)
    railway = settings.model_copy(update={"railway": Railway(token=SecretStr("t0ken"))})
    await register(railway, file=file, pool_type="process")
    assert blocks_on(api) == {"watchkeeper-railway"}
    await register(settings, file=file, pool_type="process")
    assert blocks_on(api) == set()


async def nothing_to_deploy(_: Path) -> None:
    """Stands in for `prefect deploy`, whose start takes seconds."""


def test_every_setting_of_a_vendor_reaches_its_block(settings: Settings) -> None:
    environment = {
        "production": {"database_url": "postgresql://w@db/app", "application_user": "app"},
        "redis_url": "redis://cache",
        "railway": {"token": "r"},
        "sentry": {"organization": "acme", "token": "s", "client_secret": "c"},
        "uptimerobot": {"api_key": "u", "webhook_secret": "w"},
        "slack": {"bot_token": "b"},
        "twilio": {"account_sid": "AC1", "auth_token": "a", "from_number": "+14155550100"},
        "sendgrid": {"api_key": "g", "from_address": "w@example.com"},
        "gemini": {"api_key": "k"},
        "removebg": {"api_key": "k"},
        "vercel": {"token": "v", "webhook_secret": "w"},
        "supabase": {"token": "sbp"},
        "stripe": {"api_key": "rk"},
        "upstash": {"email": "w@example.com", "api_key": "k"},
        "github": {"token": "t", "repository": "acme/shop"},
    }
    blocks = blocks_of(Settings.model_validate(environment))
    assert all(blocks.values()) and len(blocks) == len(environment)
    assert all(block is None for block in blocks_of(settings).values())


async def test_a_pool_of_another_type_is_refused() -> None:
    async with get_client() as client:
        await ensure_work_pool(client, "process")
        with pytest.raises(BadInput, match="is of type 'process', not 'warm'"):
            await ensure_work_pool(client, "warm")


async def test_a_worker_type_that_is_unheard_of_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployments.register.WORK_POOL", "another")
    async with get_client() as client:
        with pytest.raises(BadInput, match="no worker type 'lukewarm'"):
            await ensure_work_pool(client, "lukewarm")


async def test_an_entry_point_that_cannot_be_imported_is_named(settings: Settings, file: Path) -> None:
    write(file, definition("unheard_of"))
    with pytest.raises(WatchkeeperError, match="unheard_of"):
        await register(settings, file=file, pool_type="process")


async def test_prefects_own_deploy_and_process_worker_do_too(
    api: str, settings: Settings, file: Path
) -> None:
    write(file, definition("greet"))
    await prefect("--no-prompt", "deploy", "--all", "--prefect-file", str(file))
    deployment = deployments_on(api)["greet"]["id"]
    async with httpx.AsyncClient(base_url=api) as client:
        asked = await client.post(
            f"/deployments/{deployment}/create_flow_run", json={"state": {"type": "SCHEDULED"}}
        )
        await prefect("worker", "start", "--pool", WORK_POOL, "--run-once")
        state = (await client.get(f"/flow_runs/{asked.raise_for_status().json()['id']}")).json()["state"]
    assert state["type"] == "COMPLETED", state["message"]


async def test_the_products_own_file_deploys_from_another_folder(api: str, tmp_path: Path) -> None:
    await prefect("--no-prompt", "deploy", "--all", "--prefect-file", str(definition_file()), folder=tmp_path)
    scheduled = {name for name, each in deployments_on(api).items() if each["schedules"]}
    assert scheduled == {"action_items", "detection", "report_month"}
    assert all(not each["pull_steps"] for each in deployments_on(api).values())


async def prefect(*arguments: str, folder: Path | None = None) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "prefect", *arguments),
        env=dict(os.environ),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
