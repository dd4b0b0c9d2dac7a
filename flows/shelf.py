"""Where this installation's documents go: the team's folder, or a pull request in its repository."""

from collections.abc import Mapping
from pathlib import PurePosixPath

from blocks.github import GitHubCredentials
from tasks.github_documents import default_branch, offer_files, read_file
from watchkeeper.documents.hotfix import hotfix_title
from watchkeeper.errors import NotConfigured
from watchkeeper.model import Incident
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
