"""When a post-mortem is written, and how what it promises is chased."""

from pydantic import Field

from watchkeeper.model import Data
from watchkeeper.policy.durations import Duration


class MeetingRules(Data):
    """The guide meets for 30 to 60 minutes. `not_before`: how long after the end people have to themselves."""

    minutes: int = Field(ge=30, le=60)
    not_before: Duration


class ItemRules(Data):
    """How an action item's owner is reminded: before it is due, and how often once it is overdue."""

    remind_before: Duration
    chase_every: Duration


class ReviewRules(Data):
    """What the guide requires beside P0 and P1, and what makes it recommend a post-mortem.

    Attributes:
        near_miss_users_percent: as large a share of users makes a milder incident a near miss.
        repeated: so many P3 incidents of one kind and service within `repeated_within` are worth a look together.
    """

    payments_within: Duration
    complaints_within: Duration
    near_miss_users_percent: float = Field(ge=0, le=100)
    repeated: int = Field(ge=2)
    repeated_within: Duration
    meeting: MeetingRules
    action_items: ItemRules
