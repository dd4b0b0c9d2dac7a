"""The home folder: private, its keys generated once, its settings handed on whole."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from watchkeeper.errors import BadInput
from watchkeeper.home import (
    ENV_PREFIX,
    open_home,
    read_settings,
    settings_environment,
    with_keys,
    write_private,
)
from watchkeeper.settings import Settings, Twilio


def test_the_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    home = open_home(tmp_path / "new" / "home")
    assert home.path.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match="choose another --home"):
        open_home(tmp_path / "file")


def test_keys_are_generated_once_and_private(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    first = with_keys(Settings(_env_file=None), home)
    assert len(first.signing_key()) >= 32
    assert home.keys.stat().st_mode & 0o777 == 0o600
    assert with_keys(Settings(_env_file=None), home) == first


def test_a_key_that_was_chosen_stays_and_is_not_written_down(tmp_path: Path) -> None:
    home = open_home(tmp_path)
    settings = with_keys(Settings(_env_file=None, link_key=SecretStr("chosen" * 8)), home)
    assert settings.signing_key() == "chosen" * 8
    assert "chosen" not in home.keys.read_text()


def test_every_setting_survives_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    twilio = Twilio(account_sid="AC1", auth_token=SecretStr("s3cret"), from_number="+14155550100")
    settings = Settings(_env_file=None, home=tmp_path, port=9999, speed=7.5, twilio=twilio)
    for name, value in settings_environment(settings).items():
        monkeypatch.setenv(name, value)
    assert Settings(_env_file=None) == settings


def test_the_running_stacks_addresses_are_known_to_those_who_ask_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    home = open_home(tmp_path / "home")
    write_private(home.running, {f"{ENV_PREFIX}PORT": "7777"})
    assert read_settings(home.path, of_running=True).port == 7777
    assert read_settings(home.path).port == Settings.model_fields["port"].default
    monkeypatch.setenv(f"{ENV_PREFIX}PORT", "6666")
    assert read_settings(home.path, of_running=True).port == 6666
