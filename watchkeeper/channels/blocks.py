"""A message with buttons, as Slack's Block Kit has them.

Source:
    https://docs.slack.dev/reference/block-kit/blocks/actions-block
"""

from typing import Any

from watchkeeper.model import Button, Message

# https://docs.slack.dev/reference/block-kit/blocks/section-block
SECTION_LENGTH = 3000


def escape(text: str) -> str:
    """What a stranger sent must not become a link or a mention.

    Source:
        https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def blocks_of(message: Message) -> list[dict[str, Any]] | None:
    """The text and its buttons; None where there is nothing to press."""
    if not message.buttons:
        return None
    return [_section(message.text), {"type": "actions", "elements": [_button(b) for b in message.buttons]}]


def context(text: str) -> dict[str, Any]:
    """A small line below, such as who answered."""
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": escape(text)[:SECTION_LENGTH]}]}


def _section(text: str) -> dict[str, Any]:
    cut = text[:SECTION_LENGTH]
    while len(escaped := escape(cut)) > SECTION_LENGTH:
        cut = cut[:-100]
    return {"type": "section", "text": {"type": "mrkdwn", "text": escaped}}


def _button(button: Button) -> dict[str, Any]:
    shown = {
        "type": "button",
        "text": {"type": "plain_text", "text": button.label},
        "action_id": button.verb,
        "value": button.value,
    }
    return {**shown, "style": button.style} if button.style else shown
