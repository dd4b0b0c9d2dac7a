"""Gemini's, Remove.bg's and Stripe's stand-ins: what they take, what they refuse and how, and that a bad time passes."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from starlette.applications import Starlette
from starlette.routing import Route

from drills.vendors import gemini
from drills.vendors.config import Gemini, RemoveBg, Stripe
from drills.vendors.gemini import GeminiApi
from drills.vendors.removebg import RemoveBgApi
from drills.vendors.stripe import StripeApi
from drills.vendors.vendor import Vendor

KEY = "hush-4f1c9d"
GENERATE = "/gemini/v1beta/models/gemini-2.5-flash:generateContent"
ASK = {"contents": [{"parts": [{"text": "a mug"}]}]}


class Bench:
    """Both vendors in this process, and a client with the right keys."""

    def __init__(self) -> None:
        self.gemini, self.removebg = GeminiApi(Gemini(api_key=KEY)), RemoveBgApi(RemoveBg(api_key=KEY))
        vendors: dict[str, Vendor] = {"gemini": self.gemini, "removebg": self.removebg}
        routes = [route for vendor in vendors.values() for route in vendor.routes()]
        for name, vendor in vendors.items():
            routes += [Route(f"/{name}/{w}", h, methods=["POST"]) for w, h in vendor.controls().items()]
        keys = {"x-goog-api-key": KEY, "X-API-Key": KEY}
        transport = httpx.ASGITransport(app=Starlette(routes=routes))
        self.client = httpx.AsyncClient(transport=transport, base_url="http://vendors", headers=keys)

    async def generate(self, **changes: object) -> httpx.Response:
        return await self.client.post(GENERATE, json=ASK | changes)

    async def cut_out(self, url: str = "http://shop/1.png") -> httpx.Response:
        return await self.client.post("/removebg/v1.0/removebg", data={"image_url": url})


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    async with made.client:
        yield made


async def test_gemini_generates_and_lists_models(bench: Bench) -> None:
    answer = await bench.generate()

    assert (answer.status_code, answer.json()["candidates"][0]["finishReason"]) == (200, "STOP")
    models = (await bench.client.get("/gemini/v1beta/models")).json()["models"]
    assert models[0]["name"] == "models/gemini-2.5-flash"
    assert bench.gemini.state() == {"generated": 1, "refused": 0}


@pytest.mark.parametrize(
    ("path", "key", "status", "word"),
    [
        (GENERATE, "", 403, "PERMISSION_DENIED"),
        (GENERATE, "wrong", 400, "INVALID_ARGUMENT"),
        (GENERATE.replace("flash", "tiny"), KEY, 404, "NOT_FOUND"),
        (GENERATE.replace("generate", "invent"), KEY, 404, "NOT_FOUND"),
    ],
)
async def test_gemini_refuses_in_googles_words(
    bench: Bench, path: str, key: str, status: int, word: str
) -> None:
    answer = await bench.client.post(path, json=ASK, headers={"x-goog-api-key": key})

    assert (answer.status_code, answer.json()["error"]["status"]) == (status, word)


async def test_gemini_generates_sixty_times_a_minute_and_says_when_to_come_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [await bench.generate() for _ in range(gemini.PER_MINUTE + 1)]

    assert {answer.status_code for answer in answers[:-1]} == {200}
    refused = answers[-1].json()["error"]
    assert (answers[-1].status_code, refused["status"]) == (429, "RESOURCE_EXHAUSTED")
    quota, retry = refused["details"]
    assert "PerMinute" in quota["violations"][0]["quotaId"]
    assert retry["retryDelay"] == "60s"
    assert (await bench.client.get("/gemini/v1beta/models")).status_code == 200
    monkeypatch.setattr(gemini, "WINDOW_SECONDS", 0.0)
    assert (await bench.generate()).status_code == 200


@pytest.mark.parametrize(("quota", "words"), [("minute", "PerMinute"), ("day", "PerDay")])
async def test_gemini_has_had_enough_until_it_is_well_again(bench: Bench, quota: str, words: str) -> None:
    await bench.client.post("/gemini/limit", json={"seconds": 30, "quota": quota})
    refused = await bench.generate()
    assert refused.status_code == 429
    assert words in refused.text and '"retryDelay":"30s"' in refused.text

    bench.gemini.reset()

    assert (await bench.generate()).status_code == 200


async def test_what_is_down_is_down_until_it_is_well_again(bench: Bench) -> None:
    for name in ("gemini", "removebg"):
        await bench.client.post(f"/{name}/down", json={"seconds": 30})
    assert [(await bench.generate()).status_code, (await bench.cut_out()).status_code] == [503, 503]

    bench.gemini.reset()
    bench.removebg.reset()

    assert [(await bench.generate()).status_code, (await bench.cut_out()).status_code] == [200, 200]


async def test_removebg_charges_a_credit_until_there_is_none(bench: Bench) -> None:
    await bench.client.post("/removebg/credits", json={"credits": 1})

    answers = [await bench.cut_out(), await bench.cut_out()]

    assert [answer.status_code for answer in answers] == [200, 402]
    assert answers[0].headers["X-Credits-Charged"] == "1"
    assert answers[1].json()["errors"][0]["title"] == "Insufficient credits"
    account = (await bench.client.get("/removebg/v1.0/account")).json()["data"]["attributes"]
    assert account["credits"]["total"] == 0


async def test_removebg_refuses_what_it_cannot_take(bench: Bench) -> None:
    assert (await bench.cut_out("")).status_code == 400
    wrong = {"X-API-Key": "wrong"}
    assert (await bench.client.get("/removebg/v1.0/account", headers=wrong)).status_code == 403
    await bench.client.post("/removebg/limit", json={"seconds": 7})
    limited = await bench.cut_out()
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")


async def test_stripe_is_down_for_everybody_until_it_is_well_again() -> None:
    url = "http://127.0.0.1:9/webhooks/stripe"
    api = StripeApi(Stripe(api_key=KEY, endpoint_id="we_1", endpoint_url=url, webhook_secret="whsec_1"))
    controls = [Route(f"/stripe/{w}", h, methods=["POST"]) for w, h in api.controls().items()]
    transport = httpx.ASGITransport(app=Starlette(routes=[*api.routes(), *controls]))
    async with httpx.AsyncClient(transport=transport, base_url="http://vendors") as client:
        known = {"Authorization": f"Bearer {KEY}"}
        await client.post("/stripe/down", json={})
        down = [await client.get("/stripe/v1/events", headers=headers) for headers in ({}, known)]
        refused = api.state()["refused"]
        api.reset()
        well = [await client.get("/stripe/v1/events", headers=headers) for headers in ({}, known)]

    assert [answer.status_code for answer in down] == [503, 503]
    assert (down[0].json()["error"]["type"], refused) == ("api_error", 2)
    assert [answer.status_code for answer in well] == [401, 200]
