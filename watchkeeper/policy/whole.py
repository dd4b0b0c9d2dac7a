"""The whole policy, and what must be true of it as a whole."""

from datetime import timedelta
from graphlib import CycleError, TopologicalSorter
from typing import Any, Self

from pydantic import Field, model_validator

from watchkeeper.model import Data, Kind, Severity
from watchkeeper.money import Money
from watchkeeper.policy.answers import Answers
from watchkeeper.policy.calendar import Calendar
from watchkeeper.policy.costs import Costs
from watchkeeper.policy.customers import Customers
from watchkeeper.policy.durations import Duration
from watchkeeper.policy.flapping import FlappingRule
from watchkeeper.policy.goals import Goals
from watchkeeper.policy.night import NightPolicy
from watchkeeper.policy.people import Person
from watchkeeper.policy.reviews import ReviewRules
from watchkeeper.policy.roster import Roster
from watchkeeper.policy.rules import (
    AutonomyRules,
    Cleanup,
    Limits,
    Proving,
    Response,
    SeverityRule,
    Thresholds,
    Throttle,
    Verification,
)
from watchkeeper.policy.services import Service
from watchkeeper.policy.telling import StatusPage, Telling
from watchkeeper.policy.vendors import Vendor, VendorName
from watchkeeper.policy.windows import MaintenanceWindow


class Policy(Data):
    """Everything that a team may decide. Pure data: functions in `decisions.py` read it."""

    severities: dict[Severity, SeverityRule]
    kinds: dict[Kind, Severity]
    people: dict[str, Person]
    roster: Roster
    calendar: Calendar
    chat_channel: str = "#incidents"
    tickets_to: str | None = None
    services: dict[str, Service]
    vendors: dict[VendorName, Vendor] = Field(default_factory=dict)
    maintenance_windows: list[MaintenanceWindow] = Field(default_factory=list)
    thresholds: Thresholds
    verification: Verification
    response: Response
    reviews: ReviewRules
    answers: Answers
    night: NightPolicy
    autonomy: AutonomyRules
    limits: Limits
    cleanup: Cleanup
    throttle: Throttle
    flapping: FlappingRule
    proving: Proving
    status_page: StatusPage
    telling: Telling
    customers: Customers
    correlate_within: Duration
    goals: Goals
    costs: Costs

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        for key, handle in self.roster.named():
            if handle not in self.people:
                known = ", ".join(sorted(self.people)) or "nobody yet"
                raise ValueError(
                    f"roster.{key}: there is no person {handle!r} under people ({known}); "
                    f"add people.{handle} with a name and an address, or name one of those"
                )
        for day in self.roster.holiday_covers:
            if day not in self.calendar.holidays:
                raise ValueError(
                    f"roster.holiday_covers.{day}: is not one of calendar.holidays; add it there, with its name"
                )
        for name, service in self.services.items():
            for other in service.depends_on:
                if other not in self.services:
                    known = ", ".join(sorted(self.services))
                    raise ValueError(
                        f"services.{name}.depends_on: there is no service {other!r}; name one of {known}"
                    )
        for name in self.status_page.components:
            if name not in self.services:
                known = ", ".join(sorted(self.services))
                raise ValueError(
                    f"status_page.components.{name}: there is no service {name!r}; name one of {known}"
                )
        if circle := find_circle({name: s.depends_on for name, s in self.services.items()}):
            raise ValueError(
                f"services.{circle[0]}.depends_on: goes in a circle ({' -> '.join(circle)}); "
                "remove one of these dependencies"
            )
        for severity in Severity:
            if severity not in self.severities:
                raise ValueError(
                    f"severities.{severity}: is missing; give it at least name, "
                    "acknowledge_within and channels"
                )
        return self

    @model_validator(mode="after")
    def _money_has_a_currency(self) -> Self:
        known = {f"services.{name}": service.revenue_per_hour for name, service in self.services.items()}
        for key, figure in {"costs": self.costs.revenue_per_hour, **known}.items():
            if figure is not None and self.costs.currency is None:
                raise ValueError(
                    f"{key}.revenue_per_hour: is in no currency; add costs.currency, such as EUR"
                )
        return self

    @model_validator(mode="after")
    def _night_is_possible(self) -> Self:
        for name in self.night.services:
            if name not in self.services:
                known = ", ".join(sorted(self.services))
                raise ValueError(f"night.services: there is no service {name!r}; name one of {known}")
        for severity in self.night.severities:
            if self.severities[severity].escalate_after == timedelta():
                raise ValueError(
                    f"night.severities: a {severity} is escalated at once (severities.{severity}.escalate_after), "
                    "so its page cannot wait; remove it"
                )
        return self

    def rule(self, severity: Severity) -> SeverityRule:
        return self.severities[severity]

    def revenue_per_hour(self, service: str) -> Money | None:
        """What is lost in an hour in which this service is down; None where nobody has said."""
        known = self.services.get(service)
        own = known.revenue_per_hour if known else None
        figure = self.costs.revenue_per_hour if own is None else own
        return None if figure is None or self.costs.currency is None else Money(figure, self.costs.currency)

    def depends_on(self, service: str) -> set[str]:
        """Every service that this one cannot work without, directly or through another."""
        found: set[str] = set()
        todo = [service]
        while todo:
            known = self.services.get(todo.pop())
            for other in known.depends_on if known else []:
                if other not in found:
                    found.add(other)
                    todo.append(other)
        return found

    def needed_by_both(self, one: str, other: str) -> set[str]:
        """The services that neither of the two can work without."""
        return self.depends_on(one) & self.depends_on(other)

    def seen_through_one(self, one: str, other: str) -> bool:
        """Whether the health addresses of some service tell of both."""
        return any(
            service.detailed_health_url and {one, other} <= self.depends_on(name)
            for name, service in self.services.items()
        )

    def scaled(self, speed: float) -> "Policy":
        """The same policy with every duration divided by `speed`, and nothing else changed."""
        return self if speed == 1 else Policy.model_validate(_divide_durations(self, speed))


def _divide_durations(value: Any, speed: float) -> Any:
    if isinstance(value, timedelta):
        return value / speed
    if isinstance(value, Data):
        return {name: _divide_durations(getattr(value, name), speed) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {key: _divide_durations(item, speed) for key, item in value.items()}
    if isinstance(value, list):
        return [_divide_durations(item, speed) for item in value]
    return value


def find_circle(edges: dict[str, list[str]]) -> list[str]:
    """The first circle among the edges, as a path that ends where it starts; else empty."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []
