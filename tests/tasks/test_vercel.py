"""Vercel: what production serves, what its logs say, and that going back is asked once and for this team."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from blocks.vercel import VercelCredentials
from tasks import vercel
from tasks.vercel import (
    changes_of,
    list_deployments,
    previous_of,
    promote,
    read_build_logs,
    read_production,
    read_runtime_logs,
    roll_back,
    vercel_deployments,
    vercel_logs,
)
from tests.tasks.conftest import IMPATIENT_SECONDS, SECRET, Answer, Manner, Wire, says
from watchkeeper.errors import VendorRejected, VendorUnavailable
from watchkeeper.model import Check, CheckStatus
from watchkeeper.policy.services import VercelTarget

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
TARGET = VercelTarget(project_id="prj_1", team_id="team_1")
LIST, PROJECT = "/v6/deployments", "/v9/projects/prj_1"
LOGS = "/v1/projects/prj_1/deployments/d2/runtime-logs"


def row(uid: str, minutes_ago: int, **more: Any) -> dict[str, Any]:
    created = round(NOW.timestamp() * 1000) - minutes_ago * 60_000
    meta = {"githubCommitSha": f"c{uid}", "githubCommitMessage": f"change {uid}"}
    known = {"uid": uid, "readyState": "READY", "createdAt": created, "isRollbackCandidate": False}
    return {**known, "meta": meta, **more}


def credentials(wire: Wire) -> VercelCredentials:
    return VercelCredentials(token=SecretStr(SECRET), base_url=f"{wire.url}/")


def serves(wire: Wire, uid: str | None, *rows: dict[str, Any]) -> None:
    wire.answers(says({"deployments": list(rows)}), at=LIST)
    wire.answers(says({"targets": {"production": {"id": uid}} if uid else {}}), at=PROJECT)


async def look(wire: Wire) -> Check:
    return await vercel_deployments(credentials(wire), TARGET, now=NOW, recent=timedelta(hours=1))


async def test_asks_for_the_teams_production_with_a_bearer_token(wire: Wire) -> None:
    serves(wire, "d1", row("d1", 10))

    await look(wire)

    first, second = wire.asked
    assert (first.path, first.query["teamId"], first.query["projectId"]) == (LIST, ["team_1"], ["prj_1"])
    assert first.query["target"] == ["production"]
    assert (second.path, second.query) == (PROJECT, {"teamId": ["team_1"]})
    assert {asked.headers["authorization"] for asked in wire.asked} == {f"Bearer {SECRET}"}


async def test_names_what_is_served_and_what_could_be_gone_back_to(wire: Wire) -> None:
    failed = row("d3", 5, readyState="ERROR")
    wire.answers(
        says([{"type": "stderr", "payload": {"text": "npm ERR! cart"}}]), at="/v3/deployments/d3/events"
    )
    serves(wire, "d2", failed, row("d2", 20), row("d1", 3000, isRollbackCandidate=True))

    check = await look(wire)

    assert check.status is CheckStatus.OK
    assert (check.facts["current"]["id"], check.facts["previous_good"]["id"]) == ("d2", "d1")
    assert check.facts["deployed_minutes_ago"] == 20
    assert check.summary == "READY, deployed 20 minutes ago: change d2; the newest build failed"
    assert check.output.endswith("the newest build failed:\nnpm ERR! cart")


async def test_a_build_log_that_cannot_be_read_spoils_nothing(wire: Wire) -> None:
    serves(wire, "d2", row("d3", 5, readyState="ERROR"), row("d2", 20))
    wire.answers(Answer(403), at="/v3/deployments/d3/events")

    check = await look(wire)

    assert check.status is CheckStatus.OK
    assert "its build log could not be read: vercel answered 403" in check.output


async def test_goes_back_only_to_what_is_older_than_what_is_served() -> None:
    told = [
        {"id": uid, "status": status, "created_at": at, "can_rollback": can}
        for uid, status, at, can in (
            ("d4", "READY", "2026-03-02T02:00:00+00:00", True),
            ("d3", "READY", "2026-03-02T01:00:00+00:00", False),
            ("d2", "ERROR", "2026-03-02T00:30:00+00:00", True),
            ("d1", "READY", "2026-03-02T00:00:00+00:00", True),
        )
    ]

    assert previous_of(told, told[1]) == told[3]
    assert previous_of(told, None) is None


async def test_looks_up_what_is_served_when_it_is_not_among_the_newest(wire: Wire) -> None:
    serves(wire, "d0", row("d9", 10))
    wire.answers(says({**row("d0", 60 * 24 * 40), "id": "d0"}), at="/v13/deployments/d0")

    check = await look(wire)

    assert (check.status, check.facts["current"]["id"]) == (CheckStatus.OK, "d0")


async def test_a_page_full_of_failed_builds_hides_nothing_that_could_be_gone_back_to(wire: Wire) -> None:
    """The first page is asked for as ever, and what is offered from before what serves by its filters."""
    failed = [row(f"d{n}", 20 - n // 2, readyState="ERROR") for n in range(30, 30 - vercel.SHOWN, -1)]
    wire.answers(says([]), at=f"/v3/deployments/{failed[0]['uid']}/events")
    wire.answers(says({**row("d2", 60), "id": "d2"}), at="/v13/deployments/d2")
    serves(wire, "d2", *failed)
    wire.answers(
        says({"deployments": failed}),
        says({"deployments": [row("d1", 3000, isRollbackCandidate=True)]}),
        at=LIST,
    )

    check = await look(wire)

    assert (check.facts["current"]["id"], check.facts["previous_good"]["id"]) == ("d2", "d1")
    asked = [each.query for each in wire.asked if each.path == LIST]
    assert [each.get("rollbackCandidate") for each in asked] == [None, ["true"]]
    assert asked[1]["until"] == [str(row("d2", 60)["createdAt"])]


@pytest.mark.parametrize("serving", [None, "d1"])
async def test_is_bad_when_nothing_is_served(wire: Wire, serving: str | None) -> None:
    serves(wire, serving, row("d1", 10, readyState="DELETED"))

    assert (await look(wire)).status is CheckStatus.BAD


async def test_asks_vercel_itself_for_candidates(wire: Wire) -> None:
    wire.answers(says({"deployments": [row("d1", 10)]}))

    await list_deployments(credentials(wire), TARGET, only_candidates=True)

    assert wire.asked[0].query["rollbackCandidate"] == ["true"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (roll_back.fn, "/v1/projects/prj_1/rollback/d1"),
        (promote.fn, "/v10/projects/prj_1/promote/d1"),
    ],
)
class TestChanges:
    """Both are asked once, for the team, and what was refused is not taken for done."""

    async def test_is_content_with_an_answer_without_a_body(self, wire: Wire, change: Any, path: str) -> None:
        wire.answers(Answer(201))

        await change(credentials(wire), TARGET, "d1")

        [asked] = wire.asked
        assert (asked.method, asked.path, asked.query) == ("POST", path, {"teamId": ["team_1"]})

    @pytest.mark.usefixtures("eager")
    @pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 422, 429, 500, 503])
    async def test_is_asked_once_whatever_comes(
        self, wire: Wire, change: Any, path: str, status: int
    ) -> None:
        wire.answers(Answer(status, f'{{"error": {{"message": "{SECRET}"}}}}'.encode()))

        kind = VendorUnavailable if status == 429 or status >= 500 else VendorRejected
        with pytest.raises(kind) as caught:
            await change(credentials(wire), TARGET, "d1")

        assert (len(wire.asked), caught.value.status) == (1, status)
        assert SECRET not in str(caught.value)

    async def test_may_have_happened_when_the_connection_is_cut(
        self, wire: Wire, change: Any, path: str
    ) -> None:
        wire.answers(Answer(manner=Manner.CUT))

        with pytest.raises(VendorUnavailable):
            await change(credentials(wire), TARGET, "d1")

        assert len(wire.asked) == 1

    async def test_does_not_wait_for_ever(
        self, wire: Wire, change: Any, path: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(vercel, "WRITE_LIMIT_SECONDS", IMPATIENT_SECONDS)
        wire.answers(Answer(manner=Manner.NEVER))

        with pytest.raises(VendorUnavailable, match="time limit"):
            await change(credentials(wire), TARGET, "d1")


async def test_says_why_it_goes_back(wire: Wire) -> None:
    wire.answers(Answer(201))

    await roll_back.fn(credentials(wire), TARGET, "d1", description="Watchkeeper: it")

    assert wire.asked[0].query["description"] == ["Watchkeeper: it"]


def line(status: int | None, message: str = "", level: str = "info") -> dict[str, Any]:
    return {
        "level": level,
        "message": message,
        "source": "serverless",
        "timestampInMs": 1772416800000,
        "requestPath": "/",
        "responseStatusCode": status,
    }


def stream(*lines: dict[str, Any]) -> Answer:
    text = "".join(json.dumps(each) + "\n" for each in lines)
    return Answer(200, text.encode(), {"Content-Type": "application/stream+json"})


async def test_finds_the_errors_in_the_log(wire: Wire) -> None:
    serves(wire, "d2")
    wire.answers(stream(line(200), line(500, "cart is undefined", "error"), line(502)), at=LOGS)

    check = await vercel_logs(credentials(wire), TARGET)

    assert check.status is CheckStatus.BAD
    assert (check.facts["lines"], check.facts["errors"]) == (3, 2)
    assert "500 cart is undefined" in check.output


async def test_a_log_without_errors_is_well(wire: Wire) -> None:
    serves(wire, "d2")
    wire.answers(stream(line(200)), at=LOGS)

    check = await vercel_logs(credentials(wire), TARGET)

    assert (check.status, check.summary) == (CheckStatus.OK, "0 errors in 1 lines")


async def test_takes_no_more_of_a_log_than_it_can_show(wire: Wire) -> None:
    wire.answers(stream(*(line(500, "x" * 5000) for _ in range(300))))

    lines = await read_runtime_logs(credentials(wire), TARGET, "d2")

    assert len(lines) == vercel.LOG_LINES
    assert len(lines[0]["message"]) == vercel.LONGEST_LINE


async def test_stops_listening_to_a_log_that_says_nothing(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vercel, "LISTEN_SECONDS", IMPATIENT_SECONDS)
    wire.answers(Answer(manner=Manner.DRIPPING))

    assert await read_runtime_logs(credentials(wire), TARGET, "d2") == []


@pytest.mark.usefixtures("impatient")
async def test_a_log_that_never_answered_is_no_empty_log(wire: Wire) -> None:
    wire.answers(Answer(manner=Manner.NEVER))

    with pytest.raises(VendorUnavailable, match="time limit"):
        await read_runtime_logs(credentials(wire), TARGET, "d2")


@pytest.mark.parametrize("odd", [b"<html>\n", b"[]\n", b'{"level": 1}\n', b"[" * 100_000 + b"\n"])
async def test_says_so_when_a_log_is_of_another_shape(wire: Wire, odd: bytes) -> None:
    wire.answers(Answer(200, odd))

    with pytest.raises(VendorRejected, match="unknown shape"):
        await read_runtime_logs(credentials(wire), TARGET, "d2")


async def test_reads_the_end_of_a_build_log(wire: Wire) -> None:
    events = [{"type": "stdout", "payload": {"text": text}} for text in ("third", "second", "first")]
    wire.answers(says(events))

    assert await read_build_logs(credentials(wire), TARGET, "d2") == ["first", "second", "third"]
    assert wire.asked[0].query["direction"] == ["backward"]


@pytest.mark.parametrize("odd", [None, [], {}, {"targets": 3}, {"targets": {"production": "d1"}}])
async def test_says_so_when_production_is_of_another_shape(wire: Wire, odd: Any) -> None:
    wire.answers(says(odd))

    with pytest.raises(VendorRejected, match="unknown shape"):
        await read_production(credentials(wire), TARGET)


def test_only_what_was_deployed_lately_is_a_change() -> None:
    old, young = (NOW - timedelta(minutes=minutes) for minutes in (61, 59))
    listed = [
        {"created_at": at.isoformat(), "status": "READY", "commit_hash": "c1", "commit_message": message}
        for at, message in ((young, "Render on the server"), (old, "Show delivery times"))
    ]

    [change] = changes_of("web", listed, now=NOW, recent=timedelta(hours=1))

    assert (change["platform"], change["service"], change["what"]) == (
        "Vercel",
        "web",
        "Render on the server",
    )
