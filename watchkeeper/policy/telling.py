"""What customers see and are told: the status page, and the promise of the next update."""

from typing import Annotated

from pydantic import Field

from watchkeeper.model import Data
from watchkeeper.policy.durations import Duration


class Component(Data):
    """One line of the status page: a service as customers know it.

    Attributes:
        title: what customers call it; the service's own title where none is given.
        statuspage_id: its id on Atlassian Statuspage.
        workaround: what customers can do meanwhile, if anything.
    """

    title: str | None = None
    statuspage_id: Annotated[str, Field(pattern=r"^[a-z0-9]{4,40}$")] | None = None
    workaround: str = ""


class StatusPage(Data):
    """`components` by the service that each stands for; with none, those that no other service depends on.

    Attributes:
        company: whose page it is, in its title.
        support: where customers write to when they still have trouble.
        address: where customers find the page.
        history: for how long a past incident stays on the page.
    """

    company: str
    support: str
    address: str | None = None
    history: Duration
    components: dict[str, Component] = Field(default_factory=dict)


class Telling(Data):
    """`triage_within`: customers are told by then of what triage would have told them, even if it never ran."""

    triage_within: Duration
    remind_update_before: Duration
    promise_grace: Duration
