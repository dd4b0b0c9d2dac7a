"""Middles, intervals and shares that do not say more than the samples do. Pure.

Order statistics alone: nothing is assumed of how the times are distributed, which is lopsided. Below five samples there
is no figure at all.
"""

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

FEWEST = 5
WANTED = 0.95


class Middle(NamedTuple):
    """The median of `n` samples and an interval in which the true one lies with the probability `sure`.

    `sure` is at least 0.95, apart from five samples, of which even the whole range gives no more than 0.94.
    """

    n: int
    median: float
    low: float
    high: float
    sure: float


def middle(samples: Sequence[float]) -> Middle | None:
    """The median with its interval; None where there are too few samples.

    The interval runs from the k-th smallest to the k-th largest. It misses the true median when fewer than k of the
    samples fall below it, or fewer than k above: each is a tail of the binomial distribution of n fair coins.
    """
    ordered, n = sorted(samples), len(samples)
    if n < FEWEST:
        return None
    tails = list(accumulate(coin_terms(n, (n - 1) // 2)))
    allowed = [k for k, tail in enumerate(tails, start=1) if 2 * tail <= 1 - WANTED]
    k = max(allowed, default=1)
    return Middle(n, quantile(ordered, 0.5), ordered[k - 1], ordered[n - k], 1 - 2 * tails[k - 1])


def coin_terms(n: int, most: int) -> list[float]:
    """How probable exactly 0, 1, ... `most` heads of `n` fair coins are."""
    whole = math.lgamma(n + 1) - n * math.log(2)
    return [math.exp(whole - math.lgamma(i + 1) - math.lgamma(n - i + 1)) for i in range(most + 1)]


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value that the next sample stays below with this probability, as far as the samples reach.

    The i-th of n samples stands at i / (n + 1); between two of them it is interpolated.
    """
    rank = share * (len(ordered) + 1)
    below = min(max(math.floor(rank), 1), len(ordered))
    above = min(below + 1, len(ordered))
    part = min(max(rank - below, 0.0), 1.0)
    return ordered[below - 1] + (ordered[above - 1] - ordered[below - 1]) * part


class Span(NamedTuple):
    """Where the next sample will fall with the probability `sure`, or less than was wanted of too few samples."""

    low: float
    high: float
    wanted: float
    sure: float


def next_sample(samples: Sequence[float], wanted: float) -> Span:
    """An interval for the next sample, out of past ones of its like: the middle `wanted` of them."""
    ordered, n = sorted(samples), len(samples)
    margin = (1 - wanted) / 2
    most = (n - 1) / (n + 1)  # what even the whole range of the samples gives
    return Span(quantile(ordered, margin), quantile(ordered, 1 - margin), wanted, min(wanted, most))


class Share(NamedTuple):
    """How many out of how many."""

    hits: int
    n: int

    def in_words(self) -> str:
        """Such as "12 of 16 (75 %)"; without a percentage where that would say too much."""
        if self.n == 0:
            return "none"
        percent = f" ({self.hits / self.n:.0%})".replace("%", " %") if self.n >= FEWEST else ""
        return f"{self.hits} of {self.n}{percent}"
