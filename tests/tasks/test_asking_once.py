"""One question for everybody: sent once for each key, with its failure shared, and asked anew where nobody knows."""

import asyncio

import pytest

from tasks.asking_once import asked_once
from watchkeeper.errors import VendorUnavailable


class Vendor:
    """Answers once it is let; every question is kept."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.may_answer = asyncio.Event()
        self.fails = False

    async def list(self, credentials: str, target: str) -> list[str]:
        self.asked.append(target)
        await self.may_answer.wait()
        if self.fails:
            raise VendorUnavailable(vendor="railway", action="list", status=503)
        return [f"{target} of {credentials}"]


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


async def test_several_who_ask_the_same_at_once_share_one_answer(vendor: Vendor) -> None:
    once = asked_once(vendor.list, key=lambda credentials, target: target)
    asking = asyncio.gather(once("me", "backend"), once("me", "backend"), once("me", "worker"))
    await asyncio.sleep(0)
    vendor.may_answer.set()

    assert await asking == [["backend of me"], ["backend of me"], ["worker of me"]]
    assert await once("me", "worker") == ["worker of me"]
    assert vendor.asked == ["backend", "worker"]


async def test_a_vendors_failure_is_everybodys_answer(vendor: Vendor) -> None:
    vendor.fails = True
    vendor.may_answer.set()
    once = asked_once(vendor.list, key=lambda credentials, target: target)

    for _ in range(2):
        with pytest.raises(VendorUnavailable):
            await once("me", "backend")
    assert vendor.asked == ["backend"]


async def test_the_next_asks_where_the_first_was_interrupted(vendor: Vendor) -> None:
    once = asked_once(vendor.list, key=lambda credentials, target: target)
    first, second = asyncio.create_task(once("me", "backend")), asyncio.create_task(once("me", "backend"))
    await asyncio.sleep(0)
    first.cancel()
    vendor.may_answer.set()

    assert await second == ["backend of me"]
    assert vendor.asked == ["backend", "backend"]
