"""Was this worth waking you? Asked once of each person who was woken, and counted per rule."""

from datetime import timedelta
from typing import Any

import pytest

from tests.watchkeeper.house import ANA, KernelHouse, link_id
from watchkeeper.closing import close_by_hand
from watchkeeper.commands.worth import worth_table
from watchkeeper.incidents import read_incident
from watchkeeper.links import Link
from watchkeeper.model import Channel
from watchkeeper.paging.outbox import Told
from watchkeeper.quiet.worth import WorthOfRule, answer_worth, read_questions, read_worth, written_to


async def a_night(house: KernelHouse, **told: Any) -> int:
    """An incident from its page to its end."""
    admission = await house.hear(**told)
    async with house.store.transaction() as db:
        incident = await read_incident(db, admission.incident_id or 0)
        await close_by_hand(db, house.desk, incident, person="ben", reason="over", now=house.clock())
    await house.pager.send_all_due()
    return incident.id


def asked(house: KernelHouse, channel: Channel, address: str) -> list[str]:
    """The links of the questions that somebody was sent."""
    sent = [message for to, message in house.channels[channel].sent if to == address]
    return [message.link for message in sent if message.link and "/w/" in message.link]


async def answer(house: KernelHouse, link: str, *, worth: bool) -> object:
    async with house.store.transaction() as db:
        return await answer_worth(db, link_id(link), worth=worth, now=house.clock())


async def test_whoever_was_woken_is_asked_once_in_the_resolved_message(house: KernelHouse) -> None:
    await a_night(house)
    (link,) = asked(house, Channel.EMAIL, "ana@example.com")
    (mail,) = [message for _, message in house.channels[Channel.EMAIL].sent if message.link == link]
    assert mail.subject.startswith("Resolved") and f"Was it worth waking you? {link}" in mail.text
    assert asked(house, Channel.SMS, ANA) == []
    # Ben slept, and a channel is nobody.
    assert asked(house, Channel.EMAIL, "ben@example.com") == []
    assert asked(house, Channel.SLACK, "#incidents") == []


async def test_the_answer_counts_once(house: KernelHouse) -> None:
    await a_night(house)
    (link,) = asked(house, Channel.EMAIL, "ana@example.com")
    assert isinstance(await answer(house, link, worth=False), Link)
    assert await answer(house, link, worth=True) == "used"
    assert [(q.person, q.worth) for q in await read_questions(house.store, 1)] == [("ana", False)]


async def test_a_question_is_not_answered_after_two_weeks_or_through_another_link(house: KernelHouse) -> None:
    await a_night(house)
    (link,) = asked(house, Channel.EMAIL, "ana@example.com")
    assert await answer(house, "/a/1.x", worth=True) == "unknown"
    house.clock.advance(days=14)
    assert await answer(house, link, worth=True) == "expired"


async def test_a_ticket_woke_nobody_and_asks_nothing(house: KernelHouse) -> None:
    await a_night(house, severity="P3")
    assert await read_questions(house.store, 1) == []
    assert asked(house, Channel.EMAIL, "ana@example.com") == []


async def test_the_answers_are_counted_per_rule(house: KernelHouse) -> None:
    started = house.clock()
    for told in ({}, {}, {"fingerprint": "redis", "service": "redis", "kind": "redis_down"}):
        await a_night(house, **told)
        house.clock.advance(days=1)
    links = asked(house, Channel.EMAIL, "ana@example.com")
    house.clock.advance(hours=-24)
    for link, worth in zip(links, (True, False), strict=False):
        await answer(house, link, worth=worth)
    site, redis = await read_worth(house.store, since=started, until=started + timedelta(days=30))
    rule = {"kind": "site_outage", "source": "generic", "service": "backend", "judged": "kind_site_outage"}
    assert site == WorthOfRule.model_validate({**rule, "asked": 2, "worth": 1, "not_worth": 1})
    assert (redis.kind, redis.asked, redis.unanswered) == ("redis_down", 1, 1)
    (later,) = await read_worth(
        house.store, since=started + timedelta(days=2), until=house.clock() + timedelta(1)
    )
    assert later.kind == "redis_down"
    assert worth_table([site])[1].split() == [
        *["site", "outage", "generic", "backend", "kind", "site", "outage", "2", "1", "1", "0"]
    ]


@pytest.mark.parametrize(
    ("ways", "carries"),
    [
        (["sms"], "sms"),
        (["sms", "email"], "email"),
        (["email", "slack", "sms"], "slack"),
        ([], None),
    ],
)
def test_the_quietest_message_carries_the_question(ways: list[str], carries: str | None) -> None:
    told = [*(Told("ana", way) for way in ways), Told("ben", "slack")]
    way = written_to("ana", told)
    assert (way.channel if way else None) == carries
