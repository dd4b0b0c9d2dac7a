"""UptimeRobot's webhook: a secret that we chose, and which monitor is up or down."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from fastapi import Request
from pydantic import Field

from watchkeeper.errors import NotConfigured
from watchkeeper.intake.webhooks import Lenient, check_bearer, epoch, read_json, title_of, validated
from watchkeeper.model import Alert, Kind
from watchkeeper.policy import Policy

if TYPE_CHECKING:
    from watchkeeper.intake.app import House


def parse(house: "House", request: Request, body: bytes, now: datetime) -> Alert:
    if house.settings.uptimerobot is None:
        raise NotConfigured("UptimeRobot's webhook", setting="WATCHKEEPER_UPTIMEROBOT__WEBHOOK_SECRET")
    check_bearer(request.headers, house.settings.uptimerobot.webhook_secret.get_secret_value())
    return uptimerobot_alert(read_json(body), house.desk.policy, now=now)


class UptimeRobotBody(Lenient):
    """UptimeRobot's webhook: every value is a string; one that does not apply arrives as "*itsName*"."""

    monitorID: str = Field(max_length=100)
    monitorFriendlyName: str = Field(min_length=1)
    monitorURL: str = ""
    alertType: str = Field(pattern=r"^[123]$")
    alertDetails: str = ""
    alertDateTime: str = Field(default="", max_length=100)


UPTIMEROBOT_UP = "2"
UPTIMEROBOT_EXPIRY = "3"


def uptimerobot_alert(data: dict[str, Any], policy: Policy, *, now: datetime) -> Alert:
    """An alert out of UptimeRobot's webhook; the monitor's name says which service it watches."""
    body = validated(UptimeRobotBody, data)
    service = _service_of_monitor(body.monitorFriendlyName, policy)
    started_at = epoch(body.alertDateTime) or now
    details = body.alertDetails if not body.alertDetails.startswith("*") else ""
    if body.alertType == UPTIMEROBOT_EXPIRY:
        kind = Kind.OTHER
        summary = f"{body.monitorFriendlyName}: a certificate or domain is about to expire"
    else:
        kind = policy.services[service].kind if service in policy.services else Kind.OTHER
        state = "is up" if body.alertType == UPTIMEROBOT_UP else "is down"
        summary = (
            f"{title_of(service, policy)} {state} ({body.monitorFriendlyName}: {details or 'no details'})"
        )
    return Alert(
        source="uptimerobot",
        fingerprint=f"uptimerobot:{body.monitorID}:{'expiry' if body.alertType == '3' else 'down'}",
        firing=body.alertType != UPTIMEROBOT_UP,
        # Of what is about to expire it never says that it was renewed.
        ends=body.alertType != UPTIMEROBOT_EXPIRY,
        service=service,
        kind=kind,
        summary=summary[:500],
        started_at=started_at,
        delivery_id=f"{body.monitorID}:{body.alertType}:{body.alertDateTime or now.isoformat()}",
        payload=data,
    )


def _service_of_monitor(name: str, policy: Policy) -> str:
    for handle, service in policy.services.items():
        if name in service.monitors:
            return handle
    return name[:100]
