"""Answering by a button in Slack: signed by Slack, and only for whom the policy knows."""

from datetime import timedelta

import pytest

from tests.stories.night import Night
from watchkeeper.model import RemediationState


async def test_the_alert_has_buttons_and_pressing_one_says_who_has_it(night: Night) -> None:
    await night.hear(summary="Backend is <b>down</b> & <@U0BEN>")
    post = night.posts[0]
    assert "&lt;@U0BEN&gt;" in post["blocks"][0]["text"]["text"]
    assert await night.ben.clicks("Acknowledge") == 200
    assert (await night.incident()).acknowledged_by == "ben"
    assert "Acknowledged by ben by a button in Slack" in await night.timeline()
    assert "Ben: INC-0001 is yours." in post["blocks"][1]["elements"][0]["text"]
    assert "&lt;@U0BEN&gt;" in post["blocks"][0]["text"]["text"]


async def test_whoever_presses_second_hears_who_has_it_and_how_to_take_it_over(night: Night) -> None:
    await night.hear()
    await night.ben.clicks("Acknowledge")
    await night.ana.clicks("Acknowledge")
    heard = night.vendors.slack.responses[-1]
    assert heard["response_type"] == "ephemeral"
    assert heard["text"].startswith("INC-0001: Ben has it since 03:00Z. To take it over, text TAKE")
    assert (await night.incident()).acknowledged_by == "ben"


async def test_it_is_over_is_asked_for_twice_and_closes_the_incident(night: Night) -> None:
    await night.hear()
    (actions,) = [block for block in night.posts[0]["blocks"] if block["type"] == "actions"]
    (over,) = [each for each in actions["elements"] if each["text"]["text"] == "It is over"]
    assert over["confirm"]["deny"]["text"] == "Not yet"
    assert [each for each in actions["elements"] if "confirm" in each] == [over]
    assert await night.ben.clicks("It is over") == 200
    assert not (await night.incident()).is_open
    assert any("closed by ben: said by a button in Slack" in entry for entry in await night.timeline())


async def test_the_same_press_delivered_twice_is_one_answer(night: Night) -> None:
    await night.hear()
    for _ in range(2):
        await night.ana.clicks("Next person")
    assert len([text for text in night.phone("ben").texts if "Ana asks for you" in text]) == 1
    assert night.vendors.slack.responses[-1]["response_type"] == "ephemeral"


async def test_a_plan_is_approved_by_a_button_of_somebody_who_was_asked(night: Night) -> None:
    await night.hear()
    await night.plan()
    assert await night.ben.clicks("Approve") == 200
    plan = await night.plan_now()
    assert (plan.state, plan.approved_by) == (RemediationState.APPROVED, "ben")
    assert not any(
        block["type"] == "actions"
        for post in night.posts
        if "Approved: Roll back" in post["text"]
        for block in post["blocks"]
    )
    assert "was decided on" in await night.ana.replies(f"NO {night.phone('ana').code}")


async def test_two_people_press_at_odds_and_the_first_one_counts(night: Night) -> None:
    await night.hear()
    await night.plan()
    await night.vendors.slack.press("U0ANA", "Deny", at=night.clock())
    await night.ben.sends(night.phone("ben").link("p"), decision="approve")
    assert (await night.plan_now()).state is RemediationState.DENIED


async def test_somebody_who_is_not_on_the_roster_is_told_so_and_changes_nothing(night: Night) -> None:
    await night.hear()
    await night.plan()
    for button in ("Approve", "Acknowledge"):
        assert await night.vendors.slack.press("U0EVE", button, at=night.clock()) == 200
    assert "not on Watchkeeper's roster" in night.vendors.slack.responses[-1]["text"]
    assert (await night.plan_now()).state is RemediationState.PLANNED
    assert (await night.incident()).acknowledged_by is None
    assert (await night.refusals())["slack", "not_on_roster"] == 2


@pytest.mark.parametrize(
    "own_policy",
    [
        {
            "people": {
                "ana": {"name": "Ana", "phone": "+14155550101", "slack": "U0ANA"},
                "kim": {"name": "Kim", "phone": "+14155550103", "slack": "U0KIM"},
            },
            "roster": {"primary": "ana", "trusted_contact": "kim"},
        }
    ],
)
async def test_the_trusted_contact_answers_for_nobody(night: Night) -> None:
    await night.hear()
    assert await night.vendors.slack.press("U0KIM", "Acknowledge", at=night.clock()) == 200
    assert (await night.incident()).acknowledged_by is None
    assert (await night.refusals())["slack", "not_on_roster"] == 1


async def test_a_press_that_slack_did_not_sign_or_that_is_old_is_refused(night: Night) -> None:
    await night.hear()
    assert await night.ana.clicks("Acknowledge", secret="guessed") == 401
    old = night.clock() - timedelta(minutes=6)
    assert await night.vendors.slack.press("U0ANA", "Acknowledge", at=old) == 401
    assert (await night.incident()).acknowledged_by is None
    assert (await night.refusals())["slack", "wrong_signature"] == 2


async def test_a_button_of_an_expired_plan_does_nothing(night: Night) -> None:
    await night.hear()
    await night.plan()
    await night.pass_time(minutes=31)
    await night.ana.clicks("Approve")
    assert "time has run out" in night.vendors.slack.responses[-1]["text"]
    assert (await night.plan_now()).approved_by is None
