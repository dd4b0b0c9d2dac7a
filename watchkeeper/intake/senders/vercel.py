"""Vercel's webhook: signed over the raw bytes; of a project's deployments those to production."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fastapi import Request

from watchkeeper.errors import NotConfigured
from watchkeeper.intake.webhooks import Lenient, Refused, epoch, read_json, title_of, validated
from watchkeeper.model import Alert, Kind
from watchkeeper.policy import Policy

if TYPE_CHECKING:
    from watchkeeper.intake.app import House


def parse(house: "House", request: Request, body: bytes, now: datetime) -> Alert | None:
    vendor = house.settings.vercel
    if vendor is None or vendor.webhook_secret is None:
        raise NotConfigured("Vercel's webhook", setting="WATCHKEEPER_VERCEL__WEBHOOK_SECRET")
    check_vercel_signature(request.headers, body, vendor.webhook_secret.get_secret_value())
    return vercel_alert(read_json(body), house.desk.policy, now=now)


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


class VercelDeployment(Lenient):
    id: str
    name: str = ""


class VercelProject(Lenient):
    id: str


class VercelPayload(Lenient):
    deployment: VercelDeployment
    project: VercelProject
    target: str | None = None


class VercelBody(Lenient):
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
    body = validated(VercelBody, data)
    if body.type not in VERCEL_FAILED | VERCEL_GOOD:
        return None
    told = validated(VercelPayload, body.payload)
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
        summary=f"{title_of(service, policy)}: a production deployment {state} ({told.deployment.id})"[:500],
        started_at=epoch(str(body.createdAt / 1000)) or now,
        delivery_id=body.id[:200],
        payload=data,
    )


def _service_on_vercel(project_id: str, policy: Policy) -> str:
    for handle, service in policy.services.items():
        if service.vercel and service.vercel.project_id == project_id:
            return handle
    return project_id[:100]
