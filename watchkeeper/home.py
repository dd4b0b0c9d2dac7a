"""The home folder: one installation's data, logs and keys, for one machine.

    keys.env        the keys that were generated for this installation; whoever reads it can sign links
    running.env     where the parts of the running stack are, for the other commands
    lock            held by the one `watchkeeper up` at a time
    postgres/       the embedded Postgres, with the incident store and Prefect's database
    prefect/        Prefect's own files
    logs/           one file for each part
    drafts/         post-mortems as drafted, for a person to edit
    post-mortems/   and runbooks/: the team's documents, where no other folder is named for them

The folder is for its owner only. When root runs it, others may pass through it but read nothing: PostgreSQL
must step down from root, and its data are in here.
"""

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, SecretStr, ValidationError

from watchkeeper.errors import BadInput
from watchkeeper.settings import Settings

ENV_PREFIX = "WATCHKEEPER_"
KEYS = ("link_key", "webhook_secret")


@dataclass(frozen=True)
class Home:
    """Where things are in a home folder."""

    path: Path

    @property
    def keys(self) -> Path:
        return self.path / "keys.env"

    @property
    def running(self) -> Path:
        return self.path / "running.env"

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    @property
    def postgres(self) -> Path:
        return self.path / "postgres"

    @property
    def prefect(self) -> Path:
        return self.path / "prefect"

    def log(self, part: str) -> Path:
        return self.path / "logs" / f"{part}.log"


def open_home(path: Path) -> Home:
    """The home folder at this path, made if missing.

    Raises:
        BadInput: it cannot be made or belongs to somebody else.
    """
    home = Home(path.expanduser().absolute())
    try:
        home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Passing through stays allowed where it is: another process may need it just now.
        home.path.chmod(home.path.stat().st_mode & 0o711)
        for folder in (home.prefect, home.path / "logs"):
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{error.filename or home.path}: {error.strerror}; choose another --home") from error
    return home


def read_settings(home: Path | None = None, *, of_running: bool = False) -> Settings:
    """Settings from the environment, then `.env`, then the keys in the home folder.

    Args:
        home: the home folder; by default the settings' own.
        of_running: also take the addresses of the stack that runs there, where nothing else names them.

    Raises:
        BadInput: with one line per mistake, naming the variable.
    """
    try:
        folder = (home or Settings().home).expanduser().absolute()
        known = Home(folder)
        # Later files win over earlier ones, and a variable in the environment over all.
        files = (*([known.running] if of_running else []), known.keys, Path(".env"))
        settings = Settings(_env_file=files)
    except ValidationError as error:
        raise BadInput("\n".join(["settings:", *_mistakes(error)])) from error
    return settings.model_copy(update={"home": folder})


def _mistakes(error: ValidationError) -> Iterator[str]:
    for mistake in error.errors():
        variable = ENV_PREFIX + "__".join(str(part) for part in mistake["loc"]).upper()
        yield f"  {variable}: {mistake['msg']}"


def with_keys(settings: Settings, home: Home) -> Settings:
    """The settings with their keys; those that nobody chose are generated once and kept in `keys.env`."""
    missing = [name for name in KEYS if getattr(settings, name) is None]
    kept = _read_env(home.keys) if home.keys.exists() else {}
    chosen = {name: kept.get(_variable(name)) or secrets.token_urlsafe(32) for name in missing}
    if any(_variable(name) not in kept for name in missing):
        write_private(home.keys, kept | {_variable(name): value for name, value in chosen.items()})
    return settings.model_copy(update={name: SecretStr(value) for name, value in chosen.items()})


def write_private(path: Path, values: dict[str, str]) -> None:
    """Write variables to a file that only its owner can read, all or nothing."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def settings_environment(settings: Settings) -> dict[str, str]:
    """The environment from which another process reads the same settings. Holds secrets in clear text."""
    return dict(_flatten(settings, ENV_PREFIX))


def _flatten(model: BaseModel, prefix: str) -> Iterator[tuple[str, str]]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _flatten(value, f"{prefix}{name.upper()}__")
        elif isinstance(value, SecretStr):
            yield f"{prefix}{name.upper()}", value.get_secret_value()
        elif isinstance(value, Path):
            yield f"{prefix}{name.upper()}", str(value.expanduser().absolute())
        elif value is not None:
            yield f"{prefix}{name.upper()}", str(value)


def _variable(name: str) -> str:
    return ENV_PREFIX + name.upper()


def _read_env(path: Path) -> dict[str, str]:
    pairs = (line.partition("=") for line in path.read_text().splitlines())
    return {name: value for name, equals, value in pairs if equals}
