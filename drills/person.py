"""The person on call, played: reads the text messages that arrive, opens the links as a phone would, and presses.

Nothing here knows Watchkeeper's code: a link in a message and the form behind it are all that a person has.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Literal
from urllib.parse import urljoin

import httpx

LINK = re.compile(r"https?://\S+")

Behaviour = Literal["prompt", "silent", "denies"]

# How long somebody who was woken takes to find the phone, and to read a plan.
ANSWER_SECONDS = 2.0
READ_SECONDS = 3.0


class FirstForm(HTMLParser):
    """The first form of a page: where it goes and which buttons it has, one without a name as ""."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.buttons: list[tuple[str, str]] = []
        self.asks_for_words = False
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form" and self.action is None:
            self.action, self._inside = given.get("action", ""), True
        if not self._inside:
            return
        if "required" in given:
            self.asks_for_words = True
        if tag == "button":
            self.buttons.append((given.get("name", ""), given.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False

    @property
    def wants_a_press(self) -> bool:
        """Whether it takes no more than that: a plan's two buttons, or a single one with nothing to choose."""
        names = {name for name, _ in self.buttons}
        return self.action is not None and not self.asks_for_words and bool(names & {"", "decision"})


@dataclass
class Person:
    """Somebody with a phone. `read_messages` gives the texts received so far, oldest first."""

    name: str
    behaviour: Behaviour
    read_messages: Callable[[], Awaitable[list[str]]]
    browser: httpx.AsyncClient
    say: Callable[[str], None]
    opened: set[str] = field(default_factory=set)

    async def live(self) -> None:
        """Look at the phone now and then, for ever."""
        while True:
            for text in await self.read_messages():
                for link in LINK.findall(text):
                    if self.behaviour != "silent" and link not in self.opened:
                        # No answer is a page that does not load: somebody who was woken tries again.
                        with suppress(httpx.TransportError):
                            await self.follow(link)
                            self.opened.add(link)
            await asyncio.sleep(0.3)

    async def follow(self, link: str) -> None:
        """Open a link and press what the behaviour asks for; a page without a form needs nothing."""
        await asyncio.sleep(ANSWER_SECONDS)
        page = await self.browser.get(link)
        form = FirstForm()
        form.feed(page.text)
        if page.is_error or form.action is None or not form.wants_a_press:
            return
        fields: dict[str, str] = {}
        if any(name == "decision" for name, _ in form.buttons):
            await asyncio.sleep(READ_SECONDS)
            fields = {"decision": "deny" if self.behaviour == "denies" else "approve", "reason": "drill"}
        answer = await self.browser.post(urljoin(link, form.action), data=fields)
        pressed = fields.get("decision", "acknowledge")
        self.say(f"{self.name} pressed “{pressed}” on the phone ({answer.status_code})")
