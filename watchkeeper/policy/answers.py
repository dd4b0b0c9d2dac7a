"""What a person's answer sets in motion, and how long it holds."""

from pydantic import Field

from watchkeeper.model import Data, Severity
from watchkeeper.policy.durations import Duration


class Answers(Data):
    """`silence_after`: by severity; one that is not named does not come back once somebody has it.

    Attributes:
        escalate_again_after: asking for the next person once more within this time pages nobody again.
        wrong_codes: after so many in `wrong_codes_per`, a person decides by link only.
    """

    silence_after: dict[Severity, Duration]
    working_for: Duration
    hold_for: Duration
    escalate_again_after: Duration
    wrong_codes: int = Field(ge=1, le=20)
    wrong_codes_per: Duration
