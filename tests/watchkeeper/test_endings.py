"""Which alerts keep an incident open, and why the others do not; and what follows when they end after a hand-over."""

import httpx
import pytest

from tests.conftest import MovedClock
from tests.watchkeeper.figures.test_remediations import carried_out, proved, restarted
from tests.watchkeeper.house import KernelHouse, two_on_call
from watchkeeper.answers import Verb
from watchkeeper.closing import close_as_proved
from watchkeeper.endings import decide_ending, read_waited_for
from watchkeeper.incidents import change_status, read_incident
from watchkeeper.model import OPEN_STATUSES, Channel, Decision, Status
from watchkeeper.remediations import plan_undoing
from watchkeeper.store import Store
from watchkeeper.timeline import read_timeline


def away(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("prefect is away", request=request)


@pytest.fixture
def house(store: Store, clock: MovedClock) -> KernelHouse:
    return KernelHouse(store, clock, two_on_call(), httpx.MockTransport(away))


@pytest.mark.parametrize(
    ("source", "choice", "reason"),
    [
        ("uptimerobot", "waits", "its_sender_says_when_it_is_over"),
        ("sweep", "waits", "its_sender_says_when_it_is_over"),
        ("generic", "waits", "its_sender_says_when_it_is_over"),
        (
            "sentry",
            "waits",
            "its_sender_says_when_it_is_over",
        ),  # a metric alert; one of an issue does not last
        ("person", "proved", "nobody_but_a_person_ends_what_a_person_opened"),
        ("vercel", "proved", "a_build_that_failed_leaves_the_one_before_it_serving"),
    ],
)
def test_decides_by_the_source_whose_word_is_waited_for(source: str, choice: str, reason: str) -> None:
    assert decide_ending(source) == Decision(choice=choice, reason=reason)


async def try_to_close(house: KernelHouse) -> bool:
    async with house.store.transaction() as db:
        await change_status(db, 1, expected=OPEN_STATUSES, new=Status.MONITORING, now=house.clock())
        incident = await read_incident(db, 1)
        closed = dict.fromkeys(("recovered_at", "healthy_at", "now"), house.clock())
        return await close_as_proved(db, house.desk, incident, **closed)


async def test_one_of_several_monitors_is_enough_to_keep_it_open(house: KernelHouse) -> None:
    await house.hear()
    await house.hear(fingerprint="checkout", summary="Checkout fails")
    await house.hear(firing=False)
    assert not await try_to_close(house)

    (waited_for,) = await read_waited_for(house.store, 1)
    assert waited_for.in_words() == "generic still says: Checkout fails"

    await house.hear(fingerprint="checkout", firing=False)
    assert await try_to_close(house)


async def test_what_the_probes_end_is_said_with_its_reason(house: KernelHouse) -> None:
    await house.hear(source="person", fingerprint="person:1", summary="Checkout fails")
    assert await try_to_close(house)

    said = [entry.text for entry in await read_timeline(house.store, 1) if "green probes" in entry.text]
    assert said == [
        "person still says: Checkout fails; green probes end it: nobody but a person ends what a person opened"
    ]


async def test_it_goes_on_by_itself_when_what_still_fired_ends_after_the_hand_over(
    house: KernelHouse,
) -> None:
    await house.hear()
    assert not await try_to_close(house)
    incident = await read_incident(house.store, 1)
    await house.store.run("incidents/hand_over", id=1, attempt=incident.attempt, now=house.clock())
    await house.pass_time(hours=1)
    assert (await read_incident(house.store, 1)).attempt == incident.attempt

    await house.hear(firing=False)
    await house.pass_time(seconds=1)

    after = await read_incident(house.store, 1)
    assert (after.attempt, after.waiting_for) == (incident.attempt + 1, None)


@pytest.mark.parametrize("proved", [True, False])
async def test_whoever_has_it_is_asked_to_test_by_hand_what_probes_proved(
    house: KernelHouse, proved: bool
) -> None:
    await house.hear()
    await house.pass_time(seconds=1)
    await house.says("ana")
    await house.hear(firing=False)

    if proved:
        assert await try_to_close(house)
    else:
        await house.says("ben", Verb.RESOLVE)
    await house.pager.send_all_due()

    sent = house.channels[Channel.EMAIL].sent
    over = {to: message.text for to, message in sent if message.subject.startswith("Resolved")}
    asked = {to for to, text in over.items() if "test by hand once more: " in text}
    assert set(over) == {"ana@example.com", "ben@example.com"}
    assert asked == ({"ana@example.com"} if proved else set())


@pytest.mark.parametrize(
    ("taken_back", "resolution"),
    [
        (False, "Restart it"),
        (True, "it recovered, and no change of ours is known to have ended it"),
        (None, "it recovered without a change of ours"),
    ],
)
async def test_the_team_reads_of_the_changes_that_may_have_ended_it(
    house: KernelHouse, taken_back: bool | None, resolution: str
) -> None:
    if taken_back is None:
        await house.hear()
        await house.hear(firing=False)
        assert await try_to_close(house)
    else:
        done = await restarted(house)
        if taken_back:
            back = done.plan.model_copy(update={"summary": "Take it back", "target": "backend, back"})
            given = (house.store, await read_incident(house.store, 1), done, back, house.desk.policy)
            await carried_out(house, await plan_undoing(*given, now=house.clock()))
        await proved(house)
    await house.pager.send_all_due()
    sent = [message for _, message in house.channels[Channel.EMAIL].sent]
    (text,) = {message.text for message in sent if message.subject.startswith("Resolved")}
    assert f"Resolution: {resolution}\n" in text
