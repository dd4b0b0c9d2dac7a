"""Why this was or was not paged, in plain words; and what would happen, without doing it."""

import inspect
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.watchkeeper.house import PUBLIC_URL, KernelHouse
from watchkeeper import decisions
from watchkeeper.commands.asking import describe_steps
from watchkeeper.errors import BadInput
from watchkeeper.model import Channel
from watchkeeper.oncall import Change
from watchkeeper.paging.desk import Desk
from watchkeeper.policy.windows import Matcher
from watchkeeper.quiet.explaining import DECISIONS, explain, list_newest, read_facts
from watchkeeper.quiet.silences import Silence, add_silence
from watchkeeper.quiet.simulating import Said, Simulation

FRIDAY_EVENING = datetime(2026, 3, 6, 19, 30, tzinfo=UTC)


async def explained(house: KernelHouse, reference: str) -> str:
    return "\n".join(explain(await read_facts(house.store, reference), house.desk.policy))


def silence(starts_at: datetime, hours: float = 1) -> Silence:
    return Silence(
        match=Matcher(service="backend"),
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=hours),
        person="ben",
        reason="deploying",
    )


async def test_a_page_is_explained_with_its_rule_and_whom_it_reached(house: KernelHouse) -> None:
    await house.hear()
    await house.pass_time(minutes=15)
    text = await explained(house, "site")
    assert "generic said on 2026-03-02 03:00 UTC: Backend is down (fires)" in text
    assert "It was judged P0: that is what kinds.site_outage in the policy says." in text
    assert "Decided: nothing that was open explained it, so it opened INC-0001." in text
    assert "severities.P0 pages at any hour by email, sms, voice" in text
    assert "2026-03-02 03:00 UTC  ana by sms: page, sent" in text
    assert "2026-03-02 03:15 UTC  ben by sms: escalation, sent" in text


async def test_an_alert_that_joined_says_why_it_woke_nobody_anew(house: KernelHouse) -> None:
    await house.hear(fingerprint="db", service="database", kind="database_down")
    await house.hear(fingerprint="site")
    assert "it depends on a service that was down already, so it joined INC-0001" in await explained(
        house, "2"
    )
    assert "With this fingerprint" not in await explained(house, "site")
    await house.hear(fingerprint="site")
    assert "With this fingerprint 2 alerts came in so far." in await explained(house, "site")


async def test_a_silenced_alert_names_the_silence_and_what_comes_of_it(house: KernelHouse) -> None:
    await add_silence(house.store, silence(house.clock()), now=house.clock())
    await house.hear()
    text = await explained(house, "1")
    assert "a silence held it back: silence 1 by ben (deploying)" in text
    assert "If it does on Mon 2 Mar 04:00 (UTC), it opens its incident then." in text
    assert "Nobody was paged for it." in text
    await house.pass_time(hours=1)
    text = await explained(house, "1")
    assert "Before that it was held back until Mon 2 Mar 04:00 (UTC) by silence 1 by ben (deploying)" in text
    assert "2026-03-02 04:00 UTC  ana by sms: page, sent" in text


async def test_a_silenced_alert_that_went_quiet_is_waited_for_no_more(house: KernelHouse) -> None:
    await add_silence(house.store, silence(house.clock()), now=house.clock())
    await house.hear()
    await house.hear(firing=False)
    assert "nothing waits for it" in await explained(house, "1")
    assert "it tells that something is over, and nothing of it was open" in await explained(house, "site")


async def test_a_page_that_is_held_says_until_when(house: KernelHouse) -> None:
    house.clock.now = FRIDAY_EVENING
    await house.hear(severity="P2")
    text = await explained(house, "1")
    assert "severities.P2 pages in business hours by email, slack" in text
    assert "The page is held until Mon 9 Mar 09:00 (UTC)." in text
    assert "Who was called: nobody so far." in text


async def test_an_alert_is_named_by_its_number_its_fingerprint_or_its_incident(house: KernelHouse) -> None:
    await house.hear(fingerprint="7")
    await house.hear(fingerprint="7", summary="Backend is still down")
    assert "Alert 2:" in await explained(house, "7")
    for first in ("1", "INC-0001", "inc-1"):
        assert "Alert 1:" in await explained(house, first)


async def test_the_newest_alerts_are_listed_with_what_was_decided(house: KernelHouse) -> None:
    await house.hear()
    await house.hear(fingerprint="other", firing=False)
    newest, first = await list_newest(house.store, house.desk.policy, limit=20)
    assert "[nothing open to resolve]" in newest
    assert "     1  Mon 2 Mar 03:00 (UTC)  generic: Backend is down  [" in first and ", INC-0001]" in first


async def test_an_alert_that_never_came_in_cannot_be_explained(house: KernelHouse) -> None:
    with pytest.raises(BadInput, match="no alert 'nothing'"):
        await read_facts(house.store, "nothing")


def test_every_decision_of_admission_has_its_words() -> None:
    named = re.findall(r'Placement\("\w+", [\w.]+, "(\w+)"\)', inspect.getsource(decisions.place))
    assert len(named) > 5
    assert set(named) <= set(DECISIONS)


async def simulated(house: KernelHouse, said: Said | None = None, asks: int = 2, **told: Any) -> list[str]:
    desk = Desk(house.desk.policy, PUBLIC_URL)
    simulation = Simulation(house.store, desk, set(Channel), house.clock())
    steps = await simulation.run(house.alert(**told), said or Said(), asks=asks)
    return describe_steps(steps, desk.policy)


def index_of(lines: list[str], *parts: str) -> int:
    """The first line that says all of this."""
    fitting = [n for n, line in enumerate(lines) if all(part in line for part in parts)]
    assert fitting, "\n".join(lines)
    return fitting[0]


async def test_a_simulation_tells_who_is_woken_when_nobody_answers(house: KernelHouse) -> None:
    lines = await simulated(house)
    assert "On call: Ana, then Ben (fixed roster)" in lines[0]
    first = index_of(lines, "+0 seconds", "Ana is woken by voice, sms, email (page)")
    then = index_of(lines, "Ben is woken by")
    unanswered = [n for n, line in enumerate(lines) if "Nobody has acknowledged INC-0001" in line]
    assert first < then < unanswered[-1]
    assert ["+15 minutes" in lines[unanswered[0]], len(unanswered)] == [True, 2]
    assert house.channels[Channel.SMS].sent == []


async def test_a_simulation_of_a_p2_on_friday_evening_goes_on_to_monday(house: KernelHouse) -> None:
    house.clock.now = FRIDAY_EVENING
    lines = await simulated(house, severity="P2", asks=1)
    assert index_of(lines, "Mon 09 Mar 09:00:00", "Ana is woken by email (page)")
    assert index_of(lines, "Mon 09 Mar 13:00:00", "Ben is woken by")


async def test_a_simulation_knows_a_swap_that_was_said_by_command(house: KernelHouse) -> None:
    now = house.clock()
    ends_at = now + timedelta(hours=9)
    swap = Change(kind="primary", person="ben", starts_at=now, ends_at=ends_at, said_by="ana")
    lines = await simulated(house, Said(changes=[swap]), asks=0)
    assert "On call: Ben" in lines[0] and "(override)" in lines[0]
    assert index_of(lines, "Ben is woken by voice, sms, email (page)")


async def test_a_simulation_knows_a_silence_that_was_said_by_command(house: KernelHouse) -> None:
    lines = await simulated(house, Said(silences=[silence(house.clock())]), asks=1)
    assert "The alert is taken in: silenced" in lines[1]
    assert index_of(lines, "+1 hour", "Ana is woken by voice, sms, email (page)")
