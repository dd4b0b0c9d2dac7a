"""What a diagnosis is made of: the checks by name, and one cause's points for and against."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from watchkeeper.model import Check, CheckStatus, Fault, Finding, Kind, Severity
from watchkeeper.policy import Policy


@dataclass
class Case:
    """The points for and against one cause."""

    cause: str
    fault: Fault
    points: float = 0
    possible: float = 0
    evidence: list[str] = field(default_factory=list)
    against: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)

    def weigh(
        self, points: float, holds: bool, evidence: str, otherwise: str = "", *, seen: bool = True
    ) -> None:
        """Count one piece of evidence; `otherwise` says what its absence means, where it was looked for."""
        self.possible += points
        if holds:
            self.points += points
            self.evidence.append(evidence)
        elif otherwise and seen:
            self.against.append(otherwise)

    def finding(self) -> Finding:
        confidence = round(self.points / self.possible, 2) if self.possible else 0.0
        return Finding(
            cause=self.cause,
            confidence=confidence,
            fault=self.fault,
            evidence=self.evidence,
            against=self.against,
            advice=self.advice if self.evidence else [],
        )


class Looks:
    """The checks by name; a check that is missing or gave nothing has empty facts."""

    def __init__(self, checks: Sequence[Check]) -> None:
        self._checks: Mapping[str, Check] = {check.name: check for check in checks}

    def facts(self, name: str) -> dict[str, Any]:
        check = self._checks.get(name)
        return check.facts if check else {}

    def status(self, name: str) -> CheckStatus:
        check = self._checks.get(name)
        return check.status if check else CheckStatus.NOT_CONFIGURED

    def saw(self, name: str) -> bool:
        """Whether it gave anything: what was not seen speaks neither for a cause nor against it."""
        return self.status(name) in (CheckStatus.OK, CheckStatus.BAD)

    def is_bad(self, name: str) -> bool:
        return self.status(name) is CheckStatus.BAD

    def observed_at(self, name: str) -> datetime | None:
        check = self._checks.get(name)
        return check.observed_at if check else None

    def summary(self, name: str) -> str:
        check = self._checks.get(name)
        return check.summary if check else ""


class Cause(NamedTuple):
    """One cause that the guide knows: what kind of incident it makes, whichever alert came first, and how it is judged.

    `at_least` is the severity that it makes of an incident that began as a milder one.
    """

    name: str
    kind: Kind
    judge: Callable[[Looks, Policy], Case]
    at_least: Severity | None = None
