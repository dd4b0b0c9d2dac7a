"""The person who is played: answers what tonight's messages ask, however many nights came before."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from drills import person
from drills.night import played_person
from drills.person import FirstForm
from drills.screen import Screen
from drills.stand import World
from tests.watchkeeper.recording import recording_server, until

TONIGHT = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Phone:
    """A world that is one phone: texts by when they came."""

    received: dict[datetime, str]

    async def texts(self, name: str, since: datetime | None = None) -> list[str]:
        return [text for at, text in self.received.items() if since is None or at >= since]


async def test_an_earlier_night_s_messages_do_not_keep_a_person_from_tonight_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(person, "ANSWER_SECONDS", 0.0)
    async with recording_server() as server:
        phone = Phone(
            {
                TONIGHT - timedelta(hours=1): f"down: {server.url}/a/earlier",
                TONIGHT + timedelta(minutes=1): f"down: {server.url}/a/tonight",
            }
        )
        async with played_person(cast("World", phone), "prompt", Screen(), since=TONIGHT):
            await until(lambda: server.at("tonight"), seconds=5)
        assert server.at("earlier") == []


ACKNOWLEDGE = '<form action="/a/1"><button>Acknowledge: I have it</button></form>'
CHOICES = '<form action="/a/1"><button name="say" value="working">I am working on it</button></form>'
OVER = '<form action="/a/1"><input name="reason" required><button name="say" value="resolve">Close</button></form>'
PLAN = (
    '<form action="/p/1"><textarea name="reason"></textarea><button name="decision" value="approve">'
    'Approve</button><button name="decision" value="deny">Deny</button></form>'
)


@pytest.mark.parametrize(
    ("page", "wants_a_press"),
    [
        (ACKNOWLEDGE, True),
        # What stands below it asks for words, and is another form.
        (f"{ACKNOWLEDGE}{CHOICES}{OVER}", True),
        (f"{PLAN}{OVER}", True),
        # Acknowledged already: nobody presses at random.
        (f"{CHOICES}{OVER}", False),
        (OVER, False),
        ("<p>It is over.</p>", False),
    ],
)
def test_presses_what_takes_no_more_than_a_press(page: str, wants_a_press: bool) -> None:
    form = FirstForm()
    form.feed(page)
    assert form.wants_a_press is wants_a_press
