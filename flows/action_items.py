"""Action items as GitHub issues: each open one has one, and what is closed on one side is closed on the other."""

from collections.abc import Coroutine

from prefect import flow

from blocks.github import GitHubCredentials
from flows.bench import Bench, open_bench
from flows.shelf import github_of
from tasks.github import find_issue, make_issue
from tasks.github_documents import close_issue, see_issue, write_issue
from watchkeeper.errors import BadInput, VendorError
from watchkeeper.reviews.items import ActionItem, ItemState, open_action_items
from watchkeeper.reviews.mirrors import (
    closed_there,
    issue_ended,
    issue_of,
    issues_to_end,
    keep_issue,
    lease_issue,
    of_today,
)

# GitHub's own words for how an issue ended.
REASONS = {"done": "completed", "dropped": "not_planned"}


@flow(name="action-items")
async def action_items() -> list[str]:
    """Have GitHub's issues and our action items say the same.

    Returns:
        What was done, or what GitHub said instead; the next run tries again.
    """
    async with open_bench() as bench:
        if bench.settings.github is None:
            return ["GitHub is not configured"]
        return await mirror_items(bench, github_of(bench.settings))


async def mirror_items(bench: Bench, credentials: GitHubCredentials) -> list[str]:
    """One item's trouble keeps no other from being seen to."""
    done: list[str] = []
    for item in await open_action_items(bench.store, bench.now()):
        done += await _tried(
            item, _follow(bench, credentials, item) if item.issue else _make(bench, credentials, item)
        )
    for item in await issues_to_end(bench.store):
        done += await _tried(item, _end(bench, credentials, item))
    return done


async def _tried(item: ActionItem, step: Coroutine[None, None, str | None]) -> list[str]:
    try:
        said = await step
    except (VendorError, BadInput) as error:  # the latter where somebody closed it just now
        said = str(error)
    return [f"{item.name}: {said}"] if said else []


async def _make(bench: Bench, credentials: GitHubCredentials, item: ActionItem) -> str | None:
    """Its issue, looked for by its marker before it is made: a run that died may have made it."""
    if not await lease_issue(bench.store, item, now=bench.now()):
        return None
    wanted = await issue_of(bench.store, item)
    known = await find_issue(credentials, wanted.marker, since=item.opened_at)
    if known is None:
        known = await make_issue(credentials, title=wanted.title, body=wanted.body)
    await keep_issue(bench.store, item, known["number"], known["url"])
    return f"is {known['url']}"


async def _follow(bench: Bench, credentials: GitHubCredentials, item: ActionItem) -> str | None:
    """Ask GitHub itself: what a webhook says could be anybody's word."""
    if item.issue is None:
        return None
    seen = await see_issue(credentials, item.issue)
    if seen.state == "open":
        body = of_today(seen.body, item)
        if body == seen.body:
            return None
        await write_issue(credentials, item.issue, body)
        return f"its issue {item.issue} says {item.due_on}, priority {item.priority}"
    ended: ItemState = "dropped" if seen.reason == REASONS["dropped"] else "done"
    await closed_there(bench.store, item, ended, now=bench.now())
    return f"was closed there, {ended}"


async def _end(bench: Bench, credentials: GitHubCredentials, item: ActionItem) -> str | None:
    if item.issue is None:
        return None
    await close_issue(credentials, item.issue, REASONS.get(item.state, "completed"))
    await issue_ended(bench.store, item, now=bench.now())
    return f"its issue {item.issue} is closed"
