"""The approvals' figures: what is pressed, what counts as the change's beginning, and what stands beside it."""

from typing import Any

import pytest

from benchmarks.approval import WRITE, Approved, approve_link, figures, is_write
from benchmarks.site import CouldNotRun


def test_the_link_that_is_pressed_is_the_newest_one_to_a_plan() -> None:
    texts = [
        "P0 INC-0001: Backend is down http://watch.test/a/1.x",
        "INC-0001 needs your OK: Roll back http://watch.test/p/2.x",
        "INC-0001 needs your OK: Roll back further http://watch.test/p/5.x",
        "P0 INC-0001 update due http://watch.test/u/6.x",
    ]
    assert approve_link(texts) == "http://watch.test/p/5.x"
    with pytest.raises(CouldNotRun, match="nobody was asked"):
        approve_link(texts[:1])


@pytest.mark.parametrize(
    ("vendor", "body", "counts"),
    [
        ("railway", f"mutation {{ {WRITE}(id: $id) }}", True),
        ("railway", "query { deployments { edges { node { id } } } }", False),
        ("slack", f"about to do {WRITE}", False),
    ],
)
def test_only_the_change_itself_counts_as_its_beginning(vendor: str, body: str, counts: bool) -> None:
    request: dict[str, Any] = {"vendor": vendor, "body": body}
    assert is_write(request) is counts


def test_the_phone_stands_beside_the_form_and_the_process_worker_with_the_issues_limit() -> None:
    phone = [Approved(claimed=seconds / 2, reached=seconds) for seconds in (1.0, 2.0, 3.0, 6.0)]
    half, worst = figures(phone, [Approved(1, 1.5)], [Approved(4, 5.5)])
    assert (half.value, worst.value) == (2.0, 6.0)
    assert (half.is_met, worst.is_met) == (None, False)
    assert [(each.value, each.samples) for each in half.beside] == [(1.5, 1), (5.5, 1)]
    assert half.more["phone"]["claimed"]["p50"] == 1.0


def test_what_was_not_measured_stands_beside_nothing() -> None:
    half, _ = figures([Approved(1, 2)], [], [])
    assert half.beside == [] and list(half.more) == ["phone"]
