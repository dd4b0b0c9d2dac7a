"""Every cure of every runbook, by cause."""

from collections.abc import Collection, Sequence

from flows.runbooks import Cure
from flows.runbooks.database_down import CURES as DATABASE_CURES
from flows.runbooks.frontend import CURES as FRONTEND_CURES
from flows.runbooks.high_error_rate import CURES as ERROR_CURES
from flows.runbooks.payment_issues import CURES as PAYMENT_CURES
from flows.runbooks.redis_down import CURES as REDIS_CURES
from flows.runbooks.site_outage import CURES as SITE_CURES
from flows.runbooks.worker_stuck import CURES as WORKER_CURES
from watchkeeper.diagnosis import those_that_fit
from watchkeeper.model import Finding

CURES: dict[str, Cure] = {
    cure.cause: cure
    for cure in (
        *DATABASE_CURES,
        *SITE_CURES,
        *FRONTEND_CURES,
        *REDIS_CURES,
        *ERROR_CURES,
        *WORKER_CURES,
        *PAYMENT_CURES,
    )
}


def choose_cure(findings: Sequence[Finding], tried: Collection[str] = ()) -> Cure | None:
    """The cure of the likeliest cause, or of the first with a cure among those that are about as likely.

    None where nothing is likely enough, and where a cause without a cure leads clearly: a weaker one's cure would be
    tried while people read of the other. What was `tried` and taken back is out of the question.
    """
    fitting = those_that_fit([finding for finding in findings if finding.cause not in tried])
    return next((CURES[finding.cause] for finding in fitting if finding.cause in CURES), None)


def acted_upon_first(findings: Sequence[Finding], tried: Collection[str] = ()) -> list[Finding]:
    """The same with the cause whose cure is tried at the front: the one that is announced is the one that is treated."""
    cure = choose_cure(findings, tried)
    return sorted(findings, key=lambda finding: cure is None or finding.cause != cure.cause)
