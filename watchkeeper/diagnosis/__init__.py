"""Diagnosis: from what the checks saw to ranked causes, each with its evidence. Pure.

A cause gathers points for what speaks for it; its confidence is the share of the points that it could have had.
A check that is missing earns nothing and is named as missing by whoever shows the findings. One module per
runbook; a cause is added there, and nothing else has to know.
"""

from collections.abc import Collection, Sequence

from watchkeeper.diagnosis import database, errors, frontend, payments, redis, site, worker
from watchkeeper.diagnosis.case import Cause, Looks
from watchkeeper.model import ACT_ABOVE, Check, Finding
from watchkeeper.policy import Policy
from watchkeeper.rendering import words

CAUSES: tuple[Cause, ...] = (
    *database.CAUSES,
    *site.CAUSES,
    *frontend.CAUSES,
    *redis.CAUSES,
    *errors.CAUSES,
    *worker.CAUSES,
    *payments.CAUSES,
)

# What kind of incident a cause makes, whichever alert came first.
KINDS = {cause.name: cause.kind for cause in CAUSES}
AT_LEAST = {cause.name: cause.at_least for cause in CAUSES if cause.at_least}

# Causes whose confidence is so close to the best one's fit about equally well.
CLOSE = 0.1


def diagnose(checks: Sequence[Check], policy: Policy) -> list[Finding]:
    """Every cause that anything speaks for, the one to try first at the front."""
    looks = Looks(checks)
    findings = [cause.judge(looks, policy).finding() for cause in CAUSES]
    return ranked([finding for finding in findings if finding.evidence and finding.confidence > 0])


def ranked(findings: Sequence[Finding]) -> list[Finding]:
    """Likeliest first; of those that fit about equally well, the one that the evidence separates best:
    with the most evidence that speaks for it alone, then with the least against it."""
    likeliest = sorted(findings, key=lambda finding: -finding.confidence)
    fitting = those_that_fit(likeliest)
    rest = [finding for finding in likeliest if finding not in fitting]
    return sorted(fitting, key=lambda f: (-len(own_evidence(f, fitting)), len(f.against))) + rest


def those_that_fit(findings: Sequence[Finding]) -> list[Finding]:
    """The causes that are likely enough to act upon and about as likely as the best one."""
    best = max((finding.confidence for finding in findings), default=0.0)
    return [finding for finding in findings if finding.confidence >= max(ACT_ABOVE, best - CLOSE)]


def own_evidence(finding: Finding, among: Sequence[Finding]) -> list[str]:
    """What speaks for this cause and for none of the others."""
    shared = {line for other in among if other is not finding for line in other.evidence}
    return [line for line in finding.evidence if line not in shared]


def explain_order(findings: Sequence[Finding], curable: Collection[str] | None = None) -> str | None:
    """Why the first of several causes that fit is tried first, and what spoke for the others; None where one fits.

    One that is not `curable` may have come behind for that alone.
    """
    fitting = those_that_fit(findings)
    if len(fitting) < 2:
        return None
    first, *others = fitting
    own = own_evidence(first, fitting)
    stuck = [words(f.cause) for f in others if curable is not None and f.cause not in curable]
    least = "nothing" if stuck else "nothing that the others lack, but the least against it"
    why = "; ".join(own) or least
    without = f" The runbook has no cure for {', '.join(stuck)}." if stuck else ""
    also = " ".join(f"For {words(f.cause)} ({f.confidence:.0%}): {'; '.join(f.evidence)}." for f in others)
    return (
        f"Several causes fit. Trying {words(first.cause)} first; for it alone speaks: {why}.{without} {also}"
    )
