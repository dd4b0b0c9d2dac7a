"""Every cure of every runbook, by cause."""

from collections.abc import Sequence

from flows.runbooks import Cure
from flows.runbooks.database_down import CURES as DATABASE_CURES
from flows.runbooks.frontend import CURES as FRONTEND_CURES
from flows.runbooks.high_error_rate import CURES as ERROR_CURES
from flows.runbooks.payment_issues import CURES as PAYMENT_CURES
from flows.runbooks.redis_down import CURES as REDIS_CURES
from flows.runbooks.site_outage import CURES as SITE_CURES
from flows.runbooks.worker_stuck import CURES as WORKER_CURES
from watchkeeper.diagnosis import ACT_ABOVE
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


def choose_cure(findings: Sequence[Finding]) -> Cure | None:
    """The cure of the likeliest cause that is likely enough to act upon."""
    for finding in findings:
        if finding.confidence >= ACT_ABOVE and finding.cause in CURES:
            return CURES[finding.cause]
    return None
