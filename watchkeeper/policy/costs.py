"""What downtime costs, as far as the team knows."""

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from watchkeeper.model import Data

# In the currency's own unit. Nothing, for a service that earns nothing, is a figure too.
PerHour = Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=3)]


class Costs(Data):
    """What an hour of downtime costs.

    Attributes:
        currency: its three letters; every figure of the policy is in it.
        revenue_per_hour: what the company earns in an hour, lost while a service is down that has no figure of its own.
    """

    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")] | None = None
    revenue_per_hour: PerHour | None = None
