"""What whoever takes over has at hand: the forms of the Prefect UI, a browser, their messages, the vendors' dashboards.

Nothing here knows Watchkeeper's code: a form is sent as the UI sends it, and everything else is what anybody sees.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Set
from dataclasses import dataclass
from typing import Any

import httpx

FINISHED = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})
FORM_SECONDS, LOOK_SECONDS = 60.0, 0.3
# The incident's page, and nothing below it.
PAGE = re.compile(r"https?://[^\s/]+/i/[^\s/]+(?!\S)")


@dataclass(frozen=True)
class Hands:
    """Somebody who mends by hand what was handed over.

    Attributes:
        name: whose hands they are, as a form asks for it.
        incident: the number of what was handed over.
        speed: what the policy's durations are divided by.
        prefect: a client of the Prefect API.
        browser: what the shop is visited with; `shop` is its backend's address, `site` its website's.
        dashboard: a change at a vendor, in its dashboard: a control request to the stand-in.
        read_messages: who was told, as "ana (sms)", and the words; of this night.
        say: shows what is done.
    """

    name: str
    incident: str
    speed: float
    prefect: httpx.AsyncClient
    browser: httpx.AsyncClient
    shop: str
    site: str
    dashboard: Callable[[str, dict[str, Any]], Awaitable[None]]
    read_messages: Callable[[], Awaitable[list[tuple[str, str]]]]
    say: Callable[[str], None]

    async def fill_in(self, flow: str, form: dict[str, Any]) -> str:
        """Start a deployment by its form, as the UI does; the state of its run in the end, in Prefect's words."""
        told = (await self.prefect.get(f"/deployments/name/{flow}/watchkeeper")).raise_for_status().json()
        body = {"parameters": form, "state": {"type": "SCHEDULED"}}
        started = await self.prefect.post(f"/deployments/{told['id']}/create_flow_run", json=body)
        run: dict[str, Any] = started.raise_for_status().json()
        give_up_at = now() + FORM_SECONDS
        while run["state_type"] not in FINISHED and now() < give_up_at:
            await asyncio.sleep(LOOK_SECONDS)
            run = (await self.prefect.get(f"/flow_runs/{run['id']}")).raise_for_status().json()
        self.say(f"{self.name} filled in the form “{flow}” ({run['state_type'].lower()})")
        return str(run["state_type"])

    async def visit(self) -> dict[str, Any]:
        """What a customer gets now: the backend's answer, and the website's page."""
        answer, page = await self._get(f"{self.shop}/products"), await self._get(f"{self.site}/")
        return {
            "status": answer.status_code if answer else None,
            "answer": answer.text if answer else "",
            "page": page.text if page else "",
        }

    async def open_page(self) -> str:
        """The incident's page, by the last link to it that came; empty where none did."""
        links = [link for _, text in await self.read_messages() for link in PAGE.findall(text)]
        page = await self._get(links[-1]) if links else None
        return page.text if page else ""

    async def until_well(self, within_seconds: float) -> bool:
        """Whether the shop's own health address says in this time that it has everything that it needs."""
        give_up_at = now() + within_seconds
        while now() < give_up_at:
            answer = await self._get(f"{self.shop}/health/detailed")
            if answer is not None and answer.is_success:
                return True
            await asyncio.sleep(LOOK_SECONDS)
        return False

    async def until_told(self, words: str, wanted: Set[str], within_seconds: float) -> list[str]:
        """Who was told these words: as soon as it is everybody who is to be, or when the time is up."""
        give_up_at = now() + within_seconds
        while True:
            told = {who for who, text in await self.read_messages() if words in text}
            if wanted <= told or now() > give_up_at:
                return sorted(told)
            await asyncio.sleep(LOOK_SECONDS)

    async def _get(self, url: str) -> httpx.Response | None:
        """An answer; none where nobody listens, such as between two deployments."""
        try:
            return await self.browser.get(url)
        except httpx.TransportError:
            return None


def now() -> float:
    return asyncio.get_running_loop().time()
