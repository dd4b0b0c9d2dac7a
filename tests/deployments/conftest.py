"""What the tests of the wiring share: one Prefect server that they all ask."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from drills.ports import free_port
from tests.deployments.running import PrefectServer
from watchkeeper.home import open_home
from watchkeeper.machine.embedded import start_postgres
from watchkeeper.settings import Settings


@pytest.fixture(scope="package")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    url = f"http://127.0.0.1:{free_port()}/api"
    home = tmp_path_factory.mktemp("prefect") / "home"
    return Settings(_env_file=None, home=home, prefect_api_url=url, link_key=SecretStr("k" * 32))


@pytest.fixture(scope="package")
def prefect_server(settings: Settings) -> Iterator[PrefectServer]:
    """A Prefect server that knew nothing when the first test asked it."""
    home = open_home(settings.home)
    postgres = start_postgres(home.postgres, ("prefect",))
    try:
        with PrefectServer(settings, home, postgres.asyncpg_url_for("prefect")) as server:
            server.start()
            yield server
    finally:
        postgres.stop()


@pytest.fixture(scope="package")
def api(prefect_server: PrefectServer) -> str:
    """Its address."""
    return prefect_server.api_url
