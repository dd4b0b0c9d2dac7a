"""Redis: credentials, able to build a ready client."""

from prefect.blocks.core import Block
from pydantic import Field, HttpUrl, SecretStr
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from blocks.logos import logo_url

LIMIT_SECONDS = 3


class RedisCredentials(Block):
    """The watched production Redis, Upstash or any other.

    Example:
        ```python
        from blocks.redis import RedisCredentials

        credentials = RedisCredentials.load("BLOCK_NAME")
        client = credentials.get_client()
        ```
    """

    _block_type_name = "Redis (Watchkeeper)"
    _block_type_slug = "watchkeeper-redis"
    _description = "The watched production Redis, Upstash or any other."
    _documentation_url = HttpUrl("https://upstash.com/docs/redis/howto/connectclient")
    _logo_url = logo_url("redis")

    url: SecretStr = Field(
        default=..., description="Connection string, such as rediss://default:PASSWORD@host:6379."
    )

    def get_client(self, *, decode_responses: bool = False) -> Redis:
        """A client that answers or fails within seconds: it asks once, and asks nothing beside.

        Where every command is counted, the client's usual greeting (HELLO, CLIENT SETINFO twice) would make
        each PING cost four; AUTH, with a password, is still one. Decoded, its answers are text.
        """
        return Redis.from_url(
            self.url.get_secret_value(),
            socket_timeout=LIMIT_SECONDS,
            socket_connect_timeout=LIMIT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            driver_info=None,
            decode_responses=decode_responses,
        )
