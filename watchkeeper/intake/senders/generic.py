"""Our own webhook, for anything that can send JSON."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fastapi import Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from watchkeeper.errors import NotConfigured
from watchkeeper.intake.webhooks import check_bearer, read_json, validated
from watchkeeper.model import Alert, Kind, Severity
from watchkeeper.policy import Policy

if TYPE_CHECKING:
    from watchkeeper.intake.app import House


def parse(house: "House", request: Request, body: bytes, now: datetime) -> Alert:
    if house.settings.webhook_secret is None:
        raise NotConfigured("the generic webhook", setting="WATCHKEEPER_WEBHOOK_SECRET")
    check_bearer(request.headers, house.settings.webhook_secret.get_secret_value())
    return generic_alert(read_json(body), house.desk.policy, now=now)


class GenericBody(BaseModel):
    """Our own webhook, for anything that can send JSON. Unknown fields are refused: a typo must not pass.

    A summary may be of any length and is cut: how long a program's words get is known only in the night.
    """

    model_config = ConfigDict(extra="forbid")

    service: str = Field(min_length=1, max_length=100)
    summary: str = Field(min_length=1)
    fingerprint: str | None = Field(default=None, min_length=1, max_length=200)
    kind: Kind | None = None
    firing: bool = True
    severity: Severity | None = None
    users_affected_percent: float | None = Field(default=None, ge=0, le=100)
    error_rate_percent: float | None = Field(default=None, ge=0, le=100)
    started_at: AwareDatetime | None = Field(default=None, ge=datetime(1970, 1, 1, tzinfo=UTC))
    delivery_id: str | None = Field(default=None, max_length=200)


def generic_alert(data: dict[str, Any], policy: Policy, *, now: datetime) -> Alert:
    """An alert out of the generic webhook; without a fingerprint, service and kind are it."""
    body = validated(GenericBody, data)
    known = policy.services.get(body.service)
    kind = body.kind or (known.kind if known else Kind.OTHER)
    return Alert(
        source="generic",
        fingerprint=f"generic:{body.fingerprint or f'{body.service}:{kind}'}",
        firing=body.firing,
        service=body.service,
        kind=kind,
        summary=body.summary[:500],
        started_at=body.started_at or now,
        delivery_id=body.delivery_id,
        severity=body.severity,
        users_affected_percent=body.users_affected_percent,
        error_rate_percent=body.error_rate_percent,
        payload=data,
    )
