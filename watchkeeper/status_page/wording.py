"""What customers are told, in the guide's fields and order, without a word of what only we understand. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from watchkeeper.figures.past import past_of
from watchkeeper.model import Incident, Remediation
from watchkeeper.policy import Policy
from watchkeeper.remediations import is_undoing, may_have_ended
from watchkeeper.rendering import duration, render, words
from watchkeeper.status_page.board import functionality, status_of, workaround

# What we did, as customers may read it; a plan's own words name servers and rows.
DONE = {
    "restart_service": "We restarted the affected part.",
    "roll_back_deployment": "We went back to the previous version.",
    "roll_back_frontend": "We went back to the previous version.",
    "promote_frontend": "We went back to the previous version.",
    "raise_resources": "We gave the affected part more capacity.",
    "end_idle_connections": "We freed connections to our database.",
    "delete_data": "We made room in our database.",
    "resend_events": "We processed again what had not arrived.",
    "fail_job": "We stopped a task that was stuck.",
    "replace_signing_secret": "We renewed a key.",
    "enable_endpoint": "We switched a connection back on.",
}

# Where no change may have ended it: what is known of the end, by who has seen it.
Ending = Literal["proved", "said"]
ENDED = {
    "proved": "The service recovered; we watched it until it was stable.",
    "said": "Our team has confirmed that it works.",
}


def detected_title(incident: Incident, policy: Policy) -> str:
    return f"Issues with {functionality(incident.service, policy)}"


def customer_fields(
    incident: Incident,
    policy: Policy,
    *,
    done: Sequence[Remediation],
    ending: Ending | None = None,
    now: datetime,
) -> dict[str, Any]:
    """Everything that the guide's two customer templates ask for.

    Args:
        done: all of the incident's changes; told of are those that may have ended it.
        ending: whether probes proved the end, or a person has said so; None while it lasts.
    """
    rule = policy.rule(incident.severity)
    ended = incident.resolved_at or now
    return {
        "functionality": functionality(incident.service, policy),
        "workaround": workaround(incident.service, policy) or "none known yet",
        "status_link": policy.status_page.address or "",
        "every": duration(rule.update_every) if rule.update_every else "",
        "cause": what_it_was(incident, done, ending),
        "resolution": what_we_did(may_have_ended(done, incident.round), ending),
        "prevention": "We are reviewing what happened, and will change what lets it happen again.",
        "affected_time": duration(ended - incident.started_at),
        "affected_users": affected_users(incident),
        "support": policy.status_page.support,
        "company": policy.status_page.company,
    }


def what_it_was(incident: Incident, done: Sequence[Remediation], ending: Ending | None) -> str:
    """The cause, where it is more than a guess and its cure was not taken back; else that it is not known, and is looked
    for only while it lasts."""
    known = past_of(incident).known_cause
    if any(is_undoing(r) and r.plan.cause == known for r in done):
        known = None
    if known is None:
        return "It is not known for certain yet." if ending else "We are still looking for it."
    return f"{words(known)}."


def affected_users(incident: Incident) -> str:
    if incident.users_affected_percent is None:
        return "not known"
    return f"about {incident.users_affected_percent:g} % of users"


def what_we_did(remediations: Sequence[Remediation], ending: Ending | None) -> str:
    """What may have ended it in public words, each thing once; where nothing did, no more than was seen."""
    said = dict.fromkeys(DONE[r.action] for r in remediations if r.action in DONE)
    return " ".join(said) or (ENDED[ending] if ending else "We are working on it.")


def body(
    incident: Incident,
    policy: Policy,
    *,
    done: Sequence[Remediation],
    ending: Ending | None = None,
    now: datetime,
    first: bool,
) -> str:
    """The text of one post: the guide's first words, an update, or its last words."""
    status = status_of(incident)
    name = "detected" if first and status != "resolved" else "resolved" if status == "resolved" else "update"
    fields = customer_fields(incident, policy, done=done, ending=ending, now=now)
    return render(f"messages/public_{name}.txt.j2", **fields, status=status, now=now).strip()
