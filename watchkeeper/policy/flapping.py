"""When an alert that comes and goes is called flapping."""

from pydantic import Field

from watchkeeper.model import Data
from watchkeeper.policy.durations import Duration


class FlappingRule(Data):
    """More than so many changes between firing and quiet in this time."""

    changes: int = Field(ge=2)
    within: Duration
