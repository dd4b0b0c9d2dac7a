"""What can take a site down. Pure."""

from datetime import timedelta

from watchkeeper.diagnosis.case import Case, Cause, Looks
from watchkeeper.diagnosis.processors import CPU_MAXED, FULL_SHARE, cpu_maxed
from watchkeeper.model import Fault, Kind
from watchkeeper.policy import Policy
from watchkeeper.rendering import duration

BAD_DEPLOYMENT = "bad_deployment"
OUT_OF_MEMORY = "out_of_memory"
RAILWAY_OUTAGE = "railway_outage"


def bad_deployment(looks: Looks, policy: Policy) -> Case:
    """Did we deploy in the last hour? Then consider rolling back, says the guide."""
    case = Case(BAD_DEPLOYMENT, Fault.DEPLOYMENT)
    facts = looks.facts("railway_deployments")
    current = facts.get("current") or {}
    minutes = facts.get("deployed_minutes_ago")
    recent_minutes = policy.thresholds.recent_deployment.total_seconds() / 60
    recent = minutes is not None and minutes <= recent_minutes
    when = f"{duration(timedelta(minutes=minutes))} ago" if minutes is not None else "at an unknown time"
    what = current.get("commit_message") or current.get("commit_hash") or "unknown commit"
    seen = looks.saw("railway_deployments")
    case.weigh(
        3,
        recent,
        f"deployed {when}: {what}",
        f"no deployment in the last {recent_minutes:.0f} minutes",
        seen=seen,
    )
    case.weigh(
        1,
        bool(facts.get("previous_good")),
        "an earlier deployment can be rolled back to",
        "nothing to roll back to",
        seen=seen,
    )
    status = looks.facts("backend_health").get("status_code")
    case.weigh(
        4,
        looks.is_bad("backend_health"),
        f"/health answers {status or 'nothing'}",
        "/health answers 200",
        seen=looks.saw("backend_health"),
    )
    # What has run for days and crashes now was not broken by its deployment: its crash says nothing of the commit.
    says = current.get("status", "that nothing serves")
    is_old = minutes is not None and not recent
    case.weigh(1, looks.is_bad("railway_deployments") and not is_old, f"Railway says {says}")
    return case


def out_of_memory(looks: Looks, policy: Policy) -> Case:
    """A service that grows to its limit is killed, started again and killed again, until its platform gives up."""
    case = Case(OUT_OF_MEMORY, Fault.OURS)
    used = looks.facts("railway_metrics")
    share: float = used.get("memory_share") or 0
    seen = looks.saw("railway_metrics") and used.get("memory_share") is not None
    case.weigh(
        3,
        share >= FULL_SHARE,
        f"memory reached {share:.0%} of its limit of {used.get('memory_limit_gb') or 0:.2f} GB",
        f"memory reached {share:.0%} of its limit",
        seen=seen,
    )
    fell = round(used.get("memory_falls") or 0)
    answers = looks.facts("backend_health").get("status_code")
    unheard = looks.is_bad("backend_health") and answers is None
    # The platform's samples are minutes apart: the first kill may lie between two of them.
    is_gone = share >= FULL_SHARE and unheard
    killed = (
        f"at the limit it fell to less than half {fell} times, as it does when it is killed"
        if fell
        else "at its limit it is gone, as it is when it is killed"
    )
    case.weigh(3, fell > 0 or is_gone, killed)
    current = looks.facts("railway_deployments").get("current") or {}
    case.weigh(
        2,
        current.get("status") == "CRASHED",
        "Railway says that the service crashed",
        f"Railway says {current.get('status')}",
        seen=bool(current),
    )
    case.weigh(
        1,
        unheard,
        "/health is not answered at all",
        f"/health is answered with {answers}",
        seen=answers is not None,
    )
    maximum = policy.limits.memory_maximum_gb
    if (used.get("memory_limit_gb") or 0) >= maximum:
        case.advice.append(f"the limit is the policy's maximum of {maximum:g} GB: find out what grows")
    return case


def railway_outage(looks: Looks, policy: Policy) -> Case:
    """The vendor's own status page is red, and we feel it. A red page alone may be about another region."""
    case = Case(RAILWAY_OUTAGE, Fault.VENDOR)
    red = looks.is_bad("vendor_status_railway")
    case.weigh(4, red, f"Railway: {looks.summary('vendor_status_railway')}")
    case.weigh(4, red and looks.is_bad("backend_health"), "the backend does not answer")
    return case


CAUSES = (
    Cause(BAD_DEPLOYMENT, Kind.SITE_OUTAGE, bad_deployment),
    Cause(OUT_OF_MEMORY, Kind.SITE_OUTAGE, out_of_memory),
    Cause(CPU_MAXED, Kind.SITE_OUTAGE, cpu_maxed),
    Cause(RAILWAY_OUTAGE, Kind.SITE_OUTAGE, railway_outage),
)
