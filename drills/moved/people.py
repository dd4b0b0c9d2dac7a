"""People in a night with the clock moved: what reaches them, and how they answer, each in the vendor's wire format."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from drills.moved.night import MovedNight

CODE = re.compile(r"\(reply OK(?:/NO)? (\d{6})")
LINK = re.compile(r"https?://\S+")


@dataclass(frozen=True)
class Phone:
    """What one number received, oldest first."""

    received: list[dict[str, Any]]

    @property
    def texts(self) -> list[str]:
        return [each["body"] for each in self.received if each["kind"] == "sms"]

    @property
    def calls(self) -> list[str]:
        """The script of each call, as TwiML."""
        return [each["body"] for each in self.received_calls]

    @property
    def received_calls(self) -> list[dict[str, Any]]:
        return [each for each in self.received if each["kind"] == "call"]

    @property
    def code(self) -> str:
        """The code of the newest text that asks for a decision."""
        codes = [match[1] for text in self.texts for match in CODE.finditer(text)]
        if not codes:
            raise LookupError(f"no text holds a code: {self.texts}")
        return str(codes[-1])

    def link(self, purpose: str) -> str:
        """The newest link for a purpose, such as "a" to acknowledge and "p" for a plan."""
        links = [link for text in self.texts for link in LINK.findall(text) if f"/{purpose}/" in link]
        if not links:
            raise LookupError(f"no text holds a link for {purpose!r}: {self.texts}")
        return str(links[-1])


@dataclass(frozen=True)
class Somebody:
    """A person of the team and what they can do."""

    night: "MovedNight"
    handle: str

    @property
    def number(self) -> str:
        return self.night.desk.policy.people[self.handle].phone or ""

    @property
    def phone(self) -> Phone:
        return self.night.phone(self.handle)

    async def opens(self, link: str) -> httpx.Response:
        """Open a link on the phone; looking changes nothing."""
        return await self.night.client.get(link)

    async def replies(self, text: str, **how: str) -> str:
        """Answer by text message; what is said back, or nothing where the webhook refused it."""
        before = len(self.phone.texts)
        await self.night.vendors.twilio.reply(self.number, text, **how)
        said_back = self.phone.texts[before:]
        await self.night.settle()
        return "".join(said_back)

    async def presses(self, key: str) -> str:
        """Press a key on the newest call; what is heard then."""
        await self.night.vendors.twilio.press(self.number, key)
        await self.night.settle()
        return str(self.phone.received_calls[-1]["heard"][-1])

    async def clicks(self, button: str, **how: Any) -> int:
        """Press a button in Slack, by its label; the status that the house answered with."""
        user = self.night.desk.policy.people[self.handle].slack or ""
        status = await self.night.vendors.slack.press(user, button, at=self.night.clock(), **how)
        await self.night.settle()
        return status

    async def sends(self, link: str, **form: str) -> httpx.Response:
        """Press a button of the page behind a link."""
        answer = await self.night.client.post(link, data=form)
        await self.night.settle()
        return answer
