"""Blameless: words that blame are pointed at with their line, and names outside their places."""

import pytest

from watchkeeper.documents.blameless import blaming_words, by_role


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("It was human error.", "what made the mistake easy"),
        ("The reviewer should have seen it.", "what was known at the time"),
        ("Somebody was careless", "what the work looked like"),
        ("It was Ana's migration", "names Ana: write the role"),
        ("They forgot to check the queue", "what made it easy to miss"),
        ("Obviously the pool was too small", "not so at the time"),
        ("It is HIS FAULT", "which part of the system failed"),
    ],
)
def test_a_blaming_line_is_pointed_at(line: str, advice: str) -> None:
    (found,) = blaming_words(f"# Post-Mortem\n\n{line}\n", ["Ana", "Ben"])
    assert found.line == 3 and advice in found.text


@pytest.mark.parametrize(
    "line",
    [
        "**Author:** Ana",
        "1. **Mend it** - Assigned: Ana - Due: 2026-03-09 - Priority: High",
        "The default pool size was 15",
        "Banana bread",
        "a page fault in the kernel",
        "the check failed to connect",
    ],
)
def test_what_blames_nobody_is_left_alone(line: str) -> None:
    assert blaming_words(line, ["Ana", "Ben"]) == []


def test_names_become_roles_as_whole_words_and_the_longest_first() -> None:
    roles = {"ana": "the primary", "Ana": "the primary", "Ana Maria": "a colleague", "": "nobody"}
    text = "by ana, Ana Maria and Ana's cat; banana, #ana, ana@example.com, x-ana"
    assert by_role(text, roles) == (
        "by the primary, a colleague and the primary's cat; banana, #ana, the primary@example.com, x-ana"
    )
