"""The platform under the company: its services, each running one release at a time, as Railway would run them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import psycopg
from redis.asyncio import Redis

from drills.vendors.config import Company
from drills.vendors.service import Service, Tell


class Platform:
    """The company's services, the backend first."""

    def __init__(self, company: Company, control_secret: str, redis_url: str) -> None:
        self._database_url = company.database_url
        self._redis_url = redis_url
        self._services = {each.name: Service(each, company, control_secret) for each in company.services}

    def service(self, name: str) -> Service:
        return self._services[name]

    def by_id(self, service_id: str) -> Service | None:
        """The service that the vendor's API knows under this id."""
        return next((s for s in self._services.values() if s.config.service_id == service_id), None)

    def of_deployment(self, deployment_id: str) -> Service | None:
        return next((s for s in self._services.values() if s.find(deployment_id)), None)

    @property
    def backend(self) -> Service:
        return self._services["backend"]

    async def start(self) -> None:
        await asyncio.gather(*(service.start() for service in self._services.values()))

    async def stop(self) -> None:
        await asyncio.gather(*(service.stop() for service in self._services.values()))

    async def weigh_for_ever(self) -> None:
        async with asyncio.TaskGroup() as group:
            for service in self._services.values():
                group.create_task(service.weigh_for_ever())
                group.create_task(service.throttle_for_ever())

    def listen(self, tell: Tell) -> None:
        """Who is told what becomes of deployments."""
        for service in self._services.values():
            service.tell = tell

    async def reset(self, empty_queue: Callable[[], Awaitable[None]]) -> None:
        """The worker last and anew, when nothing waits for it any more: one that finds a design without end hangs at
        once, and a platform cannot see that it does."""
        await self._forget_faults()
        worker = self._services["worker"]
        await asyncio.gather(*(each.reset() for each in self._services.values() if each is not worker))
        await empty_queue()
        await worker.reset(anew=True)

    async def _forget_faults(self) -> None:
        """The faults that outlive a process: what makes the company's data grow. Its vendor's door may be closed."""
        async with Redis.from_url(self._redis_url) as redis:
            if names := await redis.keys("fault:*"):
                await redis.delete(*names)

    def state(self) -> dict[str, Any]:
        return {name: service.state() for name, service in self._services.items()}

    async def paid_orders(self) -> list[dict[str, Any]] | None:
        """The company's paid orders as its database has them, oldest first; None when it cannot be read."""
        try:
            async with await psycopg.AsyncConnection.connect(
                self._database_url, connect_timeout=3, autocommit=True
            ) as connection:
                cursor = await connection.execute(
                    "SELECT event_id, reference, amount FROM paid_orders ORDER BY paid_at, event_id"
                )
                rows = await cursor.fetchall()
        except psycopg.OperationalError:
            return None
        return [{"event_id": row[0], "reference": row[1], "amount": row[2]} for row in rows]
