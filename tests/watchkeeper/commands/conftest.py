"""Where commands are typed in tests: away from this machine's own installation."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Away from any .env and from this machine's own home folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WATCHKEEPER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WATCHKEEPER_PREFECT_API_URL", "http://127.0.0.1:9/api")


@pytest.fixture
def installation(monkeypatch: pytest.MonkeyPatch, store_url: str) -> str:
    """The address of a store that commands find in the environment."""
    monkeypatch.setenv("WATCHKEEPER_DATABASE_URL", store_url)
    return store_url
