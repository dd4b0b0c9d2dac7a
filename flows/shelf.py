"""Where this installation's documents go: the team's folder, or a pull request in its repository."""

import asyncio
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from blocks.github import GitHubCredentials
from flows.runbooks.document import RUNBOOKS, runbook_document
from tasks.github_documents import default_branch, offer_files, read_file
from watchkeeper.documents.hotfix import hotfix_title
from watchkeeper.documents.runbook import Runbook, runbook_name
from watchkeeper.errors import NotConfigured, VendorError
from watchkeeper.model import Incident, Kind
from watchkeeper.reviews.publishing import FOLDER, FolderShelf, Shelf
from watchkeeper.settings import Settings


class RepositoryShelf:
    """A pull request for each post-mortem, on a branch of its file's name."""

    def __init__(self, credentials: GitHubCredentials, folder: str) -> None:
        self._credentials = credentials
        self._folder = PurePosixPath(folder) / FOLDER

    async def holds(self, name: str) -> bool:
        base = await default_branch(self._credentials)
        return await read_file(self._credentials, str(self._folder / name), base) is not None

    async def put(self, name: str, files: Mapping[str, str], incident: Incident) -> str:
        return await offer_files(
            self._credentials,
            {str(self._folder / each): text for each, text in files.items()},
            branch=f"post-mortem/{PurePosixPath(name).stem}",
            title=f"Post-mortem of {hotfix_title(incident)}",
            body=f"The post-mortem of {incident.number}. Its action items are kept from the document as published.",
        )


async def read_runbook(settings: Settings, kind: Kind) -> Runbook | None:
    """The team's own document of a runbook, from its repository or its folder; where it has none, the shipped one.

    None for a kind that has no runbook. A document that cannot be read is none: the draft must not wait for it.
    """
    if kind not in RUNBOOKS:
        return None
    name = runbook_name(kind)
    try:
        text = await _repository_text(settings, name) if settings.github else None
        text = text or await asyncio.to_thread(_folder_text, settings.documents() / "runbooks" / name)
    except (VendorError, OSError, UnicodeDecodeError):
        text = None
    return Runbook(name, text) if text else runbook_document(kind)


async def _repository_text(settings: Settings, name: str) -> str | None:
    credentials = github_of(settings)
    folder = PurePosixPath(settings.github.documents_path if settings.github else "") / "runbooks"
    known = await read_file(credentials, str(folder / name), await default_branch(credentials))
    return known.text if known else None


def _folder_text(path: Path) -> str | None:
    return path.read_text() if path.is_file() else None


def shelf_of(settings: Settings) -> Shelf:
    """A pull request where GitHub is configured, else the team's folder."""
    if settings.github is None:
        return FolderShelf(settings.documents())
    return RepositoryShelf(github_of(settings), settings.github.documents_path)


def github_of(settings: Settings) -> GitHubCredentials:
    """The credentials as the settings have them: the command line works without Prefect's blocks.

    Raises:
        NotConfigured: GitHub is not.
    """
    if settings.github is None:
        raise NotConfigured("GitHub", setting="WATCHKEEPER_GITHUB__TOKEN")
    told = settings.github
    return GitHubCredentials(token=told.token, repository=told.repository, base_url=told.base_url)
