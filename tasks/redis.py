"""The watched Redis."""

import re
import time

from redis.exceptions import AuthenticationError, AuthorizationError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from blocks.redis import RedisCredentials
from tasks.looking import Seen, look
from tasks.shapes import look_task
from watchkeeper.errors import NotConfigured
from watchkeeper.model import Check

# Upstash's own words, as a monthly quota, a daily one, and a limit of connections have them. Matched up to
# "exceeded", whatever follows; the address at their end is left out.
QUOTA = re.compile(r"max (?:daily request|requests) limit exceeded\.?(?: Limit: \d+, Usage: \d+)?", re.I)
TOO_MANY = re.compile(r"max concurrent connections exceeded|max number of clients reached", re.I)
REFUSED = (AuthenticationError, AuthorizationError)


async def redis_ping(credentials: RedisCredentials | None, *, slow_after_ms: float) -> Check:
    """How long a connection and a PING take, or which trouble it is.

    The fact "trouble" is one of connection (nobody answers), timeout, quota (the plan is used up), connections
    (too many of them), auth (our own credentials are refused), error and slow; it is missing when all is well.
    """

    async def read() -> Seen:
        if credentials is None:
            raise NotConfigured("Redis", setting="WATCHKEEPER_REDIS_URL")
        began = time.monotonic()
        try:
            async with credentials.get_client() as client:
                await client.ping()
        except (RedisError, OSError) as error:
            trouble, words = trouble_of(error)
            return Seen(False, words, {"trouble": trouble})
        milliseconds = round((time.monotonic() - began) * 1000, 1)
        words, facts = f"PONG in {milliseconds} ms", {"milliseconds": milliseconds}
        if milliseconds > slow_after_ms:
            return Seen(False, f"slow: {words}", {**facts, "trouble": "slow"})
        return Seen(True, words, facts)

    return await look("redis_ping", "redis", "redis-cli PING", read)


def trouble_of(error: RedisError | OSError) -> tuple[str, str]:
    """Which trouble it is, and a sentence; of the error's own text only what is known to hold no secret."""
    said, kind = str(error), type(error).__name__
    if found := QUOTA.search(said):
        return "quota", f"answers every command: ERR {found[0]}"
    if found := TOO_MANY.search(said):
        return "connections", f"takes no more connections: ERR {found[0]}"
    if isinstance(error, REFUSED):
        return "auth", f"refuses our own credentials ({kind})"
    if isinstance(error, ResponseError):
        return "error", f"answers PING with an error ({kind})"
    if isinstance(error, RedisTimeoutError | TimeoutError):
        return "timeout", f"does not answer in time ({kind})"
    return "connection", f"no connection ({kind})"


check_redis_ping = look_task("check_redis_ping", "redis")(redis_ping)
