"""Signatures: a person's own act, on exactly what was shown, for a time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.watchkeeper.house import ANA, BEN, KernelHouse
from tests.watchkeeper.night.signing import CRASHED, ask, link_on_phone, press, signed
from watchkeeper.errors import BadInput
from watchkeeper.model import Channel
from watchkeeper.night.signatures import Signature, look_at, read_signatures, withdraw


async def in_force(house: KernelHouse) -> list[str]:
    return [s.person for s in await read_signatures(house.store, now=house.clock())]


async def test_nothing_counts_before_its_person_signs_by_the_link_on_their_own_phone(
    house: KernelHouse,
) -> None:
    await ask(house, "ana", CRASHED)
    assert await in_force(house) == [] and house.phone(BEN) == []
    (text,) = house.phone(ANA)
    assert text.startswith("Sleep through this? worker crashed: restart service. Look and sign: http")
    assert [to for to, _ in house.channels[Channel.EMAIL].sent] == ["ana@example.com"]

    assert isinstance(await press(house, link_on_phone(house, ANA)), Signature)

    assert await in_force(house) == ["ana"]
    await house.pager.send_all_due()
    (post,) = house.channels[Channel.SLACK].texts("#incidents")
    assert post.startswith(
        "Signed for the night: Ana, worker crashed: restart service, until Wed 1 Apr 03:00"
    )


async def test_signing_twice_is_one_signature(house: KernelHouse) -> None:
    await ask(house, "ana", CRASHED)
    token = link_on_phone(house, ANA)
    first = await press(house, token)
    house.clock.advance(hours=1)
    assert await press(house, token) == first


@pytest.mark.parametrize("forged", ["n1.aaaaaaaaaaaaaaaaaaaaaaaaaaa", "1", "n1"])
async def test_a_link_that_was_not_made_here_signs_nothing(house: KernelHouse, forged: str) -> None:
    await ask(house, "ana", CRASHED)
    with pytest.raises(BadInput):
        await press(house, forged)


async def test_another_links_signature_signs_nothing(house: KernelHouse) -> None:
    await ask(house, "ana", CRASHED)
    for other in (house.signer.token(1), house.signer.proof_token(1)):
        with pytest.raises(BadInput):
            house.signer.read_night(other)


async def test_a_link_that_lay_about_for_a_day_signs_nothing(house: KernelHouse) -> None:
    await ask(house, "ana", CRASHED)
    house.clock.advance(hours=24)
    assert await press(house, link_on_phone(house, ANA)) == "expired"
    assert await in_force(house) == []


async def test_it_ends_by_itself(house: KernelHouse) -> None:
    given = await signed(house)
    assert given.ends_at == house.clock() + timedelta(days=30)
    house.clock.advance(days=30)
    assert await in_force(house) == []


async def test_it_can_be_taken_back_and_the_team_hears_of_it(house: KernelHouse) -> None:
    given = await signed(house)
    async with house.store.transaction() as db:
        await withdraw(db, house.desk, given.id, by="ben", now=house.clock())
    await house.pager.send_all_due()
    assert await in_force(house) == []
    assert house.channels[Channel.SLACK].texts("#incidents")[0].startswith("Taken back by ben")
    assert await look_at(house.store, given.id, house.desk.policy, now=house.clock()) == "withdrawn"
    async with house.store.transaction() as db:
        with pytest.raises(BadInput, match="no signature 1 to take back"):
            await withdraw(db, house.desk, given.id, by="ben", now=house.clock())


@pytest.mark.parametrize(
    "changed",
    [
        {"night": {"budget": 9}},
        {"night": {"actions": []}},
        {"limits": {"end_connections": 51}},
        {"calendar": {"time_zone": "Asia/Tokyo"}},
    ],
)
async def test_what_the_policy_no_longer_says_is_not_signed(
    house: KernelHouse, changed: dict[str, dict[str, object]]
) -> None:
    await ask(house, "ana", CRASHED)
    token = link_on_phone(house, ANA)
    policy = house.desk.policy
    data = {key: {**policy.model_dump(mode="json")[key], **value} for key, value in changed.items()}
    house.desk = replace(house.desk, policy=policy.model_validate({**policy.model_dump(mode="json"), **data}))
    assert await press(house, token) == "changed_terms"


@pytest.mark.parametrize(
    ("person", "cause", "problem"),
    [
        ("eve", CRASHED, "there is no person 'eve' under people"),
        ("ana", "disk_full", "no cause with a cure that can be signed; those are: connection_leak"),
        ("ana", "out_of_memory", "needs raise_resources, which night.actions in the policy does not name"),
    ],
)
async def test_what_cannot_be_signed_is_said(
    house: KernelHouse, person: str, cause: str, problem: str
) -> None:
    with pytest.raises(BadInput, match=problem):
        await ask(house, person, cause)


async def test_nobody_signs_for_longer_than_the_policy_lets_them(house: KernelHouse) -> None:
    with pytest.raises(BadInput, match="within 30 days"):
        await ask(house, "ana", CRASHED, ends_at=house.clock() + timedelta(days=31))
