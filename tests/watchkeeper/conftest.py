"""What every test of the kernel may ask for: a house with two people on call, and Prefect away."""

import pytest

from tests.conftest import MovedClock
from tests.watchkeeper.house import KernelHouse, two_on_call
from tests.watchkeeper.prefect_stand_in import PrefectStandIn
from watchkeeper.store import Store


@pytest.fixture
def house(store: Store, clock: MovedClock) -> KernelHouse:
    return KernelHouse(store, clock, two_on_call())


@pytest.fixture
def prefect() -> PrefectStandIn:
    """For those in whose nights Prefect is there."""
    return PrefectStandIn()
