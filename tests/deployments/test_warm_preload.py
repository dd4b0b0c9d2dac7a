"""What the forkserver imports before it forks: every flow, nothing that a fork would copy only half of."""

import os
import subprocess
import sys
from pathlib import Path

import yaml

from deployments.definition import defined_deployments, definition_file

PROJECT = Path(__file__).parents[2]
PRELOAD = """
import sys
from pathlib import Path
import psutil
import deployments.definition

deployments.definition.definition_file = lambda: Path(sys.argv[1])
import deployments.warm_preload

process = psutil.Process()
print(process.num_threads(), "threads", len(process.net_connections()), "connections")
print(*sys.modules)
"""


def preload(definition: Path, folder: Path) -> tuple[str, set[str]]:
    """What a process holds that has preloaded, and its modules."""
    done = subprocess.run(
        [sys.executable, "-c", PRELOAD, str(definition)],
        env=os.environ | {"PYTHONPATH": f"{PROJECT}{os.pathsep}{folder}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    held, modules = done.stdout.splitlines()[-2:]
    return held, set(modules.split())


def test_every_flow_is_imported_and_no_thread_or_connection_is_left(tmp_path: Path) -> None:
    held, modules = preload(definition_file(), tmp_path)
    assert held == "1 threads 0 connections"
    named = {each["entrypoint"].rpartition(".")[0] for each in defined_deployments(definition_file())}
    assert named <= modules
    # What every run would import for itself, and hold for itself.
    assert {"prefect.task_engine", "prefect.utilities.visualization", "anyio._backends._asyncio"} <= modules


def test_a_flow_whose_module_is_broken_keeps_no_other_from_being_imported(tmp_path: Path) -> None:
    (tmp_path / "broken_syntax.py").write_text("def (")
    (tmp_path / "broken_value.py").write_text("int('the tide')")
    (tmp_path / "sound.py").write_text("")
    entrypoints = ["broken_syntax.flow", "broken_value.flow", "missing.flow", "sound.flow"]
    definition = tmp_path / "prefect.yaml"
    definition.write_text(yaml.safe_dump({"deployments": [{"entrypoint": each} for each in entrypoints]}))
    _, modules = preload(definition, tmp_path)
    assert "sound" in modules and "broken_value" not in modules
