"""The runbooks' documents say what the code does: made from its tables, and held to them."""

from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from drills.moved.serving import serve
from drills.vendors import config
from drills.vendors.github import GitHubApi
from flows.actions.registry import ACTIONS
from flows.runbooks.cures import CURES
from flows.runbooks.document import PLANNED, RUNBOOKS, runbook_document
from flows.shelf import read_runbook
from watchkeeper.diagnosis import CAUSES
from watchkeeper.diagnosis.case import Cause
from watchkeeper.documents.runbook import CAUSE, STEP, Did, difference
from watchkeeper.model import Kind
from watchkeeper.settings import GitHub, Settings

FOLDER = Path(__file__).parents[2] / "docs" / "runbooks"


@pytest.mark.parametrize("kind", RUNBOOKS)
def test_the_shipped_document_is_the_one_that_the_tables_make(kind: Kind) -> None:
    made = runbook_document(kind)
    assert (FOLDER / made.name).read_text() == made.text, "run tools/write_runbooks.py"


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.name)
def test_each_cause_says_in_a_sentence_of_its_own_what_it_is(cause: Cause) -> None:
    lines = runbook_document(cause.kind).text.splitlines()
    said = lines[next(n for n, line in enumerate(lines) if f"(`{cause.name}`)" in line) + 2]
    assert said.endswith(".") and said in (cause.judge.__doc__ or "")


def test_the_guides_six_runbooks_are_shipped_and_no_other() -> None:
    assert {each.name for each in FOLDER.iterdir()} == {runbook_document(kind).name for kind in RUNBOOKS}
    assert len(RUNBOOKS) == 6


def test_every_step_of_every_cure_has_its_action() -> None:
    steps = {step.__name__ for cure in CURES.values() for step in cure.steps}
    assert set(PLANNED) == steps
    assert set(PLANNED.values()) <= set(ACTIONS)


@pytest.mark.parametrize("kind", RUNBOOKS)
def test_each_cause_with_its_steps_can_be_read_back(kind: Kind) -> None:
    lines = runbook_document(kind).text.splitlines()
    read = [match[1] for line in lines if (match := CAUSE.match(line))]
    assert read == [cause.name for cause in CAUSES if cause.kind is kind]
    wanted = [PLANNED[step.__name__] for name in read if name in CURES for step in CURES[name].steps]
    steps = [match[2] for line in lines if (match := STEP.match(line))]
    assert steps == wanted


def test_an_incident_that_followed_the_shipped_runbook_differs_in_nothing() -> None:
    for cause, cure in CURES.items():
        kind = next(each.kind for each in CAUSES if each.name == cause)
        did = [Did(PLANNED[step.__name__], "x", True, "y") for step in cure.steps]
        assert difference(runbook_document(kind), "INC-0007", cause, did) == ""


async def test_the_teams_own_document_comes_first(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, home=tmp_path)
    shipped = await read_runbook(settings, Kind.REDIS_DOWN)
    assert shipped == runbook_document(Kind.REDIS_DOWN)
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "redis-down.md").write_text("# Ours\n")
    own = await read_runbook(settings, Kind.REDIS_DOWN)
    assert own and own.text == "# Ours\n"
    (tmp_path / "runbooks" / "redis-down.md").write_bytes(b"\xff")
    assert await read_runbook(settings, Kind.REDIS_DOWN) == shipped
    assert await read_runbook(settings, Kind.OTHER) is None


async def test_the_repositorys_document_is_read_and_a_github_that_is_away_costs_nothing(
    tmp_path: Path,
) -> None:
    api = GitHubApi(config.GitHub(token="t", repository="shop/shop"))
    api.documents.files["main", "docs/runbooks/redis-down.md"] = "# From the repository\n"
    async with serve(Starlette(routes=api.routes())) as served:
        settings = Settings(_env_file=None, home=tmp_path)
        settings.github = GitHub(
            token=SecretStr("t"), repository="shop/shop", base_url=f"{served.url}/github"
        )
        read = await read_runbook(settings, Kind.REDIS_DOWN)
        settings.github.token = SecretStr("wrong")
        refused = await read_runbook(settings, Kind.REDIS_DOWN)
    assert read and read.text == "# From the repository\n"
    assert refused == runbook_document(Kind.REDIS_DOWN)
