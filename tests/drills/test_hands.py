"""Whoever takes over, played: fills in a form as the Prefect UI sends it, and sees what anybody sees."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from drills import hands as module
from drills.hands import Hands

Answer = Callable[[httpx.Request], httpx.Response]
PAGE = "http://watch.test/i/i1-9-YW5h.sig"


def refuse_connection(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody listens", request=request)


def hands(
    prefect: Answer = refuse_connection,
    shop: Answer = refuse_connection,
    messages: list[tuple[str, str]] | None = None,
) -> Hands:
    async def read_messages() -> list[tuple[str, str]]:
        return messages or []

    async def dashboard(path: str, body: dict[str, Any]) -> None:
        return None

    return Hands(
        name="ana",
        incident="INC-0007",
        speed=60,
        prefect=httpx.AsyncClient(transport=httpx.MockTransport(prefect), base_url="http://prefect.test/api"),
        browser=httpx.AsyncClient(transport=httpx.MockTransport(shop)),
        shop="http://shop.test",
        site="http://site.test",
        dashboard=dashboard,
        read_messages=read_messages,
        say=lambda text: None,
    )


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(module, "FORM_SECONDS", 0.05)


def runs(*states: str) -> tuple[Answer, list[dict[str, Any]]]:
    """A Prefect server with one deployment, whose run goes through these states; and the forms that it got."""
    left, forms = list(states), []

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api")
        if path == "/deployments/name/maintenance/watchkeeper":
            return httpx.Response(200, json={"id": "d"})
        if path == "/deployments/d/create_flow_run":
            forms.append(json.loads(request.content))
            return httpx.Response(201, json={"id": "r", "state_type": "SCHEDULED"})
        assert path == "/flow_runs/r"
        return httpx.Response(200, json={"id": "r", "state_type": left.pop(0) if len(left) > 1 else left[0]})

    return answer, forms


@pytest.mark.parametrize(
    ("states", "ended"),
    [(("RUNNING", "COMPLETED"), "COMPLETED"), (("FAILED",), "FAILED"), (("RUNNING",), "RUNNING")],
)
async def test_fills_in_a_form_and_waits_for_its_run(states: tuple[str, ...], ended: str) -> None:
    prefect, forms = runs(*states)

    assert await hands(prefect).fill_in("maintenance", {"switch": "on"}) == ended
    assert forms == [{"parameters": {"switch": "on"}, "state": {"type": "SCHEDULED"}}]


async def test_sees_the_shop_as_a_customer_does() -> None:
    def shop(request: httpx.Request) -> httpx.Response:
        return httpx.Response(503, text=f"{request.url.host}{request.url.path}")

    assert await hands(shop=shop).visit() == {
        "status": 503,
        "answer": "shop.test/products",
        "page": "site.test/",
    }
    assert await hands().visit() == {"status": None, "answer": "", "page": ""}


@pytest.mark.parametrize(("status", "is_well"), [(200, True), (503, False)])
async def test_asks_the_shop_itself_whether_it_is_well(status: int, is_well: bool) -> None:
    assert await hands(shop=lambda request: httpx.Response(status)).until_well(0.02) is is_well
    assert not await hands().until_well(0.02)


async def test_tells_who_was_told_on_which_channel() -> None:
    told = [("ana (sms)", "It is still on."), ("#incidents (slack)", "It is still on."), ("ben (sms)", "Hi.")]
    someone = hands(messages=told)

    assert await someone.until_told("still on", {"ana (sms)"}, 5) == ["#incidents (slack)", "ana (sms)"]
    assert await someone.until_told("still on", {"ben (sms)"}, 0.01) == ["#incidents (slack)", "ana (sms)"]


async def test_opens_the_incidents_page_and_nothing_below_it() -> None:
    def site(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=str(request.url))

    told = [
        ("ana (sms)", "It is down: http://watch.test/i/i1-8-YW5h.old"),
        ("ana (email)", f"A note: {PAGE}/support\nEverything about it: {PAGE}\n"),
    ]
    assert await hands(shop=site, messages=told).open_page() == PAGE
    assert await hands(shop=site).open_page() == ""
