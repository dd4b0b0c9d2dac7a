"""Going back to the frontend from before: planned from what is served, done once, believed only when it is served."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from blocks.vercel import VercelCredentials
from drills.vendors.config import Vercel
from drills.vendors.vercel import VercelApi
from flows.actions import vercel as actions
from flows.actions.site import Site
from flows.actions.vercel import PromoteFrontend, RollBackFrontend, plan_rollback
from flows.credentials import Credentials
from tasks import github, vercel
from tests.watchkeeper.house import two_on_call
from watchkeeper.decisions import gate_for
from watchkeeper.errors import (
    NotConfigured,
    NothingToChange,
    PreconditionChanged,
    VendorRejected,
    VendorUnavailable,
)
from watchkeeper.model import Gate, Plan, Remediation

WEB = {
    "title": "Website",
    "kind": "site_outage",
    "vercel": {"project_id": "prj", "team_id": "team"},
}
POLICY = two_on_call(services={"web": WEB})
CAUSE = "bad_frontend_deployment"


@dataclass
class World:
    """A site whose frontend a stand-in serves; `refuses` answers rollbacks with a status instead."""

    api: VercelApi
    site: Site
    control: httpx.AsyncClient
    refuses: int = 0

    async def deploy(self, release: str, **more: Any) -> str:
        answer = await self.control.post("/deploy", json={"release": release, **more})
        return str(answer.json()["id"])

    @property
    def release(self) -> Any:
        return self.api.state()["release"]

    async def plan(self) -> Plan:
        plan = await plan_rollback(self.site, "web", cause=CAUSE)
        assert plan is not None
        return plan


@pytest_asyncio.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    config = Vercel(
        token="t",
        team_id="team",
        project_id="prj",
        port=0,
        webhook_url="http://127.0.0.1:9/",
        webhook_secret="s",
    )
    api = VercelApi(config)

    async def refuse_or(request: Any) -> Response:
        if made.refuses:
            return JSONResponse({"error": {"code": "no"}}, made.refuses)
        return await api.roll_back(request)

    rollback = Route("/vercel/v1/projects/{project}/rollback/{id}", refuse_or, methods=["POST"])
    app = Starlette(routes=[rollback, *api.routes()])
    controls = Starlette(routes=[Route(f"/{n}", h, methods=["POST"]) for n, h in api.controls().items()])

    def client(credentials: VercelCredentials) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {credentials.token.get_secret_value()}"}
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://vercel/vercel", headers=headers
        )

    monkeypatch.setattr(VercelCredentials, "get_client", client)
    # As tasks they would ask a Prefect server.
    monkeypatch.setattr(vercel, "roll_back", vercel.roll_back.fn)
    monkeypatch.setattr(vercel, "promote", vercel.promote.fn)
    monkeypatch.setattr(actions, "LOOK_SECONDS", 0.01)
    site = Site(POLICY, Credentials(vercel=VercelCredentials(token=SecretStr("t"))))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(controls), base_url="http://control"
    ) as control:
        made = World(api, site, control)
        yield made
        await asyncio.gather(*api._tasks)


def remediation(plan: Plan) -> Remediation:
    return Remediation.model_construct(plan=plan)


async def test_shows_what_is_served_what_comes_back_and_what_it_costs(world: World) -> None:
    broken = await world.deploy("site-2-broken")

    plan = await world.plan()

    assert (plan.action, plan.target) == ("roll_back_frontend", "web")
    assert plan.preview[0].startswith("served now: deadbea7 “Render the cart on the server”")
    assert plan.preview[1].startswith("back to: f00dcafe “Show delivery times on the product page”")
    assert "later pushes do not go live by themselves" in plan.preview[-1]
    assert "promote" in plan.undo and broken in plan.undo
    assert gate_for(plan.action, POLICY) == (Gate.APPROVAL, "guide_asks_a_person_first")


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """GitHub knows of one commit with a migration; what it was asked to compare."""
    asked: list[tuple[str, str]] = []

    async def compare(credentials: object, base: str, head: str) -> dict[str, Any]:
        asked.append((base, head))
        commits = [{"sha": "deadbea7c0de", "message": "Render the cart", "author": "dev"}]
        migrations = ["web/migrations/7.sql"]
        return {
            "ahead_by": 1,
            "behind_by": 0,
            "commits": commits,
            "files": migrations,
            "migrations": migrations,
        }

    monkeypatch.setattr(github, "compare_commits", compare)
    monkeypatch.setattr(Site, "github", lambda site: None)
    return asked


def shows_what_it_gives_up(plan: Plan, compared: list[tuple[str, str]]) -> bool:
    [(older, newer)] = compared
    assert older.startswith("f00dcafe") and newer.startswith("deadbea7")
    assert "gives up deadbea7 “Render the cart” (dev)" in plan.preview
    return any(line.startswith("migrations lie between: web/migrations/7.sql") for line in plan.preview)


async def test_a_rollback_shows_the_commits_it_gives_up_and_the_migrations_between(
    world: World, compared: list[tuple[str, str]]
) -> None:
    await world.deploy("site-2-broken")

    assert shows_what_it_gives_up(await world.plan(), compared)


async def test_a_promotion_shows_the_commits_it_gives_up_and_the_migrations_between(
    world: World, compared: list[tuple[str, str]]
) -> None:
    plan = await offers_nothing(world)

    assert plan.action == "promote_frontend"
    assert shows_what_it_gives_up(plan, compared)


async def test_goes_back_and_says_so_only_when_it_is_served(world: World) -> None:
    await world.deploy("site-2-broken")
    plan = await world.plan()
    action = RollBackFrontend()
    await action.check(world.site, plan)
    assert await action.look_up(world.site, remediation(plan)) is False

    outcome = await action.act(world.site, plan)

    assert world.release == "site-1"
    assert "later pushes do not go live by themselves" in outcome
    assert await action.look_up(world.site, remediation(plan)) is True


async def test_does_not_take_accepted_for_done(world: World) -> None:
    await world.deploy("site-2-broken")
    plan = await world.plan()
    await world.control.post("/stuck", json={})
    response = POLICY.response.model_copy(update={"frontend_moves_within": timedelta(seconds=0.1)})
    hasty = replace(world.site, policy=POLICY.model_copy(update={"response": response}))

    with pytest.raises(VendorUnavailable, match="the production address did not serve it"):
        await RollBackFrontend().act(hasty, plan)

    assert await RollBackFrontend().look_up(world.site, remediation(plan)) is False


async def test_says_what_keeps_it_from_seeing_the_move(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*_: object) -> str:
        raise VendorRejected(vendor="vercel", action="read_production", status=403)

    await world.deploy("site-2-broken")
    plan = await world.plan()
    response = POLICY.response.model_copy(update={"frontend_moves_within": timedelta(seconds=0.1)})
    hasty = replace(world.site, policy=POLICY.model_copy(update={"response": response}))
    monkeypatch.setattr(actions.vercel, "read_production", refused)

    with pytest.raises(VendorUnavailable, match="or could not be read: vercel answered 403"):
        await RollBackFrontend().act(hasty, plan)


def test_vercel_gets_as_long_as_its_own_command_line_gives_it() -> None:
    assert POLICY.response.frontend_moves_within == timedelta(minutes=3)


@pytest.mark.parametrize(
    "error",
    [
        VendorUnavailable(vendor="vercel", action="read_production", status=429),
        VendorRejected(vendor="vercel", action="read_production", status=403),
    ],
)
async def test_an_address_that_cannot_be_read_for_a_moment_is_read_again(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    await world.deploy("site-2-broken")
    plan = await world.plan()
    read, fails = vercel.read_production, [error]

    async def read_production(*asked: Any) -> Any:
        if fails:
            raise fails.pop()
        return await read(*asked)

    monkeypatch.setattr(vercel, "read_production", read_production)

    assert await RollBackFrontend().act(world.site, plan)
    assert (world.release, fails) == ("site-1", [])


@pytest.mark.parametrize(
    ("status", "means"), [(402, "plan"), (403, "token"), (409, "another"), (422, "answered 422")]
)
async def test_says_what_a_refusal_means(world: World, status: int, means: str) -> None:
    await world.deploy("site-2-broken")
    plan = await world.plan()
    world.refuses = status

    with pytest.raises(VendorRejected, match=means) as caught:
        await RollBackFrontend().act(world.site, plan)

    assert caught.value.status == status
    assert world.release == "site-2-broken"


async def test_does_nothing_when_somebody_was_faster(world: World) -> None:
    await world.deploy("site-2-broken")
    plan = await world.plan()
    await world.deploy("site-3")

    with pytest.raises(PreconditionChanged, match="another deployment is served now"):
        await RollBackFrontend().check(world.site, plan)
    assert await RollBackFrontend().look_up(world.site, remediation(plan)) is None


async def test_plans_nothing_without_anything_to_go_back_to(world: World) -> None:
    for each in world.api._deployments[1:]:
        each.served, each.state = False, "ERROR"

    with pytest.raises(NothingToChange, match="no earlier deployment of web"):
        await plan_rollback(world.site, "web", cause=CAUSE)


async def offers_nothing(world: World) -> Plan:
    """The plan where nothing but what serves now has ever served."""
    await world.deploy("site-2-broken")
    for each in world.api._deployments[1:]:
        each.served = False
    return await world.plan()


async def test_promotes_where_vercel_offers_nothing_to_roll_back_to(world: World) -> None:
    plan = await offers_nothing(world)
    action = PromoteFrontend()
    await action.check(world.site, plan)
    assert await action.look_up(world.site, remediation(plan)) is False

    outcome = await action.act(world.site, plan)

    assert (plan.action, world.release) == ("promote_frontend", "site-1")
    assert "may never have served customers" in plan.preview[-1]
    assert "later pushes go live by themselves" in outcome
    assert await action.look_up(world.site, remediation(plan)) is True
    assert gate_for(plan.action, POLICY) == (Gate.APPROVAL, "guide_asks_a_person_first")


async def test_builds_that_failed_hide_nothing_that_could_be_promoted(world: World) -> None:
    for number in range(vercel.SHOWN + 5):
        await world.deploy(f"site-{number}", fails=True)

    plan = await offers_nothing(world)

    [first, _] = world.api._first_deployments
    assert (plan.action, plan.parameters["to_id"]) == ("promote_frontend", first.uid)


async def test_newer_releases_hide_nothing_that_could_be_gone_back_to(world: World) -> None:
    """Somebody went back to an old release already, and that one is broken too."""
    [first, older] = world.api._first_deployments
    for number in range(2, vercel.SHOWN + 5):
        await world.deploy(f"site-{number}")
    world.api._point_to(first)

    plan = await world.plan()
    await RollBackFrontend().check(world.site, plan)

    assert (plan.action, plan.parameters["to_id"]) == ("roll_back_frontend", older.uid)


async def test_promotes_nothing_when_somebody_was_faster(world: World) -> None:
    plan = await offers_nothing(world)
    await world.deploy("site-3")

    with pytest.raises(PreconditionChanged, match="another deployment is served now"):
        await PromoteFrontend().check(world.site, plan)


async def test_a_rollback_is_taken_back_by_promoting_what_was_left(world: World) -> None:
    await world.deploy("site-2-broken")
    plan = await world.plan()
    await RollBackFrontend().act(world.site, plan)
    assert not world.api.state()["assigns_by_itself"]

    undo = await RollBackFrontend().plan_undo(world.site, remediation(plan))

    assert undo is not None and undo.action == "promote_frontend"
    await PromoteFrontend().act(world.site, undo)
    assert (world.release, world.api.state()["assigns_by_itself"]) == ("site-2-broken", True)
    assert undo.undo == ""  # what takes back is not taken back itself


async def test_nothing_is_taken_back_once_something_else_is_served(world: World) -> None:
    await world.deploy("site-2-broken")
    plan = await world.plan()

    assert await RollBackFrontend().plan_undo(world.site, remediation(plan)) is None


async def test_needs_the_credentials_and_the_target() -> None:
    for policy in (POLICY, two_on_call()):
        with pytest.raises(NotConfigured, match="Vercel"):
            Site(policy, Credentials()).vercel("web")
    assert Site(POLICY, Credentials()).frontend() == "web"
