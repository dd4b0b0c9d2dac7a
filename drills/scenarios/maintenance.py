"""The last resort: whoever took over closes the shop, mends by hand what nobody else can, and opens it again."""

import json
from datetime import timedelta
from html import escape
from typing import Any

from drills.hands import Hands
from drills.scenarios.scenario import Counterpart, Proof, Scenario, Step, every

NAME = "Ana"
# A page that does not escape it shows half of it.
MESSAGE = "Back at <4 o'clock>."
CLOSED = "The shop is closed for maintenance"
REMINDER, REMINDED_EVERY = "Maintenance mode is still on", timedelta(minutes=30)
REMINDED = frozenset({"ana (sms)", "#incidents (slack)"})
SWITCH_FAILED, TEAM = "Switch maintenance mode of backend on: failed", frozenset({"#incidents (slack)"})
# How long a text message may take beyond its time, and a database that has room again to take writes.
PATIENCE_SECONDS = 20.0
# Where nobody came so far as to visit the shop.
NOTHING_SEEN: dict[str, Any] = {"status": None, "answer": "", "page": ""}
BIGGER_DISK = Step("/control/supabase/enlarge", {"megabytes": 256})

# A write-ahead log fills the disk: there is no old row that could be deleted.
NO_ROOM = Step("/control/supabase/fill", {"megabytes": 60, "at_once": True})
REFUSE_VARIABLE = Step(
    "/control/railway/refuse", {"field": "variableUpsert", "message": "Variables are locked"}
)
UPSERTS = "railway:variableUpsert"
NO_OTHER_WRITES = {"railway:deploymentRestart": 0, "railway:deploymentRollback": 0}


async def close_mend_and_open(hands: Hands) -> dict[str, Any]:
    """What a person does, and what they saw meanwhile; whoever could not close the shop leaves it at that."""
    form = {"incident": hands.incident, "your_name": NAME, "message": MESSAGE}
    reminded_within = REMINDED_EVERY.total_seconds() / hands.speed + PATIENCE_SECONDS
    saw: dict[str, Any] = {}
    saw["on"] = await hands.fill_in("maintenance", form | {"switch": "on"})
    saw["closed"] = await hands.visit()
    if saw["on"] != "COMPLETED":
        saw["failed"] = await hands.until_told(SWITCH_FAILED, TEAM, PATIENCE_SECONDS)
        # For as long as a reminder would take: none may come.
        saw["reminded"] = await hands.until_told(REMINDER, REMINDED, reminded_within)
        return saw
    saw["reminded"] = await hands.until_told(REMINDER, REMINDED, reminded_within)
    await hands.dashboard(BIGGER_DISK.path, BIGGER_DISK.body)
    hands.say(f"{hands.name} bought a larger disk")
    saw["well"] = await hands.until_well(PATIENCE_SECONDS)
    saw["off"] = await hands.fill_in("maintenance", form | {"switch": "off"})
    saw["open"] = await hands.visit()
    saw["page"] = await hands.open_page()
    return saw


def is_closed(visit: dict[str, Any]) -> bool:
    return CLOSED in visit["page"]


def was_closed_with_the_message(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """While it was on, whoever came got a 503 with exactly this message, and the page showed it."""
    visit = (after["by_hand"] or {}).get("closed", NOTHING_SEEN)
    failures = []
    if (visit["status"], message_of(visit["answer"])) != (503, MESSAGE):
        failures.append(f"while it was on, the backend answered {visit['status']}: {visit['answer']}")
    if not is_closed(visit):
        failures.append("while it was on, the website did not say that the shop is closed")
    elif escape(MESSAGE) not in visit["page"]:
        failures.append("while it was on, the website did not show the message, escaped")
    return [*failures, *customers_were_told(before, after)]


def message_of(answer: str) -> str:
    """The message in the backend's answer; empty where there is none."""
    try:
        return str(json.loads(answer)["message"])
    except (ValueError, KeyError, TypeError):
        return ""


def customers_were_told(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Whoever wanted to order meanwhile got the message, and no other one."""
    was, now = (state["customers"]["closed_to"] for state in (before, after))
    told = {words for words, times in now.items() if times > was.get(words, 0)}
    if MESSAGE not in told:
        return ["no customer who wanted to order was told the message"]
    return [f"customers were told “{words}”" for words in sorted(told - {MESSAGE})]


def people_were_reminded(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    lacking = sorted(REMINDED - set((after["by_hand"] or {}).get("reminded", [])))
    return [f"not reminded that it was on: {who}" for who in lacking]


def was_recorded_under_their_name(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The incident's page tells of both switches, and whose word they were."""
    told = (after["by_hand"] or {}).get("page", "").count(f"approved by {NAME} (Prefect UI)")
    return [] if told == 2 else [f"{told} switches stand under {NAME}'s name on the incident's page, not 2"]


def is_open_again(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Customers are served, and the website is the shop's."""
    visit = (after["by_hand"] or {}).get("open", NOTHING_SEEN)
    failures = []
    if visit["status"] != 200 or is_closed(visit):
        failures.append("after it was switched off, a customer was not served")
    if after["vercel"]["last_shown"] != "shop":
        failures.append(f"the website's last visitor saw: {after['vercel']['last_shown']}")
    return failures


def has_room_again(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The database only read, takes writes again, and nothing of it was deleted."""
    was, now = before["supabase"], after["supabase"]
    failures = []
    if now["times_read_only"] <= was["times_read_only"]:
        failures.append("the database was never read-only")
    if now["read_only"]:
        failures.append("the database is still read-only")
    return [*failures, *nothing_was_cleared(before, after)]


def nothing_was_cleared(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    was, now = (state["supabase"]["young_rows"] for state in (before, after))
    return [f"{was - now} young rows were deleted"] if now < was else []


def stayed_open(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The switch did not happen: customers were told nothing of maintenance, and nobody was reminded of it."""
    was, now = (state["customers"]["closed_to"] for state in (before, after))
    saw = after["by_hand"] or {}
    failures = ["customers were told that the shop is closed"] if now != was else []
    if is_closed(saw.get("closed", NOTHING_SEEN)):
        failures.append("the website said that the shop is closed")
    return failures + [f"reminded of what is not on: {who}" for who in saw.get("reminded", [])]


def was_said_to_have_failed(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """By the form itself, and in the team's channel."""
    saw = after["by_hand"] or {}
    lacking = sorted(TEAM - set(saw.get("failed", [])))
    return [
        *switch_was_not_taken(before, after),
        *(f"not told that the switch failed: {who}" for who in lacking),
    ]


def switch_was_not_taken(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Where nothing may be changed, or the vendor refuses, the form says so: its run fails, where there was one."""
    ended = (after["by_hand"] or {}).get("on", "FAILED")
    return [] if ended == "FAILED" else [f"the form's run ended {ended}, and not as one that failed"]


CLOSED_AND_OPENED: Proof = every(
    was_closed_with_the_message,
    people_were_reminded,
    was_recorded_under_their_name,
    is_open_again,
    has_room_again,
)

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="maintenance",
        title="The disk is full and nothing may be deleted; whoever takes over closes the shop, mends it and opens it",
        faults=(NO_ROOM,),
        cause="disk_full",
        needs_approval=True,
        cure={UPSERTS: 3, **NO_OTHER_WRITES},
        told=("MB are in no table", "a larger disk or plan", "Last resort: maintenance mode"),
        proof=CLOSED_AND_OPENED,
        untouched=every(stayed_open, switch_was_not_taken, nothing_was_cleared),
        by_hand=close_mend_and_open,
        counterpart=Counterpart(
            title="The disk is full, and Railway refuses the variable with which the shop would be closed",
            way="is refused",
            first=(REFUSE_VARIABLE,),
            at_most={UPSERTS: 1, **NO_OTHER_WRITES},
            proof=every(stayed_open, was_said_to_have_failed),
        ),
    ),
)
