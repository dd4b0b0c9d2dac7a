"""The blocks that this installation has, loaded at once."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from prefect.blocks.core import Block

from blocks.gemini import GeminiCredentials
from blocks.github import GitHubCredentials
from blocks.loading import load_block
from blocks.postgres import PostgresCredentials
from blocks.railway import RailwayCredentials
from blocks.redis import RedisCredentials
from blocks.removebg import RemoveBgCredentials
from blocks.sentry import SentryCredentials
from blocks.stripe import StripeCredentials
from blocks.supabase import SupabaseCredentials
from blocks.upstash import UpstashCredentials
from blocks.uptimerobot import UptimeRobotCredentials
from blocks.vercel import VercelCredentials


@dataclass(frozen=True)
class Credentials:
    """The blocks that this installation has; None where a vendor is not configured."""

    railway: RailwayCredentials | None = None
    postgres: PostgresCredentials | None = None
    redis: RedisCredentials | None = None
    stripe: StripeCredentials | None = None
    sentry: SentryCredentials | None = None
    supabase: SupabaseCredentials | None = None
    uptimerobot: UptimeRobotCredentials | None = None
    github: GitHubCredentials | None = None
    gemini: GeminiCredentials | None = None
    removebg: RemoveBgCredentials | None = None
    upstash: UpstashCredentials | None = None
    vercel: VercelCredentials | None = None


# Each vendor's block, under its name in Credentials.
BLOCKS: dict[str, type[Block]] = {
    "railway": RailwayCredentials,
    "postgres": PostgresCredentials,
    "redis": RedisCredentials,
    "stripe": StripeCredentials,
    "sentry": SentryCredentials,
    "supabase": SupabaseCredentials,
    "uptimerobot": UptimeRobotCredentials,
    "github": GitHubCredentials,
    "gemini": GeminiCredentials,
    "removebg": RemoveBgCredentials,
    "upstash": UpstashCredentials,
    "vercel": VercelCredentials,
}


async def load_credentials(names: Collection[str] = tuple(BLOCKS)) -> Credentials:
    """Load these blocks at once. Each is a question to the Prefect server: a sweep a minute asks only what it needs."""
    loaded = await asyncio.gather(*(load_block(BLOCKS[name]) for name in names))
    found: dict[str, Any] = dict(zip(names, loaded, strict=True))
    return Credentials(**found)
