"""Runbooks: for each cause the guide knows, the steps that cure it, in order."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from flows.actions.hotfix import Code
from flows.actions.site import Site
from watchkeeper.model import Plan

# Looks at the world as it is now and plans one change, or None when the step is not needed. Where it is needed and
# there is nothing that it could change, it raises NothingToChange.
PlanStep = Callable[[Site], Awaitable[Plan | None]]


@dataclass(frozen=True)
class Cure:
    """What to do about one cause. A step is planned only after the one before it was carried out.

    Attributes:
        waits_for: who has to recover, such as "Supabase": what would be useless is held back, people are told,
            and it is watched for as long as the policy waits for a vendor.
        may_be_over: where none of its steps is needed any more, it is over by itself and only watched. Of any other
            cure, steps that all come to nothing help nobody: a person takes over.
        person: why the rest is a person's to do; the finding's advice says what.
        in_code: in whose code what lasts has to be changed: whoever takes over finds an issue and a branch for it,
            made from what this part runs in production. None where no change of code would mend it.
    """

    cause: str
    steps: tuple[PlanStep, ...] = ()
    waits_for: str = ""
    person: str = ""
    in_code: Code | None = None
    may_be_over: bool = False
