"""How a reading becomes a finding, and how looks and actions become tasks."""

import asyncio
import json
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import psycopg
import pytest
from prefect import Task
from prefect.cache_policies import NO_CACHE
from psycopg.types.json import Jsonb

import tasks
from tasks import looking, shapes
from tasks.looking import Seen, look
from watchkeeper.errors import NotConfigured, VendorRejected
from watchkeeper.machine.embedded import EmbeddedPostgres
from watchkeeper.model import Check, CheckStatus

MODULES = [import_module(f"tasks.{found.name}") for found in iter_modules(tasks.__path__)]
# Each once, though a module may import another's.
TASKS = {
    task.name: task for module in MODULES for task in vars(module).values() if isinstance(task, Task)
}.values()
LOOKS = [task for task in TASKS if task.name.startswith("check_")]
ACTIONS = [task for task in TASKS if "changes-production" in task.tags]


def test_every_task_is_a_look_or_a_change() -> None:
    assert [task.name for task in TASKS if task not in (*LOOKS, *ACTIONS)] == []
    assert (len(LOOKS) > 30, len(ACTIONS) > 10) == (True, True)


async def look_at(told: Seen | Exception) -> Check:
    async def read() -> Seen:
        if isinstance(told, Exception):
            raise told
        return told

    return await look("disk", "backend", "df", read)


@pytest.mark.parametrize(
    ("told", "status", "summary"),
    [
        (Seen(True, "fine", {}), CheckStatus.OK, "fine"),
        (Seen(False, "full", {}), CheckStatus.BAD, "full"),
        (NotConfigured("the disk", setting="DISK"), CheckStatus.NOT_CONFIGURED, "set DISK"),
        (VendorRejected(vendor="disk", action="read", status=403), CheckStatus.UNKNOWN, "answered 403"),
        (TimeoutError(), CheckStatus.UNKNOWN, "time limit"),
        (KeyError("hush"), CheckStatus.UNKNOWN, "unknown shape (KeyError)"),
    ],
)
async def test_says_what_a_reading_gave(told: Seen | Exception, status: CheckStatus, summary: str) -> None:
    check = await look_at(told)

    assert check.status is status
    assert summary in check.summary
    assert check.output == check.summary
    assert "hush" not in check.model_dump_json()


async def test_cleans_a_vendors_words_in_a_refusal_too() -> None:
    refusal = VendorRejected(vendor="disk", action="read", reason="a\0b")

    assert (await look_at(refusal)).output.endswith("a\ufffdb")


async def test_interrupts_a_look_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "LIMIT_SECONDS", 0.05)

    async def read() -> Seen:
        await asyncio.sleep(30)
        raise AssertionError("it was waited for")

    check = await look("disk", "backend", "df", read)

    assert check.status is CheckStatus.UNKNOWN
    assert "time limit" in check.summary
    assert check.seconds < 4


def test_interrupts_a_look_before_its_task_is_interrupted() -> None:
    assert looking.LIMIT_SECONDS < shapes.LOOK_LIMIT_SECONDS


async def test_gives_only_what_postgres_can_keep(postgres: EmbeddedPostgres) -> None:
    words = "a\0b" + json.loads(r'"\ud800"')
    check = await look_at(Seen(False, words, {words: [words, {"deep": words, "number": 3}]}, output=words))

    async with await psycopg.AsyncConnection.connect(postgres.url_for("postgres")) as connection:
        cursor = await connection.execute("SELECT %s", [Jsonb(check.model_dump(mode="json"))])
        [(kept,)] = await cursor.fetchall()

    assert (kept["summary"], kept["output"]) == ("a\ufffdb?", "a\ufffdb?")
    assert kept["facts"] == {"a\ufffdb?": ["a\ufffdb?", {"deep": "a\ufffdb?", "number": 3}]}


@pytest.mark.parametrize("task", LOOKS, ids=lambda task: task.name)
def test_is_a_look_that_is_never_cached_nor_repeated_by_prefect_and_ends(task: Task[..., Any]) -> None:
    assert task.cache_policy == NO_CACHE
    assert (task.retries, task.timeout_seconds) == (0, shapes.LOOK_LIMIT_SECONDS)
    assert [tag for tag in task.tags if tag.startswith("vendor:")]


@pytest.mark.parametrize("task", ACTIONS, ids=lambda task: task.name)
def test_is_a_change_that_is_never_cached_nor_repeated_and_ends(task: Task[..., Any]) -> None:
    assert task.cache_policy == NO_CACHE
    assert task.retries == 0
    assert task.timeout_seconds
    assert [tag for tag in task.tags if tag.startswith("vendor:")]
