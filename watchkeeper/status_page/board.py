"""The status page as data: components with their state, and incidents with what was posted about them. Pure."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from pydantic import AwareDatetime

from watchkeeper.decisions import status_in_words
from watchkeeper.model import Channel, Data, Incident, Severity, incident_number
from watchkeeper.policy import Policy

ALL_WELL = "All systems operational"


class ComponentState(StrEnum):
    """Statuspage's own words, mildest first."""

    OPERATIONAL = "operational"
    DEGRADED = "degraded_performance"
    PARTIAL = "partial_outage"
    MAJOR = "major_outage"


WORST = list(ComponentState)


class Shown(NamedTuple):
    """One component of the page."""

    service: str
    title: str
    statuspage_id: str | None
    workaround: str


class Post(Data):
    """What customers were told once. `status` is one of Statuspage's four."""

    id: int
    at: AwareDatetime
    status: str
    title: str
    body: str

    @property
    def is_last(self) -> bool:
        return self.status == "resolved"


class Posted(Data):
    """An incident that is on the page, with its posts, oldest first."""

    incident_id: int
    severity: Severity
    service: str
    started_at: AwareDatetime
    resolved_at: AwareDatetime | None
    posts: list[Post]

    @property
    def number(self) -> str:
        return incident_number(self.incident_id)

    @property
    def title(self) -> str:
        return self.posts[-1].title

    @property
    def is_open(self) -> bool:
        return self.resolved_at is None


class Board(Data):
    """The whole page at one moment. `incidents` are newest first."""

    policy: Policy
    incidents: list[Posted]

    def holding(self, post_id: int | None) -> tuple[Posted, Post] | None:
        """The post with this number, and the incident it is about."""
        return next(((i, p) for i in self.incidents for p in i.posts if p.id == post_id), None)

    def states(self) -> dict[str, ComponentState]:
        """Each component's state by its service: the worst that any open incident makes of it."""
        still_open = [i for i in self.incidents if i.is_open]
        return {
            shown.service: max(
                (effect(i.severity, i.service, shown.service, self.policy) for i in still_open),
                key=WORST.index,
                default=ComponentState.OPERATIONAL,
            )
            for shown in components(self.policy)
        }

    @property
    def headline(self) -> str:
        worst = [i.title for i in sorted(self.incidents, key=lambda i: i.severity) if i.is_open]
        return worst[0] if worst else ALL_WELL


def components(policy: Policy) -> list[Shown]:
    """What the page lists: what the policy names, else every service that no other depends on."""
    named = policy.status_page.components
    if named:
        return [
            Shown(name, each.title or policy.services[name].title, each.statuspage_id, each.workaround)
            for name, each in named.items()
        ]
    needed = {other for service in policy.services.values() for other in service.depends_on}
    return [
        Shown(name, service.title, None, "")
        for name, service in policy.services.items()
        if name not in needed
    ]


def affected(service: str, policy: Policy) -> list[Shown]:
    """The components that cannot work, or not well, while this service is down."""
    return [
        shown
        for shown in components(policy)
        if service == shown.service or service in policy.depends_on(shown.service)
    ]


def effect(severity: Severity, service: str, component: str, policy: Policy) -> ComponentState:
    """What an incident of this service makes of a component. P1 is the guide's "degraded service"."""
    if service != component and service not in policy.depends_on(component):
        return ComponentState.OPERATIONAL
    if severity is Severity.P0:
        return ComponentState.MAJOR
    return (
        ComponentState.PARTIAL
        if service == component and severity is Severity.P1
        else ComponentState.DEGRADED
    )


def functionality(service: str, policy: Policy) -> str:
    """What is affected, as customers know it: "Website and Payments"."""
    titles = [shown.title for shown in affected(service, policy)] or ["parts of our service"]
    return " and ".join(filter(None, [", ".join(titles[:-1]), titles[-1]]))


def workaround(service: str, policy: Policy) -> str:
    """What customers can do meanwhile, as the team has written it."""
    return " ".join(shown.workaround for shown in affected(service, policy) if shown.workaround)


def status_of(incident: Incident) -> str:
    """Statuspage's word: investigating, identified, monitoring or resolved."""
    return status_in_words(incident.status).lower()


def belongs_on_page(severity: Severity, policy: Policy) -> bool:
    return Channel.STATUS_PAGE in policy.rule(severity).channels


def order(incidents: Sequence[Posted]) -> list[Posted]:
    return sorted(incidents, key=lambda i: (i.started_at, i.incident_id), reverse=True)
