"""The shop's customers: they order now and then, ask for designs, and know what they got."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from drills.company.loopback import http_client

EVERY_SECONDS = 0.25
DESIGN_EVERY_SECONDS = 2.0
ASK_AGAIN_SECONDS = 1.0
# A design that is there may be delivered a second time only so long after.
LOOKED_AFTER_SECONDS = 20.0
PATIENCE_SECONDS = 4
ODD_ONE_IN = 3


@dataclass
class Design:
    """One design that was asked for, as its customer sees it."""

    asked_at: float = field(default_factory=time.monotonic)
    status: str = "pending"
    error: str | None = None
    delivered: int = 0
    picture: str | None = None
    settled_at: float | None = None

    @property
    def is_open(self) -> bool:
        return self.settled_at is None

    def is_looked_after(self, now: float) -> bool:
        return self.settled_at is None or now - self.settled_at < LOOKED_AFTER_SECONDS

    def hear(self, told: dict[str, Any]) -> None:
        self.status, self.error, self.delivered = told["status"], told["error"], told["delivered"]
        self.picture = told["picture"]
        if self.status in ("completed", "failed"):
            self.settled_at = self.settled_at or time.monotonic()


class Customers:
    """Every order that was tried: when, and whether it succeeded; and every design that was asked for."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.orders: list[tuple[datetime, bool]] = []
        # From then on every third order is one that no release can take.
        self.odd_from: datetime | None = None
        self._counted = 0
        # The number that the shop gave to the newest order that it took.
        self.newest_order = 0
        # What the shop told whoever wanted to order while it was closed, and how often.
        self.closed_to: Counter[str] = Counter()
        self.designs: dict[str, Design] = {}
        self.refused = 0

    async def order_for_ever(self) -> None:
        async with http_client(timeout=PATIENCE_SECONDS) as client, asyncio.TaskGroup() as group:
            group.create_task(self._ask_for_designs(client))
            group.create_task(self._ask_again(client))
            while True:
                group.create_task(self._order(client))
                await asyncio.sleep(EVERY_SECONDS)

    async def _order(self, client: httpx.AsyncClient) -> None:
        at = datetime.now(UTC)
        try:
            answer = await client.post(f"{self._url}/orders", json={"item": self._item(at)})
        except httpx.TransportError:
            self.orders.append((at, False))
        else:
            self.orders.append((at, answer.status_code == 201))
            if answer.status_code == 201:
                self.newest_order = max(self.newest_order, answer.json()["id"])
            if answer.status_code == 503:
                self.closed_to[answer.json()["message"]] += 1

    def _item(self, at: datetime) -> str | None:
        self._counted += 1
        odd = self.odd_from is not None and at >= self.odd_from and self._counted % ODD_ONE_IN == 0
        return None if odd else "mug"

    async def _ask_for_designs(self, client: httpx.AsyncClient) -> None:
        while True:
            await asyncio.sleep(DESIGN_EVERY_SECONDS)
            try:
                answer = await client.post(f"{self._url}/designs")
            except httpx.TransportError:
                self.refused += 1
                continue
            if answer.status_code == 201:
                self.designs[answer.json()["id"]] = Design()
            else:
                self.refused += 1

    async def _ask_again(self, client: httpx.AsyncClient) -> None:
        """Is it there yet? And once it is: is it there only once?"""
        while True:
            await asyncio.sleep(ASK_AGAIN_SECONDS)
            now = time.monotonic()
            wanted = [number for number, design in self.designs.items() if design.is_looked_after(now)]
            if not wanted:
                continue
            try:
                answer = await client.get(f"{self._url}/designs", params={"ids": ",".join(wanted)})
            except httpx.TransportError:
                continue
            if answer.status_code == 200:
                for number, told in answer.json().items():
                    self.designs[number].hear(told)

    def forget_designs(self) -> None:
        """Before the next night nobody waits for anything."""
        self.designs = {number: design for number, design in self.designs.items() if not design.is_open}

    def designs_state(self) -> dict[str, Any]:
        """What became of the designs, by what their customers see."""
        now = time.monotonic()
        open_ones = [now - design.asked_at for design in self.designs.values() if design.is_open]
        by_status = [design.status for design in self.designs.values()]
        errors: dict[str, int] = {}
        for design in self.designs.values():
            if design.status == "failed":
                errors[str(design.error)] = errors.get(str(design.error), 0) + 1
        return {
            "asked": len(self.designs),
            "refused": self.refused,
            "completed": by_status.count("completed"),
            "failed": errors,
            "pictures": Counter(design.picture for design in self.designs.values() if design.picture),
            "waiting_longest_seconds": round(max(open_ones, default=0.0), 1),
            "delivered_twice": sum(design.delivered > 1 for design in self.designs.values()),
        }

    def state(self) -> dict[str, Any]:
        """Every order so far, and what was said to those who found the shop closed."""
        return {
            **self.counts_since(datetime.min.replace(tzinfo=UTC)),
            "newest_order": self.newest_order,
            "closed_to": dict(self.closed_to),
        }

    def counts_since(self, moment: datetime) -> dict[str, int]:
        results = [succeeded for at, succeeded in self.orders if at >= moment]
        return {"succeeded": sum(results), "failed": len(results) - sum(results)}
