"""Registers everything on a Prefect server: the work pool, the blocks and what `prefect.yaml` defines.

    python -m deployments.register [--pool-type warm]

Prefect's own `prefect deploy --all` does the deployments, so that there is no second list of them; what it
leaves behind (a schedule or a deployment that is no longer in the file) is removed after it. Credentials go
into blocks, never into parameters, which the server shows.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import VariableCreate, VariableUpdate, WorkPoolCreate
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterName
from prefect.exceptions import ObjectNotFound
from prefect.workers.base import BaseWorker
from pydantic import BaseModel

from blocks.gemini import GeminiCredentials
from blocks.github import GitHubCredentials
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
from deployments.definition import (
    DEPLOYMENT_NAME,
    REGISTRATION,
    WORK_POOL,
    defined_deployments,
    definition_file,
    fingerprint,
)
from watchkeeper.errors import BadInput, WatchkeeperError
from watchkeeper.home import read_settings
from watchkeeper.settings import Settings

BLOCK_DOCUMENT = "watchkeeper"


async def register(settings: Settings, *, file: Path, pool_type: str) -> None:
    """Make the server have what the settings and `prefect.yaml` say, and nothing of ours beside.

    Raises:
        BadInput: the work pool exists with another type, or there is no such type.
        WatchkeeperError: `prefect deploy` failed; the text is what it said.
    """
    async with get_client() as client:
        await ensure_work_pool(client, pool_type)
        for kind, block in blocks_of(settings).items():
            await save_or_remove(client, kind, block)
        await deploy(file)
        await remove_what_is_not_defined(client, defined_deployments(file))
        # Last: a registration that was cut short is done again.
        await remember(client, fingerprint(settings, file=file, worker_type=pool_type))


async def ensure_work_pool(client: PrefectClient, pool_type: str) -> None:
    try:
        pool = await client.read_work_pool(WORK_POOL)
    except ObjectNotFound:
        worker = BaseWorker.get_worker_class_from_type(pool_type)
        if worker is None:
            raise BadInput(f"there is no worker type {pool_type!r}") from None
        template = worker.get_default_base_job_template()
        await client.create_work_pool(
            WorkPoolCreate(name=WORK_POOL, type=pool_type, base_job_template=template)
        )
        return
    if pool.type != pool_type:
        raise BadInput(
            f"the work pool {WORK_POOL!r} is of type {pool.type!r}, not {pool_type!r}; "
            f"delete it (prefect work-pool delete {WORK_POOL}) or register with --pool-type {pool.type}"
        )


def blocks_of(settings: Settings) -> dict[type[Block], Block | None]:
    """One block for each vendor, or None for a vendor that is not configured."""
    production, redis_url = settings.production, settings.redis_url
    vendors: dict[type[Block], BaseModel | None] = {
        RailwayCredentials: settings.railway,
        VercelCredentials: settings.vercel,
        SentryCredentials: settings.sentry,
        SupabaseCredentials: settings.supabase,
        UptimeRobotCredentials: settings.uptimerobot,
        SlackCredentials: settings.slack,
        StripeCredentials: settings.stripe,
        TwilioCredentials: settings.twilio,
        SendGridCredentials: settings.sendgrid,
        GitHubCredentials: settings.github,
        GeminiCredentials: settings.gemini,
        RemoveBgCredentials: settings.removebg,
        UpstashCredentials: settings.upstash,
    }
    return {kind: _filled(kind, vendor) for kind, vendor in vendors.items()} | {
        PostgresCredentials: None
        if production is None
        else PostgresCredentials(url=production.database_url, application_user=production.application_user),
        RedisCredentials: None if redis_url is None else RedisCredentials(url=redis_url),
    }


def _filled(kind: type[Block], vendor: BaseModel | None) -> Block | None:
    """A block with the vendor's settings of the same names."""
    if vendor is None:
        return None
    return kind(**{name: value for name, value in vendor if name in kind.model_fields})


async def save_or_remove(client: PrefectClient, kind: type[Block], block: Block | None) -> None:
    """Save the block under our name; for None, see that the server has none: its secret was withdrawn."""
    await kind.register_type_and_schema(client=client)
    if block is not None:
        await block.save(BLOCK_DOCUMENT, overwrite=True, client=client)
        return
    try:
        document = await client.read_block_document_by_name(BLOCK_DOCUMENT, kind.get_block_type_slug())
    except ObjectNotFound:
        return
    await client.delete_block_document(document.id)


async def deploy(file: Path) -> None:
    """Run `prefect deploy --all`, which also checks that every entry point can be imported."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(file)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise WatchkeeperError(f"prefect deploy failed:\n{output.decode(errors='replace')}")


async def remove_what_is_not_defined(client: PrefectClient, defined: list[dict[str, Any]]) -> None:
    """Remove schedules and deployments of ours that the file no longer has.

    `prefect deploy` replaces a deployment's schedules when the file names some, and leaves them when it names
    none.
    """
    scheduled = {each["entrypoint"]: bool(each.get("schedules")) for each in defined}
    ours = DeploymentFilter(name=DeploymentFilterName(any_=[DEPLOYMENT_NAME]))
    for deployment in await client.read_deployments(deployment_filter=ours):
        if deployment.entrypoint not in scheduled:
            await client.delete_deployment(deployment.id)
        elif not scheduled[deployment.entrypoint]:
            for schedule in deployment.schedules:
                await client.delete_deployment_schedule(deployment.id, schedule.id)


async def remember(client: PrefectClient, registered: str) -> None:
    """Leave the fingerprint of this registration on the server."""
    # Prefect's Variable.aset does the same on a client of its own, which it never closes.
    if await client.read_variable_by_name(REGISTRATION) is None:
        await client.create_variable(VariableCreate(name=REGISTRATION, value=registered))
    else:
        await client.update_variable(VariableUpdate(name=REGISTRATION, value=registered))


def main() -> None:
    parser = argparse.ArgumentParser(description="Register the work pool, the blocks and the deployments.")
    parser.add_argument("--pool-type", default="warm", help="the work pool's type (default: %(default)s)")
    arguments = parser.parse_args()
    try:
        settings = read_settings()
        asyncio.run(register(settings, file=definition_file(), pool_type=arguments.pool_type))
    except WatchkeeperError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
