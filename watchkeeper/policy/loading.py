"""Reading the policy: the shipped default with a team's own file laid over it, and mistakes as sentences."""

from copy import deepcopy
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from watchkeeper.errors import BadInput
from watchkeeper.policy.durations import parse_duration
from watchkeeper.policy.whole import Policy


def shipped() -> dict[str, Any]:
    """The shipped default, as plain data."""
    data: dict[str, Any] = yaml.safe_load(files("watchkeeper").joinpath("policy.default.yaml").read_text())
    return data


def kept_policy(data: dict[str, Any]) -> Policy:
    """A policy as it was kept with an incident, maybe by an older version: what is new since takes the shipped default,
    and what is gone is left out. An incident that is open during an upgrade goes on."""
    try:
        return Policy.model_validate(data)
    except ValidationError:
        known = merge(shipped(), deepcopy(data))
    if "night" not in data:
        # Nobody let a page of this incident wait, and a severity that it escalates at once could not.
        known["night"]["severities"] = []
    try:
        return Policy.model_validate(known)
    except ValidationError as error:
        for mistake in error.errors():
            if mistake["type"] == "extra_forbidden":
                _remove(known, mistake["loc"])
    return Policy.model_validate(known)


def _remove(data: Any, path: tuple[int | str, ...]) -> None:
    for part in path[:-1]:
        data = data[part]
    del data[path[-1]]


def load_policy(path: Path | None = None) -> Policy:
    """Read the shipped default and, over it, a team's own file.

    Raises:
        BadInput: the file cannot be read, is not YAML, or says something impossible; one line per mistake,
            each with the key's path and what to write instead.
    """
    default = shipped()
    if path is None:
        return validate_policy(default, source="policy.default.yaml")
    try:
        own = yaml.safe_load(path.read_text()) or {}
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise BadInput(f"{path}: is not YAML: {error}") from error
    if not isinstance(own, dict):
        raise BadInput(f"{path}: must be a mapping of keys to values, not a {type(own).__name__}")
    return validate_policy(_with_possible_night(merge(default, own), own), source=str(path))


def _with_possible_night(data: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """What the shipped night says of a severity that this team escalates at once is left out: its page cannot wait.

    What the team wrote under night.severities itself is judged as it stands.
    """
    night = data["night"]
    if not isinstance(night, dict) or "severities" in (own.get("night") or {}):
        return data
    possible = [s for s in night["severities"] if not _is_escalated_at_once(data, s)]
    return data | {"night": night | {"severities": possible}}


def _is_escalated_at_once(data: dict[str, Any], severity: str) -> bool:
    try:
        return parse_duration(data["severities"][severity]["escalate_after"]) == timedelta()
    except (KeyError, TypeError, ValueError):
        return False  # the whole is validated next, and says what is wrong


# What a team lists in full: people, services and turns of the guide's own company make no sense in another.
REPLACED_WHOLE = ("people", "roster", "services")


def merge(default: dict[str, Any], own: dict[str, Any], *, top: bool = True) -> dict[str, Any]:
    """Lay a team's own mapping over the default, key by key; `people`, `roster` and `services` are replaced whole."""
    merged = dict(default)
    for key, value in own.items():
        below = merged.get(key)
        if isinstance(value, dict) and isinstance(below, dict) and not (top and key in REPLACED_WHOLE):
            merged[key] = merge(below, value, top=False)
        else:
            merged[key] = value
    return merged


def validate_policy(data: dict[str, Any], *, source: str) -> Policy:
    """Turn plain data into a Policy.

    Raises:
        BadInput: with one line per mistake.
    """
    try:
        return Policy.model_validate(data)
    except ValidationError as error:
        raise BadInput("\n".join([f"{source}:", *map(_sentence, error.errors())])) from error


def _sentence(mistake: Any) -> str:
    path = ".".join(str(part) for part in mistake["loc"])
    if mistake["type"] == "extra_forbidden":
        parent = path.rpartition(".")[0] or "the top level"
        return f"  {path}: unknown key; remove it or correct its name (see {parent} in policy.default.yaml)"
    if mistake["type"] == "missing":
        return f"  {path}: is missing; add it"
    text = mistake["msg"].removeprefix("Value error, ")
    return f"  {path}: {text}" if path else f"  {text}"
