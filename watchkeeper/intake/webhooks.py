"""What senders send, checked and turned into alerts. Pure: bytes, headers and the time in, an alert out.

A request is refused before anything is stored: 401 for a wrong signature, secret or stale timestamp, 422 for
what is not JSON or has the wrong shape.
"""

import hashlib
import hmac
import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from watchkeeper.model import Alert, Kind, Severity
from watchkeeper.policy import Policy

# What JSON can say and Postgres cannot keep: NUL, and half of a surrogate pair.
UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")

# Sentry does not sign its timestamp; a narrow window still stops the laziest replays.
SENTRY_WINDOW = timedelta(minutes=5)


class Refused(Exception):
    """A request that is turned away: `status` 401 or 422, and a sentence that says what is wrong."""

    def __init__(self, status: int, reason: str, explanation: str) -> None:
        self.status = status
        self.reason = reason
        self.explanation = explanation
        super().__init__(explanation)


def check_bearer(headers: Mapping[str, str], secret: str) -> None:
    """A sender that does not sign proves itself by a secret in its Authorization header.

    Raises:
        Refused: 401.
    """
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), secret.encode()):
        raise Refused(401, "wrong_secret", "the Authorization header must be: Bearer <the webhook secret>")


def check_sentry_signature(
    headers: Mapping[str, str], body: bytes, client_secret: str, *, now: datetime
) -> None:
    """Sentry signs the exact bytes of the body with the integration's client secret.

    Raises:
        Refused: 401.

    Source:
        https://docs.sentry.io/organization/integrations/integration-platform/webhooks/
    """
    wanted = hmac.new(client_secret.encode(), body, hashlib.sha256).hexdigest()
    given = headers.get("sentry-hook-signature", "")
    if not hmac.compare_digest(wanted.encode(), given.encode()):
        raise Refused(401, "wrong_signature", "Sentry-Hook-Signature does not match this body")
    try:
        sent_at = datetime.fromtimestamp(float(headers.get("sentry-hook-timestamp", "")), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise Refused(401, "no_timestamp", "Sentry-Hook-Timestamp must be seconds since 1970") from error
    if abs(now - sent_at) > SENTRY_WINDOW:
        raise Refused(401, "stale_timestamp", "Sentry-Hook-Timestamp is more than 5 minutes away")


def read_json(body: bytes) -> dict[str, Any]:
    """The body as a JSON object that the store can keep.

    Raises:
        Refused: 422.
    """
    try:
        value = _keepable(json.loads(body, parse_constant=_no_number))
    except (ValueError, RecursionError) as error:
        raise Refused(422, "not_json", f"the body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise Refused(422, "wrong_shape", "the body must be a JSON object")
    return value


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")


def _keepable(value: Any) -> Any:
    """The value with a replacement character for what Postgres cannot keep: an odd letter must not lose an alert."""
    if isinstance(value, str):
        return UNKEEPABLE.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, list):
        return [_keepable(one) for one in value]
    if isinstance(value, dict):
        return {_keepable(name): _keepable(one) for name, one in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


class _Lenient(BaseModel):
    """Vendors add fields without asking; only what we need is checked."""

    model_config = ConfigDict(extra="ignore")


class UptimeRobotBody(_Lenient):
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
    body = _validated(UptimeRobotBody, data)
    service = _service_of_monitor(body.monitorFriendlyName, policy)
    started_at = _epoch(body.alertDateTime) or now
    details = body.alertDetails if not body.alertDetails.startswith("*") else ""
    if body.alertType == UPTIMEROBOT_EXPIRY:
        kind = Kind.OTHER
        summary = f"{body.monitorFriendlyName}: a certificate or domain is about to expire"
    else:
        kind = policy.services[service].kind if service in policy.services else Kind.OTHER
        state = "is up" if body.alertType == UPTIMEROBOT_UP else "is down"
        summary = f"{_title(service, policy)} {state} ({body.monitorFriendlyName}: {details or 'no details'})"
    return Alert(
        source="uptimerobot",
        fingerprint=f"uptimerobot:{body.monitorID}:{'expiry' if body.alertType == '3' else 'down'}",
        firing=body.alertType != UPTIMEROBOT_UP,
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


def _title(service: str, policy: Policy) -> str:
    return policy.services[service].title if service in policy.services else service


def _epoch(value: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(value), UTC)
    except (ValueError, OverflowError, OSError):
        return None


class SentryEvent(_Lenient):
    event_id: str = ""
    title: str
    issue_id: str
    level: str = "error"
    culprit: str | None = None
    release: str | None = None
    web_url: str = ""


class SentryEventData(_Lenient):
    event: SentryEvent
    triggered_rule: str = ""


class SentryMetricAlert(_Lenient):
    identifier: str
    title: str = ""


class SentryMetricData(_Lenient):
    metric_alert: SentryMetricAlert
    description_title: str = ""
    description_text: str = ""


class SentryBody(_Lenient):
    action: str
    data: dict[str, Any]


# Which service Sentry's project reports for; one project is the usual case for a small company.
SENTRY_SERVICE = "backend"
MILD = frozenset({"warning", "info", "debug"})


def sentry_alert(
    data: dict[str, Any], resource: str, request_id: str | None, *, now: datetime
) -> Alert | None:
    """An alert out of Sentry's webhook, or None for a resource that is not one (installation, comment, ...)."""
    body = _validated(SentryBody, data)
    if resource == "event_alert":
        event = _validated(SentryEventData, body.data).event
        # What the application itself calls a warning breaks nothing for customers: the guide's P3.
        kind = Kind.OTHER if event.level in MILD else Kind.HIGH_ERROR_RATE
        fingerprint, summary, firing = f"sentry:issue:{event.issue_id}", f"Sentry: {event.title}", True
    elif resource == "metric_alert":
        metric, kind = _validated(SentryMetricData, body.data), Kind.HIGH_ERROR_RATE
        fingerprint = f"sentry:metric:{metric.metric_alert.identifier}"
        summary = f"Sentry: {metric.description_title or metric.metric_alert.title or 'metric alert'}"
        firing = body.action != "resolved"
    else:
        return None
    return Alert(
        source="sentry",
        fingerprint=fingerprint[:300],
        firing=firing,
        ends=resource == "metric_alert",
        service=SENTRY_SERVICE,
        kind=kind,
        summary=summary[:500],
        started_at=now,
        delivery_id=request_id and request_id[:200],
        payload=data,
    )


def check_vercel_signature(headers: Mapping[str, str], body: bytes, secret: str) -> None:
    """Vercel signs the exact bytes of the body, by SHA-1.

    Raises:
        Refused: 401.

    Source:
        https://vercel.com/docs/webhooks/webhooks-api#securing-webhooks
    """
    wanted = hmac.new(secret.encode(), body, hashlib.sha1).hexdigest()
    given = headers.get("x-vercel-signature", "")
    if not hmac.compare_digest(wanted.encode(), given.encode()):
        raise Refused(401, "wrong_signature", "x-vercel-signature does not match this body")


class VercelDeployment(_Lenient):
    id: str
    name: str = ""


class VercelProject(_Lenient):
    id: str


class VercelPayload(_Lenient):
    deployment: VercelDeployment
    project: VercelProject
    target: str | None = None


class VercelBody(_Lenient):
    id: str
    type: str
    createdAt: int
    payload: dict[str, Any]


VERCEL_FAILED = frozenset({"deployment.error"})
VERCEL_GOOD = frozenset({"deployment.succeeded", "deployment.ready", "deployment.promoted"})


def vercel_alert(data: dict[str, Any], policy: Policy, *, now: datetime) -> Alert | None:
    """An alert out of Vercel's webhook, or None for what is no news of production.

    A build that failed leaves the one before it serving: it is worth a look and nobody's sleep, so its kind is
    "other". Previews fail every day.
    """
    body = _validated(VercelBody, data)
    if body.type not in VERCEL_FAILED | VERCEL_GOOD:
        return None
    told = _validated(VercelPayload, body.payload)
    if told.target != "production":
        return None
    service = _service_on_vercel(told.project.id, policy)
    state = "failed" if body.type in VERCEL_FAILED else "succeeded"
    return Alert(
        source="vercel",
        fingerprint=f"vercel:{told.project.id}:deployment"[:300],
        firing=body.type in VERCEL_FAILED,
        service=service,
        kind=Kind.OTHER,
        summary=f"{_title(service, policy)}: a production deployment {state} ({told.deployment.id})"[:500],
        started_at=_epoch(str(body.createdAt / 1000)) or now,
        delivery_id=body.id[:200],
        payload=data,
    )


class RailwayNamed(_Lenient):
    id: str = ""
    name: str = ""


class RailwayResource(_Lenient):
    project: RailwayNamed = RailwayNamed()
    environment: RailwayNamed = RailwayNamed()
    service: RailwayNamed | None = None
    deployment: RailwayNamed | None = None


class RailwayBody(_Lenient):
    """Railway's webhook. `type` alone says what happened: the status in its details may say the opposite."""

    type: str = Field(min_length=1)
    resource: RailwayResource
    timestamp: str = ""


# By its type without case and underscores, for Railway has been seen to write them in several ways: what happened.
RAILWAY_CRASHES = {
    "deployment.crashed": "crashed",
    "deployment.oomkilled": "was killed for its memory",
}
RAILWAY_FAILED = "deployment.failed"
RAILWAY_VOLUME = {"volumealert.triggered": True, "volumealert.resolved": False}


def railway_alert(data: dict[str, Any], policy: Policy, *, now: datetime) -> Alert | None:
    """An alert out of Railway's webhook, or None for an event that is not one, or of an environment that is not ours.

    It is not signed, so it is a hint: whatever is planned for it is planned from what Railway's API says itself.

    Source:
        https://docs.railway.com/observability/webhooks
    """
    body = _validated(RailwayBody, data)
    event = body.type.lower().replace("_", "")
    resource = body.resource
    service = _service_on_railway(resource, policy)
    volume = event in RAILWAY_VOLUME
    if service is None and not (volume and _is_our_environment(resource, policy)):
        return None
    if event in RAILWAY_CRASHES and service is not None:
        kind, what = policy.services[service].kind, RAILWAY_CRASHES[event]
    elif event == RAILWAY_FAILED:
        # The deployment before it goes on serving: something to mend, and nobody is without the service.
        kind, what = Kind.OTHER, "could not be deployed"
    elif volume:
        kind, what = Kind.OTHER, "has a volume that fills up" if RAILWAY_VOLUME[event] else "has room again"
    else:
        return None
    name = service or "unknown service"
    deployment = resource.deployment.id if resource.deployment else ""
    return Alert(
        source="railway",
        fingerprint=f"railway:{name}:{'volume' if volume else event}"[:300],
        firing=RAILWAY_VOLUME.get(event, True),
        # Of a crash it never says that it is over.
        ends=volume,
        service=name,
        kind=kind,
        summary=f"{_title(name, policy)} {what} (Railway)"[:500],
        started_at=_moment(body.timestamp) or now,
        delivery_id=f"{event}:{deployment}:{body.timestamp or now.isoformat()}"[:300],
        payload=data,
    )


def _service_on_vercel(project_id: str, policy: Policy) -> str:
    for handle, service in policy.services.items():
        if service.vercel and service.vercel.project_id == project_id:
            return handle
    return project_id[:100]


def _service_on_railway(resource: RailwayResource, policy: Policy) -> str | None:
    """The service of the policy that this is about; its other environments are not watched."""
    for handle, service in policy.services.items():
        target = service.railway
        if target is not None and resource.service is not None:
            ids = (resource.environment.id, resource.service.id)
            if ids == (target.environment_id, target.service_id):
                return handle
    return None


def _is_our_environment(resource: RailwayResource, policy: Policy) -> bool:
    """A volume's alert may come without a service."""
    targets = [service.railway for service in policy.services.values() if service.railway]
    ours = {(target.project_id, target.environment_id) for target in targets}
    return (resource.project.id, resource.environment.id) in ours


def _moment(value: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo and moment.year >= 1970 else None


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
    body = _validated(GenericBody, data)
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


Model = TypeVar("Model", bound=BaseModel)


def _validated(model: type[Model], data: Any) -> Model:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        mistakes = "; ".join(
            f"{'.'.join(str(part) for part in mistake['loc']) or 'body'}: {mistake['msg']}"
            for mistake in error.errors()
        )
        raise Refused(422, "wrong_shape", mistakes) from error
