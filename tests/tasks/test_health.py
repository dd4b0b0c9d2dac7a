"""The backend's health addresses."""

import pytest

from tasks import health
from tasks.health import backend_detailed, backend_health, circuits
from tests.tasks.conftest import Answer, Wire, says
from watchkeeper.model import CheckStatus

DOWN = {"release": "r2", "checks": {"database": {"status": "down"}, "redis": {"status": "ok"}, "queue": {}}}


async def test_is_well_with_200_and_says_how_long_it_took(wire: Wire) -> None:
    wire.answers(Answer(200, b"anything", after_seconds=0.05))

    check = await backend_health(f"{wire.url}/health")

    assert check.status is CheckStatus.OK
    assert check.facts["status_code"] == 200
    assert 0.04 < check.facts["seconds"] < 4
    assert check.summary.startswith("answers 200 in 0.")
    assert check.command == f"curl {wire.url}/health"
    assert wire.asked[0].path == "/health"


@pytest.mark.parametrize("status", [204, 302, 404, 500, 503])
async def test_is_bad_with_any_other_answer(wire: Wire, status: int) -> None:
    wire.answers(Answer(status))

    check = await backend_health(wire.url)

    assert check.status is CheckStatus.BAD
    assert check.facts["status_code"] == status


async def test_is_bad_when_nobody_listens(unused_port: int) -> None:
    check = await backend_health(f"http://127.0.0.1:{unused_port}/")

    assert check.status is CheckStatus.BAD
    assert check.facts["status_code"] is None
    assert check.summary.startswith("no answer")


async def test_names_what_the_backend_cannot_use(wire: Wire) -> None:
    wire.answers(says(DOWN, 503))

    check = await backend_detailed(wire.url)

    assert check.status is CheckStatus.BAD
    assert 0 < check.facts.pop("seconds") < 5
    assert check.facts == {
        "status_code": 503,
        "release": "r2",
        "dependencies": {"database": "down", "redis": "ok", "queue": "unknown"},
        "webhooks": {},
        "circuits": {},
    }
    assert check.summary.endswith("cannot use database, queue")
    assert '"database"' in check.output


async def test_shows_the_beginning_of_a_long_answer(wire: Wire) -> None:
    wire.answers(Answer(500, b"Traceback " * 1000))

    check = await backend_detailed(wire.url)

    assert check.status is CheckStatus.BAD
    assert len(check.output) == health.SHOWN_BYTES


@pytest.mark.parametrize(
    "odd", [{"checks": ["database"]}, {"checks": {"database": "down"}}, {"checks": None}]
)
async def test_says_unknown_to_checks_of_another_shape(wire: Wire, odd: object) -> None:
    wire.answers(says(odd))

    check = await backend_detailed(wire.url)

    assert check.status is CheckStatus.UNKNOWN


GEMINI = {"state": "open", "failures": 3}


async def test_reads_the_circuit_breakers_bounded(wire: Wire) -> None:
    many = {f"api-{number}": GEMINI for number in range(100)}
    wire.answers(
        says({"circuits": {"gemini": GEMINI, "odd": 7, "x" * 500: {"state": ["?"], "failures": "3"}, **many}})
    )

    read = (await backend_detailed(wire.url)).facts["circuits"]

    assert read["gemini"] == {"state": "open", "failures": 3, "fallback": "", "fell_back": 0}
    assert "odd" not in read and len(read) < 25 and max(map(len, read)) <= 60


@pytest.mark.parametrize(
    ("state", "status"),
    [("closed", CheckStatus.OK), ("open", CheckStatus.BAD), ("half_open", CheckStatus.BAD)],
)
async def test_is_bad_while_a_circuit_is_not_closed(wire: Wire, state: str, status: CheckStatus) -> None:
    wire.answers(says({"circuits": {"gemini": {"state": state}}}))

    check = await circuits(wire.url)

    assert check.status is status
    assert check.facts["open"] == ([] if state == "closed" else ["gemini"])


@pytest.mark.parametrize("told", [{}, {"circuits": None}, {"circuits": []}, []])
async def test_a_backend_without_circuit_breakers_is_not_held_against_them(wire: Wire, told: object) -> None:
    wire.answers(says(told))

    assert (await circuits(wire.url)).status is CheckStatus.NOT_CONFIGURED
