"""Action items out of a document that a person wrote, in the guide's form."""

from datetime import date

import pytest

from watchkeeper.documents.action_items import Promise, promises_of

DAY = date(2026, 3, 2)
HEAD = "# Post-Mortem: x\n\n## Action Items\n\n"
WELL = "**Alert on the pool** - Assigned: Ana - Due: 2026-03-09 - Priority: High"


def test_the_guides_list_is_read_with_owner_day_and_priority() -> None:
    text = f"""{HEAD}1. {WELL}
2. **Write a runbook** for
   the pool - assigned: Ben B. — due: 2026-04-01 — priority: low
- Halve the pool - Due: 2026-03-03 - Priority: Medium - Assigned: Jean-Luc

## Prevention

1. **Not an item** of ours
"""
    made, problems = promises_of(text, not_before=DAY)
    assert problems == []
    assert made == [
        Promise(1, "Alert on the pool", "Ana", date(2026, 3, 9), "high"),
        Promise(2, "Write a runbook for the pool", "Ben B.", date(2026, 4, 1), "low"),
        Promise(3, "Halve the pool", "Jean-Luc", date(2026, 3, 3), "medium"),
    ]


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        ("**Mend it** - Due: 2026-03-09 - Priority: High", "has no owner"),
        ("**Mend it** - Assigned: - Due: 2026-03-09 - Priority: High", "has no owner"),
        (
            "**Mend it** - Assigned: Ana - Due: 2026-02-30 - Priority: High",
            "has no possible date (2026-02-30)",
        ),
        ("**Mend it** - Assigned: Ana - Due: soon - Priority: High", "has no possible date (soon)"),
        ("**Mend it** - Assigned: Ana - Priority: High", "has no possible date (none)"),
        ("**Mend it** - Assigned: Ana - Due: 2025-03-09 - Priority: High", "before the incident"),
        ("**Mend it** - Assigned: Ana - Due: 2026-03-09", "has no priority"),
        ("**Mend it** - Assigned: Ana - Due: 2026-03-09 - Priority: Urgent", "has no priority"),
        ("Assigned: Ana - Due: 2026-03-09 - Priority: High", "does not say what is to be done"),
        ("", "does not say what is to be done"),
    ],
)
def test_an_item_that_cannot_be_chased_is_refused_with_its_line(item: str, problem: str) -> None:
    made, problems = promises_of(f"{HEAD}1. {WELL}\n2. {item}\n", not_before=DAY)
    assert len(made) == 1
    (found,) = problems
    assert (found.line, found.text.startswith("action item 2")) == (6, True)
    assert problem in str(found)


def test_a_mark_that_is_still_to_fill_is_no_mistake_of_the_list() -> None:
    text = f"{HEAD}1. **[TO FILL: action]** - Assigned: [TO FILL: name] - Due: x - Priority: High\n"
    assert promises_of(text, not_before=DAY) == ([], [])


def test_a_document_without_the_section_promises_nothing() -> None:
    assert promises_of("# Post-Mortem: x\n\n1. **a** - Assigned: b\n", not_before=DAY) == ([], [])


def test_more_items_than_anybody_does_are_refused() -> None:
    made, problems = promises_of(HEAD + f"1. {WELL}\n" * 51, not_before=DAY)
    assert made == [] and "51 action items" in str(problems[0])
