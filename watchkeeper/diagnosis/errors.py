"""What can bring the error rate up. Pure."""

from datetime import timedelta
from typing import Any, NamedTuple

from watchkeeper.diagnosis.case import Case, Cause, Looks
from watchkeeper.model import CheckStatus, Fault, Kind, Severity
from watchkeeper.policy import Policy
from watchkeeper.rendering import duration, one_line, utc, words
from watchkeeper.support import identifiers_of, write_note

ERRORS_AFTER_DEPLOY = "errors_after_deploy"
GEMINI_DOWN = "gemini_down"
REMOVEBG_DOWN = "removebg_down"
STRIPE_DOWN = "stripe_down"

# How much of the errors must be the new release's own.
MOST = 0.8


def errors_after_deploy(looks: Looks, policy: Policy) -> Case:
    """The site serves, and the release that was deployed lately fails in part: Sentry's split by release says so."""
    case = Case(ERRORS_AFTER_DEPLOY, Fault.DEPLOYMENT)
    if looks.is_bad("backend_health"):
        return case  # the whole site fails: that is another runbook's
    errors, deployments = looks.facts("sentry_errors"), looks.facts("railway_deployments")
    seen = looks.saw("sentry_errors")
    many = looks.is_bad("sentry_errors")
    case.weigh(
        3,
        many,
        error_words(errors),
        "Sentry counts no more errors than usual",
        seen=seen,
    )
    minutes = deployments.get("deployed_minutes_ago")
    limit = policy.thresholds.recent_deployment
    lately = minutes is not None and timedelta(minutes=minutes) <= limit
    recent = lately and not ran_before(deployments)
    case.weigh(
        3,
        recent,
        f"deployed {duration(timedelta(minutes=minutes or 0))} ago: {release_words(deployments)}",
        f"what was deployed lately ran before: {release_words(deployments)}"
        if lately
        else f"no deployment in the last {limit.total_seconds() / 60:.0f} minutes",
        seen=looks.saw("railway_deployments"),
    )
    weigh_split(case, looks, new=many and recent)
    case.weigh(
        1,
        bool(deployments.get("previous_good")),
        "an earlier deployment can be rolled back to",
        "nothing to roll back to",
        seen=looks.saw("railway_deployments"),
    )
    weigh_dependencies(case, looks)
    return case


def weigh_split(case: Case, looks: Looks, *, new: bool) -> None:
    """Whose the errors are, by Sentry; `new`: there are many of them, and the release that runs is new.

    Errors that name no release are nobody's: they are not counted against it.
    """
    errors, release = looks.facts("sentry_errors"), looks.facts("backend_detailed").get("release")
    by_release = errors.get("by_release", {})
    mine, all_of_them = by_release.get(release, 0), errors.get("errors", 0)
    named = sum(count for name, count in by_release.items() if name != UNNAMED)
    before = errors.get("usual_by_release", {}).get(release, 0)
    case.weigh(
        3,
        new and not before and all_of_them > 0 and mine >= MOST * all_of_them,
        f"{mine} of {all_of_them} errors come from release {release}, which had none before it was deployed",
    )
    if new and release and (before or mine < MOST * named):
        why = f"release {release} " + (
            "had such errors before it was deployed"
            if before
            else f"is not what the errors come from: {mine} of {named} are its own"
        )
        case.weigh(EXPLAINED, holds=False, evidence="", otherwise=why)


# What Sentry's split calls the errors that name no release.
UNNAMED = "unknown"


def error_words(errors: dict[str, Any]) -> str:
    """How many errors, where, and the first that is new."""
    where = ", ".join(list(errors.get("by_endpoint", {}))[:3])
    new = next(iter(errors.get("new_titles", [])), "")
    counted = (
        f"{errors.get('per_minute', 0):g} errors a minute (usual: {errors.get('usual_per_minute', 0):g})"
    )
    return counted + (f" at {where}" if where else "") + (f"; new: {new}" if new else "")


def ran_before(deployments: dict[str, Any]) -> bool:
    """Whether the release that serves is one that was gone back to, or deployed once more: its code is not new."""
    current = deployments.get("current") or {}
    commits = [each.get("commit_hash") for each in deployments.get("deployments", [])]
    return commits.count(current.get("commit_hash")) > 1


def release_words(deployments: dict[str, Any]) -> str:
    current = deployments.get("current") or {}
    return str(current.get("commit_message") or current.get("commit_hash") or "unknown commit")


def weigh_dependencies(case: Case, looks: Looks) -> None:
    """What the backend needs works: then it is not that which fails."""
    dependencies = looks.facts("backend_detailed").get("dependencies", {})
    failing = [name for name, state in dependencies.items() if state != "ok"]
    failing += open_circuits(looks)
    case.weigh(
        2,
        bool(dependencies) and not failing,
        "everything that the backend depends on works",
        f"the backend cannot use {', '.join(failing)}",
        seen=bool(failing),
    )
    for api in APIS.values():
        if explains_errors(api, looks):
            why = f"{api.title} does not answer us either, which no release of ours can bring about"
            case.weigh(EXPLAINED, holds=False, evidence="", otherwise=why)


# What explains errors whatever was deployed, or says that they are another release's: beside it, having deployed is
# a guess.
EXPLAINED = 8


def open_circuits(looks: Looks) -> list[str]:
    """The circuit breakers of the backend that let nothing through, or only a try."""
    circuits = looks.facts("backend_detailed").get("circuits", {})
    return [name for name, each in circuits.items() if each["state"] in OPEN]


OPEN = ("open", "half_open")


def explains_errors(api: "Api", looks: Looks) -> bool:
    """Whether the backend's circuit to it is open without a fallback, and our own request fails too."""
    circuit = looks.facts("backend_detailed").get("circuits", {}).get(api.circuit, {})
    felt = circuit.get("state") in OPEN and not circuit.get("fallback")
    return felt and looks.status(api.own_look) is CheckStatus.UNKNOWN


class Api(NamedTuple):
    """An API of others that the backend asks behind a circuit breaker, and where else its state shows."""

    circuit: str
    title: str
    status_page: str
    own_look: str


APIS = {
    GEMINI_DOWN: Api("gemini", "Gemini", "vendor_status_google_cloud", "gemini_health"),
    REMOVEBG_DOWN: Api("removebg", "Remove.bg", "", "removebg_account"),
    STRIPE_DOWN: Api("stripe", "Stripe", "vendor_status_stripe", "stripe_endpoint"),
}


def gemini_down(looks: Looks, policy: Policy) -> Case:
    """The guide: jobs will fail, and are tried again later. The backend's circuit breaker to Gemini is open."""
    return api_down(GEMINI_DOWN, looks, policy)


def removebg_down(looks: Looks, policy: Policy) -> Case:
    """The guide: fall back to the original image. The backend's circuit breaker to Remove.bg is open."""
    return api_down(REMOVEBG_DOWN, looks, policy)


def stripe_down(looks: Looks, policy: Policy) -> Case:
    """The guide: contact Stripe's support. The backend's circuit breaker to Stripe is open."""
    return api_down(STRIPE_DOWN, looks, policy)


def api_down(cause: str, looks: Looks, policy: Policy) -> Case:
    """The guide: check the circuit breakers. Beside them, our own look at the API, and its status page."""
    api, case = APIS[cause], Case(cause, Fault.VENDOR)
    circuits = looks.facts("backend_detailed").get("circuits", {})
    circuit = circuits.get(api.circuit, {})
    state, failures = circuit.get("state"), circuit.get("failures", 0)
    case.weigh(
        5,
        state in OPEN,
        f"the backend's circuit to {api.title} is {words(str(state))} after {failures} failures",
        f"the backend's circuit to {api.title} is closed",
        seen=state is not None,
    )
    fails = looks.status(api.own_look) is CheckStatus.UNKNOWN
    case.weigh(
        2,
        fails and bool(case.evidence),
        f"our own request fails too: {looks.summary(api.own_look)}",
        f"{api.title} answers us",
        seen=looks.saw(api.own_look),
    )
    red = looks.is_bad(api.status_page)
    case.weigh(1, red and bool(case.evidence), f"its status page: {looks.summary(api.status_page)}")
    if case.evidence:
        case.advice = ADVICE[cause](looks, circuit, policy)
    return case


def gemini_advice(looks: Looks, circuit: dict[str, Any], policy: Policy) -> list[str]:
    return ["Nothing is lost: jobs that need Gemini are queued and tried again when it answers."]


def removebg_advice(looks: Looks, circuit: dict[str, Any], policy: Policy) -> list[str]:
    used, fallback = circuit.get("fell_back", 0), circuit.get("fallback")
    if not fallback:
        return ["The backend tells of no fallback: check that designs keep their original picture."]
    return [
        f"The fallback works: {fallback} was used {used} times. Customers can go on; this can wait for the day."
    ]


def stripe_advice(looks: Looks, circuit: dict[str, Any], policy: Policy) -> list[str]:
    """The note to Stripe's support, ready to be sent: when, what was observed, and what identifies us."""
    # Stripe tells the endpoint's id no more while it is down; its address is ours.
    known = [line for name in policy.services for line in identifiers_of("stripe", name, policy)]
    endpoint = looks.facts("stripe_endpoint").get("id")
    page = looks.summary("vendor_status_stripe") or "not read"
    seen_at = looks.observed_at("backend_detailed")
    failures, state = circuit.get("failures", 0), words(str(circuit.get("state")))
    note = write_note(
        "stripe",
        what="Requests of our backend to api.stripe.com fail",
        since=seen_at,
        identifiers=[*([f"webhook endpoint {endpoint}"] if endpoint else []), *dict.fromkeys(known)],
        observed=[
            f"{failures} in a row, our circuit breaker is {state}",
            *([f"seen at {utc(seen_at)}"] if seen_at else []),
            f"your status page says: {page}",
        ],
        question="Do you see an incident, and when may we expect payments again?",
    )
    contact = f"Contact Stripe support, {note.support.form}, as the account's owner, with this note:"
    return [contact, one_line(note.text)]


ADVICE = {GEMINI_DOWN: gemini_advice, REMOVEBG_DOWN: removebg_advice, STRIPE_DOWN: stripe_advice}

CAUSES = (
    Cause(ERRORS_AFTER_DEPLOY, Kind.HIGH_ERROR_RATE, errors_after_deploy),
    Cause(GEMINI_DOWN, Kind.HIGH_ERROR_RATE, gemini_down),
    # The guide's example of a P2: there is a fallback.
    Cause(REMOVEBG_DOWN, Kind.HIGH_ERROR_RATE, removebg_down, at_least=Severity.P2),
    # The guide's P0: payment processing is completely broken.
    Cause(STRIPE_DOWN, Kind.HIGH_ERROR_RATE, stripe_down, at_least=Severity.P0),
)
