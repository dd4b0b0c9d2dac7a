"""What `prefect.yaml` defines, and whether a server has it already. Imports no Prefect: `up` must start quickly."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import yaml

from watchkeeper.home import settings_environment
from watchkeeper.settings import Settings

WORK_POOL = "watchkeeper"
DEPLOYMENT_NAME = "watchkeeper"
# The Prefect variable in which the last registration left its fingerprint.
REGISTRATION = "watchkeeper_registration"
# What a deployment's form and a block's fields are made from.
DEFINING_PACKAGES = ("flows", "blocks", "watchkeeper", "drills")


def definition_file() -> Path:
    """`prefect.yaml`: beside the packages in a checkout, inside `deployments` in an installed wheel."""
    package = Path(str(files("deployments")))
    installed = package / "prefect.yaml"
    return installed if installed.exists() else package.parent / "prefect.yaml"


def defined_deployments(file: Path) -> list[dict[str, Any]]:
    """The deployments of a `prefect.yaml`, as they stand there."""
    deployments: list[dict[str, Any]] = yaml.safe_load(file.read_text())["deployments"]
    return deployments


def fingerprint(settings: Settings, *, file: Path, worker_type: str) -> str:
    """What a registration depends on, in one value that tells nothing about the secrets among it."""
    digest = hmac.new(settings.signing_key().encode(), digestmod=hashlib.sha256)
    digest.update(json.dumps(sorted(settings_environment(settings).items())).encode())
    digest.update(f"{version('prefect')} {worker_type}".encode())
    digest.update(file.read_bytes())
    for source in _sources():
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    for package in DEFINING_PACKAGES:
        yield from sorted(Path(str(files(package))).rglob("*.py"))


async def is_registered(client: httpx.AsyncClient, *, file: Path, wanted: str) -> bool:
    """Whether the server has just these deployments, registered from just this state.

    Args:
        client: with the Prefect API's address as its base.
        wanted: the fingerprint of what should be registered.
    """
    answer = await client.get(f"/variables/name/{REGISTRATION}")
    if answer.status_code == httpx.codes.NOT_FOUND or answer.json().get("value") != wanted:
        return False
    named = {"deployments": {"name": {"any_": [DEPLOYMENT_NAME]}}}
    found = await client.post("/deployments/filter", json=named)
    there = {deployment["entrypoint"] for deployment in found.raise_for_status().json()}
    return there == {deployment["entrypoint"] for deployment in defined_deployments(file)}
