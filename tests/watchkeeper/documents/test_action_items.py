"""Action items out of a document that a person wrote, in the guide's form."""

from datetime import date

import pytest

from watchkeeper.documents.action_items import Promise, Promises, promises_of

DAY = date(2026, 3, 2)
HEAD = "# Post-Mortem: x\n\n## Action Items\n\n"
LAST_DAY = date(2027, 3, 2)
WELL = "**Alert on the pool** - Assigned: Ana - Due: 2026-03-09 - Priority: High"

OTHER = "**Halve it** - Assigned: Ben - Due: 2026-03-10 - Priority: Low"


def promised(text: str) -> Promises:
    return promises_of(text, not_before=DAY, not_after=LAST_DAY)


def test_the_guides_list_is_read_with_owner_day_and_priority() -> None:
    text = f"""{HEAD}1. {WELL}
2. **Write a runbook** for
   the pool - assigned: Ben B. — due: 2026-04-01 — priority: low
- Halve the pool - Due: 2026-03-03 - Priority: Medium - Assigned: Jean-Luc

## Prevention

1. **Not an item** of ours
"""
    made, problems = promised(text)
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
        ("**Mend it** - Assigned: Ana - Due: 2027-03-03 - Priority: High", "write a day until 2027-03-02"),
        ("**Mend it** - Assigned: Ana - Due: 2062-03-09 - Priority: High", "more than a year ahead"),
        ("**Mend it** - Assigned: Ana - Due: 2026-03-09", "has no priority"),
        ("**Mend it** - Assigned: Ana - Due: 2026-03-09 - Priority: Urgent", "has no priority"),
        ("Assigned: Ana - Due: 2026-03-09 - Priority: High", "does not say what is to be done"),
        (f"{WELL} - Assigned: Ben", 'says "Assigned:" twice'),
        ("Mend it - Assigned: Ana - Due: 2026-03-09\n   Halve it - Due: 2026-03-09", 'says "Due:" twice'),
        (f"{'x' * 501} - Assigned: Ana - Due: 2026-03-09 - Priority: High", "more than 500 characters"),
        ("", "does not say what is to be done"),
    ],
)
def test_an_item_that_cannot_be_chased_is_refused_with_its_line(item: str, problem: str) -> None:
    made, problems = promised(f"{HEAD}1. {WELL}\n2. {item}\n")
    assert len(made) == 1
    (found,) = problems
    assert (found.line, found.text.startswith("action item 2")) == (6, True)
    assert problem in str(found)


def test_a_mark_that_is_still_to_fill_is_no_mistake_of_the_list() -> None:
    text = f"{HEAD}1. **[TO FILL: action]** - Assigned: [TO FILL: name] - Due: x - Priority: High\n"
    assert promised(text) == ([], [])


def test_a_document_without_the_section_promises_nothing() -> None:
    assert promised("# Post-Mortem: x\n\n1. **a** - Assigned: b\n") == ([], [])


def test_more_items_than_anybody_does_are_refused() -> None:
    made, problems = promised(HEAD + f"1. {WELL}\n" * 51)
    assert made == [] and "51 action items" in str(problems[0])


@pytest.mark.parametrize(
    "lost",
    [
        f"\n{OTHER}",
        f"{OTHER}",
        f"   - {OTHER}",
        f"   {OTHER}",
        "   and halve it",
        "\n   A second paragraph of it",
        "\n> 1. " + OTHER,
        "\n### Later",
        "\n| Halve it | Ben | 2026-03-10 | Low |\n",
        "| Halve it | Ben | 2026-03-10 | Low |",
        "\n```\n1. " + OTHER + "\n```",
        "\n<!-- 1. " + OTHER + " -->",
        "\nNone",
    ],
)
def test_what_is_no_item_is_named_with_its_line_and_words_and_nothing_is_lost(lost: str) -> None:
    made, problems = promised(f"{HEAD}1. {WELL}\n{lost}\n")
    assert made == [Promise(1, "Alert on the pool", "Ana", date(2026, 3, 9), "high")]
    words = next(line.strip() for line in lost.split("\n") if any(map(str.isalnum, line)))
    line = 6 + lost.startswith("\n") + ("```" in lost)
    assert f'line {line}: "{words}" is no action item and would be lost' in [
        str(each).partition(";")[0] for each in problems
    ]
    assert len(problems) == 1


def test_a_table_of_items_and_a_line_without_its_number_are_refused() -> None:
    table = "| Action | Owner |\n| --- | --- |\n| Halve it | Ben |\n"
    made, problems = promised(HEAD + table)
    assert made == [] and [each.line for each in problems] == [5, 7]
    made, problems = promised(HEAD + WELL)
    assert (
        made == []
        and problems[0].line == 5
        and f"write each as an item of the list: 1. {WELL[:2]}" in str(problems[0])
    )


def test_items_under_a_second_heading_are_not_lost() -> None:
    second = f"{HEAD}1. {WELL}\n\n## Action items, later\n\n1. {OTHER}\n"
    assert [each.line for each in promised(second).problems] == [7]
    # A rule right under a line makes a heading of it.
    ruled = f"{HEAD}1. {WELL}\n\n{OTHER}\n---\n\n## Prevention\n\n- more tests\n"
    assert "is a heading of its own" in str(promised(ruled).problems[0])


@pytest.mark.parametrize(
    "said",
    [
        "None",
        "none.",
        "- None",
        "*None.*",
        "No action items.",
        "There are none.",
        "Nothing",
        "None, because it was the vendor's own outage.",
        "None needed: since the cause is gone",
        "No further action items are needed",
    ],
)
def test_an_author_may_say_that_there_is_nothing_to_do(said: str) -> None:
    assert promised(f"{HEAD}{said}\n") == ([], [])


@pytest.mark.parametrize(
    "said",
    [
        "None of the alerts fired, Ana adds one",
        "Nothing fired in time, Ana adds an alert",
        f"None: {OTHER}",
        "None. Bob adds an alert by Friday",
        "None: Bob adds an alert by Friday",
        "None as of today, Ana adds an alert",
        "None, because it was the vendor's, and Bob adds an alert by Friday",
        "None, because it was the vendor's and Bob adds an alert by Friday",
        "None, because it was the vendor's. Bob adds an alert by Friday",
        "None\n\nAna adds an alert",
        "No alert fired",
    ],
)
def test_what_only_begins_like_none_is_no_leave_to_lose_it(said: str) -> None:
    made, problems = promised(f"{HEAD}{said}\n")
    assert made == [] and problems
