"""Draw docs/screenshots/: the status page, and each email that has a template. `python -m tools.show_messages`, with
Debian's chromium."""

import shutil
import tempfile
from datetime import timedelta
from html import escape
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, sync_playwright

from watchkeeper.mailing.proposing import SUBJECTS, paragraphs
from watchkeeper.policy import load_policy
from watchkeeper.policy.people import Person
from watchkeeper.rendering import environment, render
from watchkeeper.samples import AT, sample_incident, sample_values
from watchkeeper.status_page.board import Board, Post, Posted
from watchkeeper.status_page.static import write_pages
from watchkeeper.status_page.wording import body, customer_fields

FOLDER = Path(__file__).parent.parent / "docs" / "screenshots"
PARTS = ("base.html.j2", "macros.html.j2", "customers.html.j2")
# What the sample's one sentence would not say well.
TOLD = {
    "person": "Ana",
    "doing": "The response is starting by itself.",
    "impact": "60 % of users affected",
    "why": "Ana has not answered",
    "held_up_by": "SendGrid answered 401",
    "answer_by": "Monday 17:00",
    "lasted": "25 minutes",
    "cause": "bad_deployment",
    "resolution": "Roll back backend to release r1",
    "proof": "Every probe stayed green for the time that the policy asks for.",
    "draft": "Still investigating, for 25 minutes. 03:20 Most likely: bad deployment, 80 %",
    "draft_path": "2026-03-02-backend-is-down.md",
    "author": "Ana",
    "when": "due in 2 hours",
    "where": "https://github.com/shop/docs/pull/7",
    "told": "A bad deployment took the backend down for 25 minutes.",
    "count": "1 action item",
    "category": "watchkeeper-batch-3",
    "first_word": False,
    "again": False,
    "people": ["Ana", "Ben"],
}

# Emails that are text alone, with what the sample's one sentence would not say well.
PLAIN: dict[str, dict[str, Any]] = {
    "handoff": {
        "emoji": False,
        "week_of": "2 March 2026",
        "primary": "Ana",
        "secondary": "Ben",
        "counts": "1 P0, 2 P2",
        "notable": ["INC-0007 (P0, backend): a bad deployment, 25 minutes"],
        "items": ["Roll back in one step: Ben, due in 2 hours"],
        "watch": ["INC-0009 (P2, worker) is open since Sunday 18:10"],
        "planned": ["backup of the database: Sunday 02:00 to 03:00"],
    },
    "night": {
        "night": "Monday 2 March",
        "hours": "22:00 to 07:00",
        "told": "1 page waited, nobody was woken",
        "held": [
            ("INC-0007 (P1): Backend is down", ["03:00 the page waits: signed in advance", "03:06 proved"])
        ],
        "count": "1 of the 3",
        "signed": ["restart backend, by Ana, until Friday"],
    },
    "signature": {
        "cure": "When the backend is out of memory: restart it.",
        "terms": ["at night, from 22:00 to 07:00", "at most 3 changes in one night"],
        "until": "Monday 9 March 09:00",
        "asked_by": "Ben",
    },
    "wake": {
        "contact": Person(name="Kim", phone="+14155550109"),
        "sleepers": [Person(name="Ana", phone="+14155550101"), Person(name="Ben", phone="+14155550102")],
    },
}


def picture(browser: Browser, file: Path, name: str, scheme: Literal["light", "dark"] = "light") -> None:
    page = browser.new_page(viewport={"width": 640, "height": 300}, color_scheme=scheme)
    page.goto(file.as_uri())
    page.screenshot(path=FOLDER / f"{name}.png", full_page=True)
    page.close()


def emails() -> dict[str, str]:
    """Each email by its name."""
    policy, incident = load_policy(), sample_incident().model_copy(update={"service": "backend"})
    fields = customer_fields(incident, policy, done=[], ending="proved", now=AT + timedelta(minutes=25))
    values: dict[str, Any] = sample_values("Backend is down") | TOLD | {"incident": incident}
    mail = render("messages/customers_detected.txt.j2", **fields)
    values |= {"mail_subject": SUBJECTS["detected"], "mail_text": mail, "first_word": False}
    shown = {
        name.removesuffix(".html.j2").removeprefix("messages/"): render(name, **values)
        for name in environment().list_templates()
        if name.startswith("messages/") and name.endswith(".html.j2") and not name.endswith(PARTS)
    }
    for purpose, subject in SUBJECTS.items():
        text = render(f"messages/customers_{purpose}.txt.j2", **fields)
        paged = {"subject": subject, "paragraphs": paragraphs(text)}
        shown[f"customers-{purpose}"] = render("messages/customers.html.j2", **fields, **paged)
    return shown | {
        name: plain(render(f"messages/{name}.txt.j2", **values | own)) for name, own in PLAIN.items()
    }


def plain(text: str) -> str:
    """A text as a mail program shows it."""
    style = "margin:0;padding:16px;font:14px/1.5 monospace;white-space:pre-wrap;overflow-wrap:anywhere"
    return f'<!doctype html><meta charset="utf-8"><pre style="{style}">{escape(text)}</pre>'


def board(*, is_over: bool) -> Board:
    """A night on the page: its first and its second post, and the all-clear; and an incident of the week before."""
    policy, incident = load_policy(), sample_incident().model_copy(update={"service": "backend"})
    told = [("investigating", 5), ("identified", 15), *([("resolved", 25)] if is_over else [])]
    posts = [post(policy, incident, number, *each) for number, each in enumerate(told, start=2)]
    ended = AT + timedelta(minutes=25) if is_over else None
    tonight = Posted(
        incident_id=7, severity="P0", service="backend", started_at=AT, resolved_at=ended, posts=posts
    )
    before = AT - timedelta(days=6)
    earlier = Post(id=1, at=before, status="resolved", title="Issues with Worker", body="It is over.")
    past = {"severity": "P1", "service": "worker", "started_at": before, "posts": [earlier]}
    old = Posted.model_validate({"incident_id": 6, **past, "resolved_at": before + timedelta(minutes=48)})
    return Board(policy=policy, incidents=[tonight, old])


def post(policy: Any, incident: Any, number: int, status: str, minutes: int) -> Post:
    at = AT + timedelta(minutes=minutes)
    stands = incident.model_copy(
        update={"status": status, "resolved_at": at if status == "resolved" else None}
    )
    text = body(stands, policy, done=[], ending="proved", now=at, first=status == "investigating")
    return Post(id=number, at=at, status=status, title="Issues with Website and Payments", body=text)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name, html in emails().items():
            file = Path(folder) / f"{name}.html"
            file.write_text(html)
            picture(browser, file, f"email-{name.replace('_', '-')}")
        for name, is_over in (("status-page", False), ("status-page-all-clear", True)):
            write_pages(Path(folder) / name, board(is_over=is_over))
            picture(browser, Path(folder) / name / "index.html", name)
        picture(browser, Path(folder) / "status-page" / "index.html", "status-page-dark", "dark")
        history = Path(folder) / "status-page-all-clear" / "incidents" / "INC-0007.html"
        picture(browser, history, "status-page-incident")
        browser.close()


if __name__ == "__main__":
    main()
