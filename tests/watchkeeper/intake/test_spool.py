"""Postgres is away: alerts are kept on disk, pages go out at once, and nothing is lost or doubled afterwards."""

import asyncio
import itertools
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.conftest import MovedClock
from tests.watchkeeper.house import ANA, BEN
from tests.watchkeeper.intake.opened import Intake, as_bytes, open_intake, settings_for, vendors_at
from tests.watchkeeper.intake.test_webhooks import SENTRY_BODY, sentry_headers
from tests.watchkeeper.recording import RecordingServer, Say, until
from watchkeeper.endings import read_still_firing
from watchkeeper.incidents import list_recent
from watchkeeper.intake import admitting
from watchkeeper.intake.app import House
from watchkeeper.intake.receiving import STORE_WITHIN_SECONDS
from watchkeeper.intake.spool import Spool, spool_folder
from watchkeeper.machine.embedded import EmbeddedPostgres, start_postgres
from watchkeeper.model import Alert, Kind
from watchkeeper.settings import Settings
from watchkeeper.store.migrating import migrate

_numbers = itertools.count(1)


class Cluster:
    """A Postgres of this module's own, which may be stopped."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.server: EmbeddedPostgres | None = None
        migrate(self.start().url_for("template_store"))

    def start(self) -> EmbeddedPostgres:
        self.server = self.server or start_postgres(self._directory, databases=("template_store",))
        return self.server

    def stop(self) -> None:
        if self.server is not None:
            self.server.stop()
            self.server = None

    def new_store(self) -> str:
        """The address of a fresh store."""
        name = f"spool_{next(_numbers)}"
        with psycopg.connect(self.start().url_for("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template_store")
        return self.start().url_for(name)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("away"))
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture
def settings(cluster: Cluster, tmp_path: Path, vendors: RecordingServer) -> Settings:
    return settings_for(tmp_path, cluster.new_store(), **vendors_at(vendors.url))


@asynccontextmanager
async def open_without_postgres(
    cluster: Cluster, settings: Settings, clock: MovedClock
) -> AsyncIterator[Intake]:
    """An intake that has found Postgres away."""
    cluster.stop()
    async with open_intake(settings, clock) as intake:
        await until(lambda: intake.house.store.is_away)
        yield intake


def spooled(intake: Intake, pattern: str = "*.json") -> list[Path]:
    return sorted((intake.house.settings.home / "spool").glob(pattern))


def texts_to(vendors: RecordingServer, number: str) -> list[str]:
    return [sms.form["Body"] for sms in vendors.at("/Messages.json") if sms.form["To"] == number]


def calls_to(vendors: RecordingServer, number: str) -> list[str]:
    return [call.form["To"] for call in vendors.at("/Calls.json") if call.form["To"] == number]


async def test_an_alert_is_kept_and_paged_at_once_and_admitted_when_postgres_is_back(
    cluster: Cluster, settings: Settings, clock: MovedClock, vendors: RecordingServer
) -> None:
    async with open_without_postgres(cluster, settings, clock) as intake:
        began = time.monotonic()
        answer = await intake.tell()
        assert (answer.status_code, answer.json()["incident"]) == (202, None)
        assert len(spooled(intake)) == 1
        (text,) = await until(lambda: texts_to(vendors, ANA), seconds=2)
        assert time.monotonic() - began < 2
        assert "Backend is down" in text
        assert "store is away" in text
        for number in range(20):
            await intake.tell(delivery_id=str(number))
        await intake.tell()
        assert len(spooled(intake)) == 22
        assert len(texts_to(vendors, ANA)) == 1, "one page for one cause"

        cluster.start()
        await until(lambda: spooled(intake) == [])
        (incident,) = await list_recent(intake.house.store)
        assert await intake.house.store.one("alerts/count", incident_id=1) == {"alerts": 22}
        await until(lambda: len(texts_to(vendors, ANA)) == 2)
        assert texts_to(vendors, ANA)[1].startswith(f"P0 {incident.number}")
        assert "/a/" in texts_to(vendors, ANA)[1]
        again = await intake.tell()
        assert again.json() == {"incident": incident.number, "reason": "same_fingerprint"}
        # A P0 goes to the secondary at once, with the store and without.
        await until(lambda: len(texts_to(vendors, BEN)) == 2)
        assert len(texts_to(vendors, ANA)) == 2


async def test_people_are_asked_again_while_postgres_stays_away(
    cluster: Cluster, settings: Settings, clock: MovedClock, vendors: RecordingServer
) -> None:
    async with open_without_postgres(cluster, settings, clock) as intake:
        await intake.tell()
        await until(lambda: texts_to(vendors, BEN))
        await intake.tell(fingerprint="redis", service="redis", severity="P1", summary="Redis is down")
        await intake.tell(fingerprint="redis", service="redis", severity="P1", firing=False)
        clock.advance(minutes=16)
        await until(lambda: len(calls_to(vendors, BEN)) > 1)
        assert not [text for text in texts_to(vendors, BEN) if "Redis is down" in text], "it is over"
        called = len(calls_to(vendors, ANA))
        clock.advance(minutes=10)
        await until(lambda: len(calls_to(vendors, ANA)) > called)


async def test_a_storm_without_the_store_is_a_few_messages_and_then_one_for_all_the_rest(
    cluster: Cluster, settings: Settings, clock: MovedClock, vendors: RecordingServer
) -> None:
    cluster.stop()
    async with open_intake(settings, clock) as intake:
        await until(lambda: intake.house.store.is_away)
        throttle = intake.house.desk.policy.throttle
        for number in range(throttle.messages + 5):
            await intake.tell(fingerprint=f"issue-{number}", severity="P1", summary=f"Issue {number}")
        await until(lambda: len(texts_to(vendors, ANA)) == throttle.messages)
        await intake.tell(fingerprint="site", severity="P0", summary="The site is down")
        await until(lambda: any("The site is down" in text for text in texts_to(vendors, ANA)))
        assert len(texts_to(vendors, ANA)) == throttle.messages + 1
        clock.advance(seconds=throttle.per.total_seconds() + 1)
        await until(lambda: any("more)" in text for text in texts_to(vendors, ANA)))
        assert len(texts_to(vendors, ANA)) == throttle.messages + 2


async def test_what_is_found_on_disk_was_perhaps_never_said(
    cluster: Cluster, settings: Settings, clock: MovedClock, vendors: RecordingServer
) -> None:
    cluster.stop()
    kept = Alert(
        source="generic",
        fingerprint="site",
        service="backend",
        kind=Kind.SITE_OUTAGE,
        summary="Backend is down",
        started_at=clock(),
    )
    await Spool(spool_folder(settings.home)).keep(kept, now=clock())
    async with open_intake(settings, clock):
        assert len(await until(lambda: texts_to(vendors, ANA), seconds=5)) == 1


async def test_a_second_outage_is_asked_about_like_the_first(
    cluster: Cluster, settings: Settings, clock: MovedClock, vendors: RecordingServer
) -> None:
    async with open_intake(settings, clock) as intake:
        for _outage in (1, 2):
            cluster.stop()
            await until(lambda: intake.house.store.is_away)
            told = len(texts_to(vendors, ANA))
            await intake.tell(fingerprint="site", severity="P0")
            await until(lambda told=told: len(texts_to(vendors, ANA)) > told)
            told = len(texts_to(vendors, ANA))
            clock.advance(minutes=6)
            await until(lambda told=told: len(texts_to(vendors, ANA)) > told)
            cluster.start()
            await until(lambda: spooled(intake) == [])


async def test_postgres_that_stops_in_the_night_loses_nothing(
    cluster: Cluster, settings: Settings, clock: MovedClock, vendors: RecordingServer
) -> None:
    async with open_intake(settings, clock) as intake:
        assert (await intake.tell()).json()["incident"] == "INC-0001"
        cluster.stop()
        await intake.tell(service="search", kind="other", severity="P2", summary="Search is slow")
        began = time.monotonic()
        answer = await intake.tell(service="redis", kind="redis_down", summary="Redis is down")
        assert answer.status_code == 202
        assert time.monotonic() - began < 2
        await until(lambda: [text for text in texts_to(vendors, ANA) if "Redis is down" in text])
        # At this hour a P2 is held, and it is held on disk as it would be in the store.
        assert not [mail for mail in vendors.at("/mail/send") if b"Search is slow" in mail.body]
        cluster.start()
        await until(lambda: spooled(intake) == [])
        assert {i.summary for i in await list_recent(intake.house.store)} == {
            "Backend is down",
            "Redis is down",
            "Search is slow",
        }


async def test_postgres_that_hangs_counts_as_away(
    cluster: Cluster,
    settings: Settings,
    clock: MovedClock,
    vendors: RecordingServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(admitting, "ADMIT_WITHIN_SECONDS", 0.5)
    async with open_intake(settings, clock) as intake:
        await intake.tell(severity="P3")
        stopped = children_of(cluster)
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            began = time.monotonic()
            answer = await intake.tell(service="redis", kind="redis_down", summary="Redis is down")
            assert (answer.status_code, time.monotonic() - began < 2) == (202, True)
            await until(lambda: [text for text in texts_to(vendors, ANA) if "Redis is down" in text])
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
        await until(lambda: spooled(intake) == [])
        assert len(await list_recent(intake.house.store)) == 2


async def test_sentry_is_answered_within_its_second_while_postgres_hangs(
    cluster: Cluster, settings: Settings, clock: MovedClock
) -> None:
    async with open_intake(settings, clock) as intake:
        await intake.tell(severity="P3")
        stopped = children_of(cluster)
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            body = as_bytes(SENTRY_BODY)
            assert STORE_WITHIN_SECONDS["sentry"] < 1
            async with asyncio.timeout(admitting.ADMIT_WITHIN_SECONDS - 1):  # this machine may be busy
                answer = await intake.client.post(
                    "/webhooks/sentry", content=body, headers=sentry_headers(body, clock())
                )
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
        assert answer.json()["reason"] == "kept_on_disk_until_the_store_is_back"
        await until(lambda: spooled(intake) == [])
        assert await intake.house.store.one("alerts/count", incident_id=1) == {"alerts": 2}


def told_storeless(vendors: RecordingServer) -> list[str]:
    return [text for text in texts_to(vendors, ANA) if "does not take" in text or "is away" in text]


async def test_a_store_that_is_slow_for_once_is_not_called_away_and_wakes_nobody_twice(
    settings: Settings, clock: MovedClock, vendors: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_intake(settings, clock) as intake:
        monkeypatch.setitem(STORE_WITHIN_SECONDS, "sentry", 1e-6)
        body = as_bytes(SENTRY_BODY)
        answer = await intake.client.post(
            "/webhooks/sentry", content=body, headers=sentry_headers(body, clock())
        )
        assert answer.json()["reason"] == "kept_on_disk_until_the_store_is_back"
        await until(lambda: spooled(intake) == [])
        (incident,) = await list_recent(intake.house.store)
        assert incident.number == "INC-0001"
        clock.advance(minutes=1)
        await asyncio.sleep(1.5)  # more than a turn of what asks again
        assert told_storeless(vendors) == []


async def test_what_a_store_that_is_there_does_not_take_is_said_once_it_has_had_its_time(
    settings: Settings, clock: MovedClock, vendors: RecordingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def admit_nothing(house: House) -> None:
        pass

    monkeypatch.setattr(House, "admit_spooled", admit_nothing)
    monkeypatch.setitem(STORE_WITHIN_SECONDS, "sentry", 1e-6)
    async with open_intake(settings, clock) as intake:
        body = as_bytes(SENTRY_BODY)
        await intake.client.post("/webhooks/sentry", content=body, headers=sentry_headers(body, clock()))
        await asyncio.sleep(1.5)  # more than a turn of what asks again
        assert told_storeless(vendors) == []
        clock.advance(seconds=11)
        (text,) = await until(lambda: told_storeless(vendors))
        assert "The incident store does not take what comes in, the alert is kept" in text


async def test_what_begins_again_while_postgres_is_away_rings_again(
    cluster: Cluster, settings: Settings, clock: MovedClock, vendors: RecordingServer
) -> None:
    async with open_without_postgres(cluster, settings, clock) as intake:
        await intake.tell(firing=False, summary="Backend is up")
        await intake.tell(summary="Backend is down")
        await until(lambda: [text for text in texts_to(vendors, ANA) if "Backend is down" in text])
        await intake.tell(firing=False, summary="Backend is up")
        await intake.tell(summary="Backend is down again")
        await until(lambda: [text for text in texts_to(vendors, ANA) if "down again" in text])
        assert not [text for text in texts_to(vendors, ANA) if "is up" in text]


async def test_a_p0_that_comes_and_goes_while_postgres_is_away_is_throttled_like_the_rest(
    cluster: Cluster, settings: Settings, clock: MovedClock, vendors: RecordingServer
) -> None:
    async with open_without_postgres(cluster, settings, clock) as intake:
        most = intake.house.desk.policy.throttle.messages
        for _ in range(most + 4):
            await intake.tell()
            await intake.tell(firing=False)
        await until(lambda: len(texts_to(vendors, ANA)) >= most)
        await asyncio.sleep(1.5)  # more than a turn of what asks again
        assert len(texts_to(vendors, ANA)) == most
        await intake.tell(fingerprint="site", summary="The site is down")
        await until(lambda: any("The site is down" in text for text in texts_to(vendors, ANA)))


async def test_an_end_overtakes_no_beginning_that_still_waits_on_disk(
    cluster: Cluster, settings: Settings, clock: MovedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    admit_spooled, may_admit = House.admit_spooled, asyncio.Event()

    async def admit_later(house: House) -> None:
        if may_admit.is_set():
            await admit_spooled(house)

    monkeypatch.setattr(House, "admit_spooled", admit_later)
    async with open_without_postgres(cluster, settings, clock) as intake:
        await intake.tell()
        cluster.start()
        await until(lambda: not intake.house.store.is_away)
        clock.advance(seconds=1)
        answer = await intake.tell(firing=False)
        assert answer.json()["reason"] == "kept_on_disk_until_the_store_is_back"
        may_admit.set()
        await until(lambda: spooled(intake) == [])
        (incident,) = await list_recent(intake.house.store)
        assert await read_still_firing(intake.house.store, incident.id) == []
        assert (await intake.tell()).json()["reason"] != "kept_on_disk_until_the_store_is_back"


def children_of(cluster: Cluster) -> list[int]:
    """The server's processes, the postmaster first."""
    postmaster = psutil.Process(cluster.start().pid)
    return [postmaster.pid, *(child.pid for child in postmaster.children())]


async def test_the_secondary_is_told_when_no_channel_reaches_the_primary(
    cluster: Cluster, settings: Settings, clock: MovedClock, vendors: RecordingServer
) -> None:
    def not_for_ana(heard: object) -> Say:
        reachable = BEN in getattr(heard, "form", {}).get("To", "")
        return Say(201, {"sid": "SM1"}) if reachable else Say(400, {"code": 21610, "message": "opted out"})

    vendors.answer = not_for_ana
    async with open_without_postgres(cluster, settings, clock) as intake:
        await intake.tell(severity="P1", summary="Checkout is down")
        (text,) = await until(lambda: texts_to(vendors, BEN), seconds=2)
        assert "Checkout is down" in text


async def test_a_figure_in_the_alert_counts_for_its_severity_without_the_store_too(
    cluster: Cluster, settings: Settings, clock: MovedClock, vendors: RecordingServer
) -> None:
    async with open_without_postgres(cluster, settings, clock) as intake:
        await intake.tell(kind="other", service="checkout", users_affected_percent=80)
        assert await until(lambda: texts_to(vendors, ANA), seconds=2)


async def test_a_page_under_way_is_sent_before_the_process_ends(
    cluster: Cluster, settings: Settings, clock: MovedClock, vendors: RecordingServer
) -> None:
    async with open_without_postgres(cluster, settings, clock) as intake:
        await intake.tell()
    assert len(texts_to(vendors, ANA)) == 1


async def test_what_was_kept_survives_a_restart_and_what_is_broken_is_set_aside(
    cluster: Cluster, settings: Settings, clock: MovedClock, vendors: RecordingServer
) -> None:
    async with open_without_postgres(cluster, settings, clock) as intake:
        await intake.tell()
    folder = settings.home / "spool"
    (kept,) = folder.glob("*.json")
    (folder / "20260101T000000-half.json").write_bytes(kept.read_bytes()[:40])
    (folder / "20260101T000001-noise.json").write_bytes(b"\xff\x00")
    (folder / "20260101T000002-empty.json").touch()
    (folder / "20260101T000003-never-acknowledged.json.partial").write_bytes(b"{")
    unkeepable = kept.read_text().replace("Backend is down", r"Backend is \u0000 down")
    (folder / "20260101T000004-unkeepable.json").write_text(unkeepable.replace("spool:", "other:"))
    cluster.start()
    async with open_intake(settings, clock) as intake:
        await until(lambda: spooled(intake) == [])
        (incident,) = await list_recent(intake.house.store)
        assert incident.summary == "Backend is down"
        assert [path.name for path in spooled(intake, "*.bad")] == [
            "20260101T000000-half.bad",
            "20260101T000001-noise.bad",
            "20260101T000002-empty.bad",
            "20260101T000004-unkeepable.bad",
        ]
        # A file that appears broken while it runs stops nothing either.
        (folder / "20260101T000005-late.json").write_text("[]")
        await until(lambda: spooled(intake) == [])
        assert (await intake.client.get("/ready")).status_code == 200


async def test_a_disk_that_is_full_still_pages_and_does_not_promise_anything(
    cluster: Cluster,
    settings: Settings,
    clock: MovedClock,
    vendors: RecordingServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    async with open_without_postgres(cluster, settings, clock) as intake:
        monkeypatch.setattr(os, "fsync", full)
        answer = await intake.tell()
        assert answer.status_code == 503
        assert await until(lambda: texts_to(vendors, ANA), seconds=2)
        monkeypatch.undo()
