"""Incidents of the past, as rows say them, for tests of what is figured out of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from watchkeeper.figures.past import Past

AT = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


def past(number: int = 1, **known: Any) -> Past:
    """A backend that was down for half an hour, unless told otherwise; times may be minutes after `AT`."""
    told = {
        "id": number,
        "kind": "site_outage",
        "severity": "P0",
        "status": "resolved",
        "service": "backend",
        "summary": "Backend is down",
        "started_at": 0,
        "detected_at": 0,
        "acknowledged_at": 5,
        "recovered_at": 30,
        "resolved_at": 45,
        "cause": None,
        "cause_confidence": None,
        **known,
    }
    return Past.model_validate(
        {
            name: AT + timedelta(minutes=value)
            if name.endswith("_at") and isinstance(value, int | float)
            else value
            for name, value in told.items()
        }
    )
