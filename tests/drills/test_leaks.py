"""After each night the secrets are looked for: wherever one stands is named, and the secret itself is not."""

from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from drills import leaks as looking
from drills.leaks import leaks, names_in
from drills.run import own_keys
from drills.vendors.config import secrets_of
from watchkeeper.machine.embedded import EmbeddedPostgres
from watchkeeper.settings import Settings

TOKEN, SIGNING = "tok-5d1e0b7a", "whsec_0aB-9z_Q"
SECRETS = {"railway.token": TOKEN, "stripe.issued.1": SIGNING}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "report" / "messages").mkdir(parents=True)
    (tmp_path / "report" / "report.json").write_text('{"name": "stripe-signature"}')
    return tmp_path / "report"


def test_says_nothing_of_a_night_that_kept_its_secrets(
    postgres: EmbeddedPostgres, store_url: str, folder: Path
) -> None:
    assert leaks(SECRETS, server_url=store_url, folders=[folder]) == []


def test_finds_a_secret_in_a_file_however_deep(store_url: str, folder: Path) -> None:
    (folder / "messages" / "01-sms-ana.txt").write_text(f"the new secret is {SIGNING}.")

    assert leaks(SECRETS, server_url=store_url, folders=[folder]) == [
        "stripe.issued.1 stands in report/messages/01-sms-ana.txt"
    ]


def test_finds_a_secret_in_a_row_of_any_database_of_the_server(
    postgres: EmbeddedPostgres, store_url: str, folder: Path
) -> None:
    """As in Prefect's own database, which holds parameters, logs and artifacts."""
    postgres.create_database("prefect_like")
    with psycopg.connect(postgres.url_for("prefect_like"), autocommit=True) as connection:
        connection.execute("CREATE TABLE flow_run (parameters jsonb)")
        connection.execute(
            "INSERT INTO flow_run VALUES (jsonb_build_object('deep', jsonb_build_array(%s::text)))",
            (f"Bearer {TOKEN}",),
        )
        try:
            found = leaks(SECRETS, server_url=store_url, folders=[folder])
        finally:
            connection.execute("DROP TABLE flow_run")

    assert found == ["railway.token stands in prefect_like's table flow_run"]


def test_a_search_for_nothing_is_no_pass(store_url: str, folder: Path) -> None:
    assert leaks({}, server_url=store_url, folders=[folder]) == [
        "no secret was named, so none could be looked for"
    ]


@pytest.mark.parametrize("at", range(1, len(SIGNING)))
def test_finds_a_secret_that_two_pieces_share(monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    monkeypatch.setattr(looking, "CHUNK_BYTES", 1)
    pieces = [b"before ", SIGNING[:at].encode(), SIGNING[at:].encode(), b" after"]

    assert names_in(pieces, SECRETS) == ["stripe.issued.1"]
    assert names_in([*pieces[:2], b"-", *pieces[2:]], SECRETS) == []


def test_names_every_secret_of_the_stand_ins_by_its_path_and_none_of_what_is_none() -> None:
    config = {
        "control_secret": "c",
        "railway": {"token": "t", "project_id": "p", "webhook_headers": {"Authorization": "Bearer b"}},
        "stripe": {"api_key": "k", "webhook_secret": "w"},
    }

    assert secrets_of(config) == {
        "control_secret": "c",
        "railway.token": "t",
        "railway.webhook_headers.Authorization": "b",
        "stripe.api_key": "k",
        "stripe.webhook_secret": "w",
    }


def test_looks_for_the_keys_of_the_installation_too() -> None:
    keys = own_keys(Settings(link_key=SecretStr("l"), webhook_secret=SecretStr("w")))

    assert keys == {"watchkeeper.link_key": "l", "watchkeeper.webhook_secret": "w"}
