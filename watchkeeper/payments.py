"""Payments: what Stripe was paid, compared with the orders that the company has written down. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import AwareDatetime

from watchkeeper.model import Data
from watchkeeper.money import of_smallest_unit
from watchkeeper.rendering import utc


class Payment(Data):
    """One event that makes an order. `amount` in the currency's smallest unit.

    Attributes:
        pending: to how many endpoints Stripe still has to deliver it, or could not.
    """

    id: str
    type: str
    created: AwareDatetime
    amount: int
    currency: str
    reference: str | None = None
    payment_intent: str | None = None
    pending: int = 0

    def key(self, holds: str) -> str | None:
        """What the company's order would hold of it: see `OrdersTable.holds`."""
        return {"event": self.id, "payment_intent": self.payment_intent, "reference": self.reference}[holds]


def money(amount: int, currency: str) -> str:
    """12.50 USD out of 1250 cents."""
    return of_smallest_unit(amount, currency).in_words()


def totals(payments: Sequence[Payment]) -> str:
    """The sum in each currency."""
    sums: Counter[str] = Counter()
    for payment in payments:
        sums[payment.currency] += payment.amount
    return " and ".join(money(amount, currency) for currency, amount in sorted(sums.items())) or "nothing"


def in_total(payments: Sequence[Payment]) -> str:
    """Such as "3 payments, 41.25 USD"."""
    one = "payment" if len(payments) == 1 else "payments"
    return f"{len(payments)} {one}, {totals(payments)}"


def payment_line(payment: Payment) -> str:
    """One payment on one line, for a preview or a list."""
    of = f", {payment.reference}" if payment.reference else ""
    return f"{payment.id} {utc(payment.created)} {money(payment.amount, payment.currency)}{of}"


class Reconciled(NamedTuple):
    """Payments beside orders. `late` is what may no longer be on its way."""

    paid: list[Payment]
    missing: list[Payment]
    doubled: list[Payment]

    @property
    def is_well(self) -> bool:
        return not self.missing and not self.doubled


def reconcile(
    payments: Sequence[Payment],
    orders: Mapping[str, int],
    *,
    holds: str,
    now: datetime,
    late_after: timedelta,
) -> Reconciled:
    """Which payments have no order, and which have several.

    Args:
        orders: how many orders hold each key; a key without one is not in it.
    """
    settled = [p for p in payments if now - p.created >= late_after]
    counts = [(payment, orders.get(payment.key(holds) or "", 0)) for payment in settled]
    return Reconciled(
        settled,
        missing=[payment for payment, count in counts if count == 0],
        doubled=[payment for payment, count in counts if count > 1],
    )
