"""Railway's webhook: not signed, and by its type alone what happened to which service."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from fastapi import Request
from pydantic import Field

from watchkeeper.errors import NotConfigured
from watchkeeper.intake.webhooks import Lenient, check_bearer, read_json, title_of, validated
from watchkeeper.model import Alert, Kind
from watchkeeper.policy import Policy

if TYPE_CHECKING:
    from watchkeeper.intake.app import House


def parse(house: "House", request: Request, body: bytes, now: datetime) -> Alert | None:
    railway = house.settings.railway
    if railway is None or railway.webhook_secret is None:
        raise NotConfigured("Railway's webhook", setting="WATCHKEEPER_RAILWAY__WEBHOOK_SECRET")
    check_bearer(request.headers, railway.webhook_secret.get_secret_value())
    return railway_alert(read_json(body), house.desk.policy, now=now)


class RailwayNamed(Lenient):
    id: str = ""
    name: str = ""


class RailwayResource(Lenient):
    project: RailwayNamed = RailwayNamed()
    environment: RailwayNamed = RailwayNamed()
    service: RailwayNamed | None = None
    deployment: RailwayNamed | None = None


class RailwayBody(Lenient):
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
    body = validated(RailwayBody, data)
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
        summary=f"{title_of(name, policy)} {what} (Railway)"[:500],
        started_at=_moment(body.timestamp) or now,
        delivery_id=f"{event}:{deployment}:{body.timestamp or now.isoformat()}"[:300],
        payload=data,
    )


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
