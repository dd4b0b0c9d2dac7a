"""Amounts of money: exact, and never without their currency. Pure."""

from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

# Currencies whose smallest unit is the unit itself: https://docs.stripe.com/currencies#zero-decimal
WHOLE = frozenset(
    [
        "bif",
        "clp",
        "djf",
        "gnf",
        "jpy",
        "kmf",
        "krw",
        "mga",
        "pyg",
        "rwf",
        "ugx",
        "vnd",
        "vuv",
        "xaf",
        "xof",
        "xpf",
    ]
)
THOUSANDTHS = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])


class Money(NamedTuple):
    """An amount in a currency's own unit, such as 12.50 euros."""

    amount: Decimal
    currency: str

    def in_words(self) -> str:
        """Such as "1,250.00 EUR", rounded to what the currency can pay."""
        digits = digits_of(self.currency)
        rounded = self.amount.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
        return f"{rounded:,f} {self.currency.upper()}".strip()


def digits_of(currency: str) -> int:
    """How many digits the currency has behind the point."""
    known = currency.lower()
    return 0 if known in WHOLE else 3 if known in THOUSANDTHS else 2


def of_smallest_unit(amount: int, currency: str) -> Money:
    """12.50 USD out of 1250 cents."""
    return Money(Decimal(amount).scaleb(-digits_of(currency)), currency)
