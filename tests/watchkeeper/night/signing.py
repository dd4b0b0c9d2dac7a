"""Signing as people do: asked for by command, signed by the link on one's own phone."""

from datetime import datetime
from typing import Any

from tests.watchkeeper.house import KernelHouse, two_on_call
from watchkeeper.model import Channel
from watchkeeper.night.signatures import Refusal, Signature, ask_for_signature, sign
from watchkeeper.policy import Policy

CRASHED = "worker_crashed"


def at_night(**night: Any) -> Policy:
    """Ana and Ben on call, with the shipped night and what a story changes in it."""
    return two_on_call(night=night)


def worker_is_stuck(**told: Any) -> dict[str, Any]:
    """The first alert of an incident that a restarted worker may cure."""
    known = {
        "fingerprint": "worker",
        "service": "worker",
        "kind": "worker_stuck",
        "summary": "Worker is stuck",
    }
    return known | told


async def ask(house: KernelHouse, person: str, cause: str, ends_at: datetime | None = None) -> Signature:
    async with house.store.transaction() as db:
        asked = await ask_for_signature(
            db, house.desk, cause, person, asked_by="ben", ends_at=ends_at, now=house.clock()
        )
    await house.pager.send_all_due()
    return asked


def link_on_phone(house: KernelHouse, number: str) -> str:
    """What the newest text message to a number links to, without the address in front."""
    return house.phone(number)[-1].rpartition("/n/")[2]


async def press(house: KernelHouse, token: str) -> Signature | Refusal:
    """Whoever has the link signs."""
    async with house.store.transaction() as db:
        return await sign(db, house.desk, house.signer.read_night(token), now=house.clock())


async def signed(house: KernelHouse, cause: str = CRASHED, person: str = "ana") -> Signature:
    """A person signs a cure; their phone and the team's channel show nothing of it any more."""
    number = house.desk.policy.people[person].phone or ""
    await ask(house, person, cause)
    given = await press(house, link_on_phone(house, number))
    await house.pager.send_all_due()
    assert isinstance(given, Signature), given
    for phone in house.channels.values():
        phone.sent.clear()
    assert house.channels[Channel.SMS].sent == []
    return given
