"""What the team wants its figures to be: the guide's goals."""

from pydantic import Field

from watchkeeper.model import Data, Severity
from watchkeeper.policy.durations import Duration


class Goals(Data):
    """`repeats`: how many incidents of a month may have a cause that was there before."""

    detect_within: Duration
    resolve_within: dict[Severity, Duration]
    repeats: int = Field(ge=0)
    repeats_within: Duration
