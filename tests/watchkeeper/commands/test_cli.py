"""The command line: what is wrong is said in words, with an exit code a script can tell apart."""

import re
import subprocess
import sys
from datetime import timedelta
from importlib.metadata import EntryPoint
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.watchkeeper.commands.typed import run
from watchkeeper import cli
from watchkeeper.clock import utc_now


def test_help_names_every_command_and_imports_none_of_those_above_the_kernel() -> None:
    program = (
        "import sys; from watchkeeper.cli import main\ntry: main(['--help'])\nfinally: print(*sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    for command in ("doctor", "migrate", "policy", "up", "drill"):
        assert command in shown
    assert "Run everything on this machine" in shown
    assert "deployments.up" not in shown and " prefect " not in shown


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "unheard-of")[0] == 2


def test_a_broken_command_says_so_and_leaves_the_others_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = EntryPoint(name="broken", value="nothing.at_all:there", group=cli.COMMANDS)
    monkeypatch.setattr(cli, "entry_points", lambda **_: [broken])
    code, _, problem = run(capsys, "broken")
    assert code == 1 and "'broken' cannot be loaded" in problem
    code, shown, _ = run(capsys, "--help")
    assert code == 0 and "cannot be loaded" in shown


def test_a_command_without_its_function_says_so() -> None:
    missing = EntryPoint(name="up", value="watchkeeper.cli:unheard_of", group=cli.COMMANDS)
    assert cli.summary(missing) == "cannot be loaded: there is no watchkeeper.cli:unheard_of"


def test_a_valid_policy_names_who_is_on_call(capsys: pytest.CaptureFixture[str]) -> None:
    code, shown, _ = run(capsys, "policy", "check")
    assert code == 0
    assert "the policy is valid" in shown and "on call" in shown and "database" in shown


def test_a_wrong_policy_is_refused_with_the_keys_path(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "watchkeeper.yaml"
    file.write_text("roster: {primary: nobody}\nthreshold: 3\n")
    code, shown, problem = run(capsys, "policy", "check", str(file))
    assert code == 2 and shown == ""
    assert str(file) in problem and "threshold: unknown key" in problem


def test_a_wrong_setting_names_its_variable(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHKEEPER_PORT", "many")
    monkeypatch.setenv("WATCHKEEPER_TWILIO__ACCOUNT_SID", "AC1")
    code, _, problem = run(capsys, "doctor")
    assert code == 2
    assert "WATCHKEEPER_PORT: Input should be a valid integer" in problem
    assert "WATCHKEEPER_TWILIO__AUTH_TOKEN: Field required" in problem


def test_doctor_ends_with_1_when_there_is_no_store(capsys: pytest.CaptureFixture[str]) -> None:
    code, shown, _ = run(capsys, "doctor")
    assert code == 1
    assert "fatal           incident store" in shown and "WATCHKEEPER_DATABASE_URL" in shown
    assert "not configured  twilio" in shown
    assert "warning         prefect" in shown


def test_migrating_without_a_store_to_reach_ends_with_1_and_keeps_the_password(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHKEEPER_DATABASE_URL", "postgresql://w:hunter2@127.0.0.1:9/watchkeeper")
    code, _, problem = run(capsys, "migrate")
    assert code == 1
    assert "does not answer" in problem and "hunter2" not in problem


def test_an_incident_is_opened_and_its_post_mortem_published(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, installation: str, tmp_path: Path
) -> None:
    assert run(capsys, "open", "Checkout hangs", "--users-affected-percent=60")[:2] == (0, "INC-0001\n")
    with psycopg.connect(installation, row_factory=dict_row) as connection:
        incident = connection.execute("SELECT * FROM incidents").fetchone()
        assert incident is not None and (incident["summary"], incident["severity"]) == (
            "Checkout hangs",
            "P0",
        )
        pages = connection.execute(
            "SELECT count(*) AS n FROM notifications WHERE purpose = 'page'"
        ).fetchone()
        assert pages is not None and pages["n"] > 0

        code, _, problem = run(capsys, "publish", "INC-0001", "--by=Ana")
        assert code == 2 and "INC-0001 has no post-mortem to wait for" in problem
        connection.execute("UPDATE incidents SET status = 'resolved'")
        connection.execute(
            "INSERT INTO reviews (incident_id, due_at, author, asked_at) VALUES (1, now(), 'ana', now())"
        )
        connection.commit()
        by = ("--by=Ana", "--because=Ben is ill")
        moved = run(capsys, "review", "move", "INC-0001", "2040-03-04T12:00", *by)
        assert moved[:2] == (0, "the post-mortem of INC-0001 is due at 2040-03-04 12:00 UTC\n")
        code, _, problem = run(capsys, "review", "waive", "INC-0001", "--by=Ana", "--because= ")
        assert code == 2 and "takes a name and a reason" in problem
        noted = run(capsys, "review", "complaint", "INC-0001", "No cart", "--by=Cleo")
        assert noted[:2] == (0, "noted; the post-mortem of INC-0001 is due at 2040-03-04 12:00 UTC\n")
        edited = tmp_path / "edited.md"
        code, said, _ = run(capsys, "review", "draft", "INC-0001", str(edited))
        assert code == 0 and "edited.md is drafted" in said
        code, _, problem = run(capsys, "publish", "INC-0001", "--by=Ana", f"--file={edited}", "--check")
        assert code == 2 and "[TO FILL: why this could happen] (Root Cause)" in problem
        day = utc_now().date() + timedelta(days=100)
        item = f"**Mend it** - Assigned: Ana - Due: {day} - Priority: High"
        text = re.sub(r"\[TO FILL: [^\]]*\]", "said", edited.read_text())
        text = text.replace("## Impact", "It was human error.\n\n## Impact")
        edited.write_text(re.sub(r"1\. \*\*said\*\*.*", f"1. {item}", text))
        monkeypatch.setenv("WATCHKEEPER_DOCUMENTS_FOLDER", str(tmp_path / "team"))
        code, said, advice = run(capsys, "publish", "inc-0001", "--by=Ana", f"--file={edited}")
        assert code == 0 and '"human error" blames' in advice
        (published,) = (tmp_path / "team" / "post-mortems").glob("*-checkout-hangs.md")
        assert str(published) in said
        code, _, problem = run(capsys, "review", "require", "INC-0001", "--by=Ana")
        assert code == 2 and "is published already" in problem
        assert "INC-0001, action 1" in run(capsys, "review", "items")[1]
        day = utc_now().date() + timedelta(days=200)
        later = run(capsys, "review", "move-item", "INC-0001", "1", str(day), *by)
        assert later[:2] == (0, f"INC-0001, action 1 is due on {day}\n")
        assert "is no day" in run(capsys, "review", "move-item", "INC-0001", "1", "soon", *by)[2]
        assert run(capsys, "review", "done", "INC-0001", "1", "--by=Ana")[0] == 0
        assert connection.execute("SELECT status FROM incidents").fetchone() == {"status": "reviewed"}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("open", "x", "--users-affected-percent=101"), "users_affected_percent: Input should be less than"),
        (("open", ""), "summary: String should have at least 1 character"),
        (("publish", "7th", "--by=Ana"), "'7th' is not an incident's number, such as INC-0007"),
    ],
)
def test_what_is_wrong_with_the_words_is_said(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], problem: str
) -> None:
    code, _, said = run(capsys, *arguments)
    assert code == 2 and problem in said
