"""What the investigation says of the past, once it has found the cause."""

from datetime import timedelta

from flows.investigation import look_back
from tests.flows.conftest import MovedBench
from watchkeeper.figures.repeats import read_earlier
from watchkeeper.incidents import set_cause
from watchkeeper.model import Incident
from watchkeeper.policy import Policy


async def test_cause_that_was_there_before_is_said_with_how_long_it_takes(
    bench: MovedBench, policy: Policy
) -> None:
    async def found(confidence: float) -> tuple[Incident, str]:
        number = await bench.hear(policy)
        incident = await set_cause(bench.store, number, "connection_leak", confidence)
        async with bench.store.transaction() as db:
            said = await look_back(db, bench, incident)
        ends = bench.now() + timedelta(minutes=20)
        await bench.store.one("incidents/close_by_hand", id=number, now=ends)
        await bench.store.run("alerts/leave", incident_id=number)
        bench.clock.advance(days=1)
        return incident, said

    _, first = await found(0.9)
    assert first == ". Time to resolution with this cause: not enough past incidents (0 of 5)"
    for _ in range(4):
        await found(0.9)
    incident, said = await found(0.9)
    assert said == (
        ". The same cause on 6 March (INC-0005); no fix that was promised is open. Time to resolution with "
        "this cause: 20 minutes; half of them took 20 minutes to 20 minutes, all 5 took 20 minutes to 20 minutes (n = 5)"
    )
    earlier = await read_earlier(bench.store, incident.id)
    assert earlier is not None and (earlier.sign, earlier.earlier_id) == ("cause", 5)
    _, guess = await found(0.4)
    assert guess == ""
