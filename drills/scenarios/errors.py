"""The error rate is high."""

from typing import Any

from drills.scenarios.scenario import (
    Counterpart,
    Scenario,
    Step,
    backend_kept_running,
    circuit_is_open,
    every,
    good_release_runs,
)
from drills.scenarios.worker import designs_are_done
from drills.vendors.releases import GOOD_NEXT_RELEASE

ERRORS_RELEASE = "2024.3-errors"
# What it raises, as Sentry names it.
ITS_BUG = "DiscountError"
# A release that was left says nothing more for at least so long before the end: less than any time of being watched.
QUIET_SECONDS = 4.0

NO_WRITES = {"railway:deploymentRestart": 0, "railway:deploymentRollback": 0}


def designs_waited(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Gemini turned designs away, and every one of them was made in the end."""
    refused = after["gemini"]["refused"] > before["gemini"]["refused"]
    return [*([] if refused else ["Gemini refused nothing"]), *designs_are_done(before, after)]


def its_errors_ended(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Sentry saw the broken release fail, has seen nothing more of it, and shows what it brought as resolved."""
    issues = [i for i in after["sentry"]["issues"] if i["title"].startswith(ITS_BUG)]
    of_it = [i for i in issues if ERRORS_RELEASE in i["quiet_seconds"]]
    if not of_it:
        return [f"Sentry saw no error of {ERRORS_RELEASE}"]
    return [
        *(
            f"“{i['title']}” is {i['status']} in Sentry, not resolved"
            for i in of_it
            if i["status"] != "resolved"
        ),
        *(
            f"{ERRORS_RELEASE} was still failing {i['quiet_seconds'][ERRORS_RELEASE]} s before the end"
            for i in of_it
            if i["quiet_seconds"][ERRORS_RELEASE] < QUIET_SECONDS
        ),
    ]


def designs_fell_back(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Remove.bg turned the company away, which says itself that it fell back; designs came with the original picture."""
    failures = (
        [] if after["removebg"]["refused"] > before["removebg"]["refused"] else ["Remove.bg refused nothing"]
    )
    was, now = (state["circuits"].get("removebg", {}).get("fell_back", 0) for state in (before, after))
    if now <= was:
        failures.append("the backend's /health/detailed tells of no fallback that was used")
    was, now = (state["designs"]["pictures"].get("original", 0) for state in (before, after))
    if now <= was:
        failures.append("no design was delivered with its original picture")
    return failures


def only_payments_stopped(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Stripe turned the company away, and customers could order all the same."""
    failures = [] if after["stripe"]["refused"] > before["stripe"]["refused"] else ["Stripe refused nothing"]
    if failed := after["customers"]["failed"] - before["customers"]["failed"]:
        failures.append(f"{failed} orders failed, although only payments could")
    return failures


# What whoever contacts Stripe's support needs: where, and the note with what identifies the account.
NOTE_TO_STRIPE = (
    "Contact Stripe support, https://support.stripe.com/contact",
    "Requests of our backend to api.stripe.com fail",
    "/webhooks/stripe",
    "our circuit breaker is",
    "when may we expect payments again?",
)

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="errors-after-deploy",
        title="A new release fails every third order while /health says all is well; rolled back after a person approves",
        faults=(Step("/control/company/deploy", {"release": ERRORS_RELEASE}),),
        cause="errors_after_deploy",
        needs_approval=True,
        cure={"railway:deploymentRollback": 1},
        proof=every(good_release_runs, its_errors_ended),
        counterpart=Counterpart(
            title="The errors go on after the rollback: they did not come from the release",
            way="does not help",
            first=(Step("/control/company/odd-orders", {"after_seconds": 8}),),
            at_most={"railway:deploymentRollback": 1},
        ),
    ),
    Scenario(
        name="external-api-down",
        title="Gemini is down; its jobs wait, nothing is changed, and it goes on by itself",
        faults=(Step("/control/gemini/down", {"seconds": 45}),),
        cause="gemini_down",
        needs_approval=False,
        cure=NO_WRITES,
        proof=every(backend_kept_running, designs_waited),
        counterpart=Counterpart(
            title="Gemini is down and stays down; after the policy's wait a person decides",
            way="comes too late",
            first=(Step("/control/fail/gemini", {"times": 100_000, "status": 503}),),
            at_most=NO_WRITES,
        ),
    ),
    Scenario(
        name="removebg-down",
        title="Remove.bg is down; designs keep their original picture, nobody is woken, and it goes on by itself",
        faults=(Step("/control/removebg/down", {"seconds": 45}),),
        cause="removebg_down",
        needs_approval=False,
        cure=NO_WRITES,
        wakes=False,
        proof=every(backend_kept_running, designs_fell_back, designs_are_done),
        counterpart=Counterpart(
            title="Remove.bg is down and stays down; after the policy's wait a person hears that the fallback works",
            way="comes too late",
            first=(Step("/control/removebg/down", {}),),
            at_most=NO_WRITES,
            proof=every(backend_kept_running, designs_fell_back, designs_are_done),
        ),
        told=("The fallback works: the original picture was used",),
    ),
    Scenario(
        name="stripe-down",
        title="Stripe is down; a person contacts its support, with a note that is ready",
        faults=(Step("/control/stripe/down", {}),),
        cause="stripe_down",
        needs_approval=False,
        cure=NO_WRITES,
        ends_with_person=True,
        told=NOTE_TO_STRIPE,
        proof=every(backend_kept_running, only_payments_stopped, circuit_is_open("stripe")),
        counterpart=Counterpart(
            title="Stripe is down, right after a good release, which must be left alone",
            way="does not help",
            first=(Step("/control/company/deploy", {"release": GOOD_NEXT_RELEASE}),),
            at_most=NO_WRITES,
            proof=circuit_is_open("stripe"),
        ),
    ),
)
