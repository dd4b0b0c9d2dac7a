"""UptimeRobot's webhook: which of its alerts last until it says that they are over."""

from datetime import UTC, datetime

import pytest

from tests.watchkeeper.house import two_on_call
from watchkeeper.intake.senders.uptimerobot import uptimerobot_alert

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("alert_type", "firing", "lasts"),
    [("1", True, True), ("2", False, False), ("3", True, False)],
)
def test_what_is_about_to_expire_is_never_said_to_be_renewed(
    alert_type: str, firing: bool, lasts: bool
) -> None:
    body = {"monitorID": "7", "monitorFriendlyName": "checkout", "alertType": alert_type}

    alert = uptimerobot_alert(body, two_on_call(), now=NOW)

    assert (alert.firing, alert.lasts) == (firing, lasts)
