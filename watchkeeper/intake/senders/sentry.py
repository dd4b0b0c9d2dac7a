"""Sentry's webhook: signed over the raw bytes; an issue's alert, or a metric's with its end."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from fastapi import Request

from watchkeeper.errors import NotConfigured
from watchkeeper.intake.webhooks import Lenient, Refused, read_json, validated
from watchkeeper.model import Alert, Kind

if TYPE_CHECKING:
    from watchkeeper.intake.app import House


# Sentry does not sign its timestamp; a narrow window still stops the laziest replays.
SENTRY_WINDOW = timedelta(minutes=5)


def parse(house: "House", request: Request, body: bytes, now: datetime) -> Alert | None:
    if house.settings.sentry is None:
        raise NotConfigured("Sentry's webhook", setting="WATCHKEEPER_SENTRY__CLIENT_SECRET")
    secret = house.settings.sentry.client_secret.get_secret_value()
    check_sentry_signature(request.headers, body, secret, now=now)
    resource = request.headers.get("sentry-hook-resource", "")
    request_id = request.headers.get("request-id")
    return sentry_alert(read_json(body), resource, request_id, now=now)


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


class SentryEvent(Lenient):
    event_id: str = ""
    title: str
    issue_id: str
    level: str = "error"
    culprit: str | None = None
    release: str | None = None
    environment: object = None
    tags: object = None
    web_url: str = ""

    def where(self) -> str:
        """The environment that it happened in, in small letters; empty where the event does not say in a shape that we
        know: that must lose no alert."""
        named = [self.environment, *(_environment(tag) for tag in _listed(self.tags))]
        return next((name.strip().lower() for name in named if isinstance(name, str)), "")


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _environment(tag: object) -> object:
    match tag:
        case ["environment", name] | {"key": "environment", "value": name}:
            return name
    return None


class SentryEventData(Lenient):
    event: SentryEvent
    triggered_rule: str = ""


class SentryMetricAlert(Lenient):
    identifier: str
    title: str = ""


class SentryMetricData(Lenient):
    metric_alert: SentryMetricAlert
    description_title: str = ""
    description_text: str = ""


class SentryBody(Lenient):
    action: str
    data: dict[str, Any]


# Which service Sentry's project reports for; one project is the usual case for a small company.
SENTRY_SERVICE = "backend"
MILD = frozenset({"warning", "info", "debug"})
# Only what is known to be no production is taken for none: a team's own name for production must not silence a page.
ELSEWHERE = frozenset(
    {"development", "dev", "staging", "stage", "test", "testing", "preview", "local", "ci", "qa", "sandbox"}
)


def sentry_alert(
    data: dict[str, Any], resource: str, request_id: str | None, *, now: datetime
) -> Alert | None:
    """An alert out of Sentry's webhook, or None for a resource that is not one (installation, comment, ...)."""
    body = validated(SentryBody, data)
    if resource == "event_alert":
        event = validated(SentryEventData, body.data).event
        # What the application itself calls a warning, or what is no production, is the guide's P3.
        mild = event.level in MILD or event.where() in ELSEWHERE
        kind = Kind.OTHER if mild else Kind.HIGH_ERROR_RATE
        fingerprint, summary, firing = f"sentry:issue:{event.issue_id}", f"Sentry: {event.title}", True
    elif resource == "metric_alert":
        metric, kind = validated(SentryMetricData, body.data), Kind.HIGH_ERROR_RATE
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
