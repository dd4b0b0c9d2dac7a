"""Middles and intervals, held against figures that are worked out another way."""

import itertools
import math
import random
import statistics

import pytest

from watchkeeper.figures.statistics import Share, coin_terms, middle, next_sample, quantile


def dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311  # it must fall alike each time


def exact_tail(n: int, k: int) -> float:
    """The probability of fewer than `k` heads, by counting."""
    return sum(math.comb(n, i) for i in range(k)) / 2**n


@pytest.mark.parametrize("n", [0, 1, 4])
def test_below_five_samples_there_is_no_figure(n: int) -> None:
    assert middle([1.0] * n) is None


@pytest.mark.parametrize("n", [5, 6, 7, 8, 9, 20, 57, 100, 400])
def test_interval_is_the_narrowest_that_is_sure_enough(n: int) -> None:
    found = middle([float(sample) for sample in range(1, n + 1)])
    assert found is not None and found.median == (n + 1) / 2
    k = int(found.low)
    assert found.high == n + 1 - k
    assert found.sure == pytest.approx(1 - 2 * exact_tail(n, k))
    assert found.sure >= 0.95 or n == 5
    assert 1 - 2 * exact_tail(n, k + 1) < 0.95


def test_five_samples_say_that_they_are_less_sure() -> None:
    found = middle([3, 1, 5, 2, 4])
    assert found is not None and (found.low, found.high, found.sure) == (1, 5, pytest.approx(0.9375))


def test_interval_covers_the_true_median_as_often_as_it_says() -> None:
    chance = dice(7)
    found = [middle([chance.expovariate(math.log(2)) for _ in range(12)]) for _ in range(2000)]
    held = sum(1 for each in found if each is not None and each.low <= 1 <= each.high) / len(found)
    assert found[0] is not None
    assert held == pytest.approx(found[0].sure, abs=0.015)


def test_one_outlier_does_not_move_the_middle() -> None:
    calm, wild = middle([1, 2, 3, 4, 5, 6, 7]), middle([1, 2, 3, 4, 5, 6, 7000])
    assert calm is not None and wild is not None and calm.median == wild.median


def test_terms_of_many_coins_add_up() -> None:
    assert sum(coin_terms(10_000, 10_000)) == pytest.approx(1, rel=1e-9)


@pytest.mark.parametrize("n", [9, 10, 23, 101])
def test_quantiles_are_those_of_the_standard_library(n: int) -> None:
    chance = dice(n)
    samples = sorted(chance.random() for _ in range(n))
    tenths = statistics.quantiles(samples, n=10, method="exclusive")
    assert [quantile(samples, each / 10) for each in range(1, 10)] == pytest.approx(tenths)


def test_too_few_samples_for_what_is_wanted_say_how_sure_they_are() -> None:
    few = next_sample([5, 1, 2, 4, 3], 0.8)
    assert (few.low, few.high) == (1, 5)
    assert few.sure == pytest.approx(4 / 6)
    assert next_sample([5, 1, 2, 4, 3], 0.5).sure == 0.5


@pytest.mark.parametrize("wanted", [0.5, 0.8])
def test_next_sample_falls_inside_as_often_as_it_says(wanted: float) -> None:
    chance = dice(11)
    inside = 0
    for _ in range(4000):
        samples = [chance.lognormvariate(3, 1) for _ in range(13)]
        span = next_sample(samples[:12], wanted)
        inside += span.low <= samples[12] <= span.high
    assert inside / 4000 == pytest.approx(wanted, abs=0.025)


def test_share_of_few_has_no_percentage() -> None:
    assert [Share(*each).in_words() for each in itertools.pairwise([0, 0, 4, 5])] == [
        "none",
        "0 of 4",
        "4 of 5 (80 %)",
    ]
