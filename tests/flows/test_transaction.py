"""One change to production as a transaction: claimed for good, made at most once, and looked up after a crash."""

import asyncio
from datetime import datetime, timedelta

import pytest

from flows import transaction
from flows.actions import registry
from flows.actions.site import Site
from flows.actions.vercel import RollBackFrontend
from flows.transaction import carry_out
from tests.flows.conftest import FakeAction, MovedBench, plan_to
from watchkeeper.closing import close_by_hand
from watchkeeper.errors import (
    CutShort,
    LeaseLost,
    NotPermitted,
    PreconditionChanged,
    VendorRejected,
    VendorUnavailable,
    WatchkeeperError,
)
from watchkeeper.model import Incident, Plan, Remediation, RemediationState
from watchkeeper.remediations import claim, decide, finish, read_remediation
from watchkeeper.store import Db

DONE, FAILED, CLAIMED = RemediationState.DONE, RemediationState.FAILED, RemediationState.CLAIMED
PLANNED, UNKNOWN, SKIPPED = RemediationState.PLANNED, RemediationState.UNKNOWN, RemediationState.SKIPPED

NO_ANSWER = VendorUnavailable(vendor="postgres", action="end_idle_connections", reason="time limit")
REFUSAL = VendorRejected(vendor="postgres", action="end_idle_connections", status=403, reason="not allowed")


@pytest.fixture
def action(monkeypatch: pytest.MonkeyPatch) -> FakeAction:
    """Ending connections, made by nobody; what was asked for settles at once, or not at all."""
    fake = FakeAction()
    monkeypatch.setitem(registry.ACTIONS, "end_idle_connections", fake)
    monkeypatch.setattr(transaction, "SETTLES_WITHIN", timedelta(milliseconds=-1))
    monkeypatch.setattr(transaction, "LOOK_AGAIN_SECONDS", 0)
    return fake


@pytest.fixture
def slow_to_settle(monkeypatch: pytest.MonkeyPatch, action: FakeAction) -> None:
    """On a clock that stands, waiting for a "no" to become true never ends."""
    monkeypatch.setattr(transaction, "SETTLES_WITHIN", timedelta(seconds=20))


async def planned(bench: MovedBench, incident: Incident) -> Remediation:
    return await bench.planned(incident, plan_to("end_idle_connections"))


async def left_by_the_dead(bench: MovedBench, incident: Incident) -> Remediation:
    """A remediation that was claimed by a run which then died."""
    return await claim(bench.store, await planned(bench, incident), holder="dead", now=bench.now())


async def test_is_claimed_before_it_happens_and_then_written_down(
    bench: MovedBench, site: Site, incident: Incident, action: FakeAction, monkeypatch: pytest.MonkeyPatch
) -> None:
    remediation = await planned(bench, incident)
    seen: list[tuple[str, str | None]] = []

    async def act(site: Site, plan: object) -> str:
        row = await read_remediation(bench.store, remediation.id)
        seen.append((row.state, row.claimed_by))
        return "3 connections ended"

    monkeypatch.setattr(action, "act", act)

    ended = await carry_out(bench, site, remediation, holder="run-1")

    assert seen == [(CLAIMED, "run-1")]
    assert (ended.state, ended.outcome, ended.finished_at) == (DONE, "3 connections ended", bench.now())
    assert ended == await read_remediation(bench.store, remediation.id)
    story = await bench.story(incident)
    assert story[-2:] == [
        "Doing: end_idle_connections of database",
        "Done: end_idle_connections of database: 3 connections ended",
    ]


@pytest.mark.parametrize(
    "error", [PreconditionChanged("no connection is idle any more"), NotPermitted("more than the limit")]
)
async def test_is_not_begun_when_the_last_look_forbids_it(
    bench: MovedBench, site: Site, incident: Incident, action: FakeAction, error: WatchkeeperError
) -> None:
    action.refuses = error

    ended = await carry_out(bench, site, await planned(bench, incident), holder="run-1")

    assert (ended.state, ended.outcome) == (FAILED, f"not begun: {error}")
    assert (action.acts, ended.claimed_by) == (0, None)


@pytest.mark.parametrize(("away", "state", "acts"), [(3, DONE, 1), (4, FAILED, 0)])
async def test_a_vendor_that_is_away_at_the_last_look_is_asked_again_for_a_minute(
    bench: MovedBench,
    site: Site,
    incident: Incident,
    action: FakeAction,
    away: int,
    state: RemediationState,
    acts: int,
) -> None:
    action.refuses, action.away = NO_ANSWER, away

    ended = await carry_out(bench, site, await planned(bench, incident), holder="run-1")

    assert (ended.state, action.acts) == (state, acts)
    assert ended.outcome == ("3 connections ended" if acts else f"not begun: {NO_ANSWER}")


@pytest.mark.parametrize("error", [NO_ANSWER, REFUSAL])
async def test_what_no_vendor_can_tell_any_more_goes_to_a_person_and_not_round_and_round(
    bench: MovedBench,
    site: Site,
    incident: Incident,
    action: FakeAction,
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def look_up(site: Site, remediation: Remediation) -> bool | None:
        raise error

    monkeypatch.setattr(action, "look_up", look_up)
    action.fails = NO_ANSWER

    ended = await carry_out(bench, site, await planned(bench, incident), holder="run-1")

    assert (ended.state, action.acts) == (UNKNOWN, 1)
    assert ended.outcome == f"{NO_ANSWER}; looked up: it cannot be told"


async def test_a_run_that_dies_before_the_claim_leaves_all_to_the_next(
    bench: MovedBench, site: Site, incident: Incident, action: FakeAction
) -> None:
    remediation = await planned(bench, incident)
    action.refuses = asyncio.CancelledError()

    with pytest.raises(asyncio.CancelledError):
        await carry_out(bench, site, remediation, holder="run-1")

    left = await read_remediation(bench.store, remediation.id)
    assert (left.state, action.acts) == (PLANNED, 0)
    action.refuses = None
    assert (await carry_out(bench, site, left, holder="run-2")).state is DONE
    assert (action.acts, action.looks) == (1, 0)


@pytest.mark.parametrize(
    ("happened", "state", "words"),
    [(True, DONE, "it happened"), (None, UNKNOWN, "it cannot be told")],
)
async def test_what_a_dead_run_began_is_looked_up_and_not_done_again(
    bench: MovedBench,
    site: Site,
    incident: Incident,
    action: FakeAction,
    happened: bool | None,
    state: RemediationState,
    words: str,
) -> None:
    action.answers = [happened]

    ended = await carry_out(bench, site, await left_by_the_dead(bench, incident), holder="run-2")

    assert (ended.state, ended.outcome) == (state, f"begun by a run that died; looked up: {words}")
    assert action.acts == 0


async def test_what_a_dead_run_surely_did_not_do_is_done_by_the_next_under_its_own_name(
    bench: MovedBench, site: Site, incident: Incident, action: FakeAction
) -> None:
    action.answers = [False]

    ended = await carry_out(bench, site, await left_by_the_dead(bench, incident), holder="run-2")

    assert (ended.state, ended.claimed_by, action.acts) == (DONE, "run-2", 1)


async def test_what_a_dead_run_did_not_do_is_not_done_when_it_is_no_longer_wanted(
    bench: MovedBench, site: Site, incident: Incident, action: FakeAction
) -> None:
    action.answers, action.refuses = [False], PreconditionChanged("another deployment serves now")

    ended = await carry_out(bench, site, await left_by_the_dead(bench, incident), holder="run-2")

    assert (ended.state, action.acts) == (FAILED, 0)
    assert ended.outcome == "not begun: another deployment serves now"


@pytest.mark.usefixtures("slow_to_settle")
async def test_a_no_is_believed_only_when_it_had_time_to_become_a_yes(
    bench: MovedBench, site: Site, incident: Incident, action: FakeAction
) -> None:
    action.answers = [False, False, True]

    ended = await carry_out(bench, site, await left_by_the_dead(bench, incident), holder="run-2")

    assert (ended.state, action.looks, action.acts) == (DONE, 3, 0)


@pytest.mark.usefixtures("slow_to_settle")
async def test_the_time_to_settle_counts_from_the_claim(
    bench: MovedBench, site: Site, incident: Incident, action: FakeAction
) -> None:
    action.answers = [False]
    remediation = await left_by_the_dead(bench, incident)
    bench.clock.advance(seconds=20.1)

    ended = await carry_out(bench, site, remediation, holder="run-2")

    assert (ended.state, action.looks, action.acts) == (DONE, 1, 1)


@pytest.mark.parametrize(
    ("happened", "state", "words"),
    [
        (True, DONE, "it happened"),
        (False, FAILED, "it did not happen"),
        (None, UNKNOWN, "it cannot be told"),
    ],
)
async def test_when_no_answer_comes_it_is_looked_up_and_never_asked_for_again(
    bench: MovedBench,
    site: Site,
    incident: Incident,
    action: FakeAction,
    happened: bool | None,
    state: RemediationState,
    words: str,
) -> None:
    action.fails, action.answers = NO_ANSWER, [happened]

    ended = await carry_out(bench, site, await planned(bench, incident), holder="run-1")

    assert (ended.state, ended.outcome) == (state, f"{NO_ANSWER}; looked up: {words}")
    assert action.acts == 1


@pytest.mark.parametrize("name", ["roll_back_frontend", "promote_frontend"])
async def test_of_a_frontend_that_may_yet_move_nobody_says_that_it_will_not(
    bench: MovedBench,
    site: Site,
    incident: Incident,
    action: FakeAction,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(registry.ACTIONS, name, action)
    action.fails, action.answers = NO_ANSWER, [False]
    shown = await bench.planned(incident, plan_to(name, "frontend"))
    approved = await decide(
        bench.store,
        shown,
        approved=True,
        person="ana",
        reason="",
        plan_digest=shown.plan_digest,
        now=bench.now(),
    )
    assert approved is not None

    ended = await carry_out(bench, site, approved, holder="run-1")

    assert (ended.state, ended.outcome) == (UNKNOWN, f"{NO_ANSWER}; looked up: it cannot be told")


@pytest.mark.parametrize(
    "error", [REFUSAL, PreconditionChanged("it is gone"), NotPermitted("51 are more than the limit of 50")]
)
async def test_a_refusal_is_the_end_and_needs_no_second_look(
    bench: MovedBench, site: Site, incident: Incident, action: FakeAction, error: WatchkeeperError
) -> None:
    action.fails = error

    ended = await carry_out(bench, site, await planned(bench, incident), holder="run-1")

    assert (ended.state, ended.outcome) == (FAILED, str(error))
    assert (action.acts, action.looks) == (1, 0)


@pytest.mark.parametrize("death", [asyncio.CancelledError(), KeyError("nobody foresaw this")])
async def test_a_run_that_dies_while_acting_leaves_the_claim_for_the_next_to_look_up(
    bench: MovedBench, site: Site, incident: Incident, action: FakeAction, death: BaseException
) -> None:
    action.fails = death
    remediation = await planned(bench, incident)
    with pytest.raises(type(death)):
        await carry_out(bench, site, remediation, holder="run-1")
    left = await read_remediation(bench.store, remediation.id)
    assert (left.state, left.claimed_by) == (CLAIMED, "run-1")

    ended = await carry_out(bench, site, left, holder="run-2")

    assert (ended.state, action.acts) == (DONE, 1)


async def test_two_runs_at_once_act_once(
    bench: MovedBench, site: Site, incident: Incident, action: FakeAction
) -> None:
    remediation = await planned(bench, incident)

    outcomes = await asyncio.gather(
        *(carry_out(bench, site, remediation, holder=f"run-{n}") for n in range(8)), return_exceptions=True
    )

    assert action.acts == 1
    assert sum(isinstance(each, Remediation) and each.state is DONE for each in outcomes) == 1
    assert sum(isinstance(each, LeaseLost) for each in outcomes) == 7


async def test_two_runs_that_find_a_dead_ones_claim_act_once(
    bench: MovedBench, site: Site, incident: Incident, action: FakeAction
) -> None:
    action.answers = [False]
    remediation = await left_by_the_dead(bench, incident)

    outcomes = await asyncio.gather(
        *(carry_out(bench, site, remediation, holder=f"run-{n}") for n in range(8)), return_exceptions=True
    )

    assert action.acts == 1
    assert sum(isinstance(each, LeaseLost) for each in outcomes) == 7


async def test_a_run_that_comes_late_does_not_write_an_ending_over_the_one_at_work(
    bench: MovedBench, site: Site, incident: Incident, action: FakeAction
) -> None:
    stale = await planned(bench, incident)
    at_work = await claim(bench.store, stale, holder="run-2", now=bench.now())
    action.refuses = PreconditionChanged("no connection is idle any more")

    with pytest.raises(LeaseLost):
        await carry_out(bench, site, stale, holder="run-1")

    assert (await read_remediation(bench.store, stale.id)) == at_work
    ended = await finish(bench.store, at_work, DONE, "3 connections ended", now=bench.now())
    assert ended.state is DONE


async def test_a_run_that_was_thought_dead_leaves_the_ending_to_its_successor(
    bench: MovedBench, incident: Incident
) -> None:
    thought_dead = await left_by_the_dead(bench, incident)
    successor = await claim(bench.store, thought_dead, holder="run-2", now=bench.now())

    with pytest.raises(LeaseLost):
        await finish(bench.store, thought_dead, FAILED, "no answer", now=bench.now())

    assert await read_remediation(bench.store, thought_dead.id) == successor


async def test_the_first_ending_stays(bench: MovedBench, incident: Incident) -> None:
    claimed = await left_by_the_dead(bench, incident)
    await finish(bench.store, claimed, DONE, "first", now=bench.now())

    ended = await finish(bench.store, claimed, FAILED, "second", now=bench.now())

    assert (ended.state, ended.outcome) == (DONE, "first")


async def test_nothing_is_changed_once_a_person_has_closed_the_incident(
    bench: MovedBench, site: Site, incident: Incident, action: FakeAction
) -> None:
    withdrawn = await planned(bench, incident)
    await close_by_hand(
        bench.store, bench.desk(incident), incident, person="ana", reason="false alarm", now=bench.now()
    )
    later = await bench.planned(incident, plan_to("end_idle_connections", "replica"), step=2)

    for remediation in (withdrawn, later):
        with pytest.raises(LeaseLost):
            await carry_out(bench, site, remediation, holder="run-1")

    assert action.acts == 0
    assert (await read_remediation(bench.store, withdrawn.id)).state is SKIPPED


async def test_what_is_written_with_the_claim_is_there_exactly_when_the_claim_is(
    bench: MovedBench, site: Site, incident: Incident, action: FakeAction
) -> None:
    remediation = await planned(bench, incident)

    async def fails(db: Db, now: datetime) -> None:
        raise RuntimeError("the run dies here")

    with pytest.raises(RuntimeError):
        await carry_out(bench, site, remediation, holder="run-1", with_claim=fails)

    left = await read_remediation(bench.store, remediation.id)
    assert (left.state, left.claimed_by, action.acts) == (PLANNED, None, 0)


@pytest.mark.parametrize(("all_gone", "state"), [(True, DONE), (False, UNKNOWN)])
async def test_what_was_cut_short_is_never_called_not_happened(
    bench: MovedBench,
    site: Site,
    incident: Incident,
    action: FakeAction,
    all_gone: bool,
    state: RemediationState,
) -> None:
    reason = "OperationalError: 2 were surely ended, and of 3 nobody can tell"
    action.fails = CutShort(vendor="postgres", action="end_idle_connections", reason=reason)
    action.answers = [all_gone]

    ended = await carry_out(bench, site, await planned(bench, incident), holder="run-1")

    assert ended.state is state
    assert ended.outcome is not None and reason in ended.outcome
    assert "did not happen" not in ended.outcome


class LateMove(RollBackFrontend):
    """A rollback of the website's whose answer is lost; it is served `after` so long, of which each look takes a part."""

    def __init__(self, bench: MovedBench, after: timedelta) -> None:
        self.bench, self.served_at = bench, bench.now() + after

    async def check(self, site: Site, plan: Plan) -> None:
        """It is as it was planned."""

    async def act(self, site: Site, plan: Plan) -> str:
        raise NO_ANSWER

    async def look_up(self, site: Site, remediation: Remediation) -> bool | None:
        self.bench.clock.advance(seconds=30)
        return self.bench.now() >= self.served_at


@pytest.mark.parametrize(
    ("after", "state"), [(timedelta(seconds=150), DONE), (timedelta(seconds=240), UNKNOWN)]
)
async def test_a_move_whose_answer_was_lost_has_as_long_as_one_that_was_accepted(
    bench: MovedBench,
    site: Site,
    incident: Incident,
    monkeypatch: pytest.MonkeyPatch,
    after: timedelta,
    state: RemediationState,
) -> None:
    monkeypatch.setitem(registry.ACTIONS, "roll_back_frontend", LateMove(bench, after))
    monkeypatch.setattr(transaction, "LOOK_AGAIN_SECONDS", 0)
    remediation = await bench.planned(incident, plan_to("roll_back_frontend", "web"))

    ended = await carry_out(bench, site, remediation, holder="run-1")

    assert ended.state is state
