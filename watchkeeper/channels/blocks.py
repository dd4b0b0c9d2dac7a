"""A message with buttons, as Slack's Block Kit has them.

Source:
    https://docs.slack.dev/reference/block-kit/blocks/actions-block
"""

import re
from typing import Any

from watchkeeper.paging.model import Button, Message

# https://docs.slack.dev/reference/block-kit/blocks/section-block
SECTION_LENGTH = 3000


# As far as it is one whole address: no markup of Slack's, and not the stop after a sentence.
ADDRESS = re.compile(r"https?://(?:(?!&[lg]t;)[^\s<>|])*[^\s<>|.,;:!?)]")
# What Slack reads as code, bold, italic or struck out (the last three only at the edge of a word), and what names everybody or
# a channel.
MARKUP = re.compile(
    r"`|(?<![^\W_])[*_~]+|[*_~]+(?![^\W_])|(?<!\w)@(?=(?:here|channel|everyone)\b)|(?<!\w)#(?=\w)"
)
# Has no width and joins words: markup between two of them stands at no edge.
JOINER = "\u2060"


def escape(text: str) -> str:
    """What a stranger sent must not become a link, a mention or markup. Nothing of ours is formatted in chat, so the text is
    taken as a whole; addresses stay as they are, for a link's token may hold what looks like markup.

    Source:
        https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _outside_addresses(safe)


def _outside_addresses(text: str) -> str:
    parts, at = [], 0
    for address in ADDRESS.finditer(text):
        parts += [MARKUP.sub(_join, text[at : address.start()]), address[0]]
        at = address.end()
    return "".join([*parts, MARKUP.sub(_join, text[at:])])


def _join(markup: re.Match[str]) -> str:
    return f"{JOINER}{markup[0]}{JOINER}"


def blocks_of(message: Message) -> list[dict[str, Any]] | None:
    """The text and its buttons; None where there is nothing to press."""
    if not message.buttons:
        return None
    return [_section(message.text), {"type": "actions", "elements": [_button(b) for b in message.buttons]}]


def context(text: str) -> dict[str, Any]:
    """A small line below, such as who answered."""
    return {"type": "context", "elements": [_literal(text)]}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _literal(text)}


def _literal(text: str) -> dict[str, Any]:
    """A text in which Slack looks for no names, and for no addresses either: each is made a link that shows itself.

    Source:
        https://docs.slack.dev/reference/block-kit/composition-objects/text-object
    """
    cut = text[:SECTION_LENGTH]
    while len(shown := ADDRESS.sub(r"<\g<0>>", escape(cut))) > SECTION_LENGTH:
        cut = cut[:-100]
    return {"type": "mrkdwn", "text": shown, "verbatim": True}


def _button(button: Button) -> dict[str, Any]:
    shown = {
        "type": "button",
        "text": {"type": "plain_text", "text": button.label},
        "action_id": button.verb,
        "value": button.value,
    }
    styled = {"style": button.style} if button.style else {}
    asked = {"confirm": _confirm(button.label, button.sure)} if button.sure else {}
    return {**shown, **styled, **asked}


def _confirm(label: str, sure: str) -> dict[str, Any]:
    """What is asked before the press counts.

    Source:
        https://docs.slack.dev/reference/block-kit/composition-objects/confirmation-dialog-object
    """
    return {
        "title": {"type": "plain_text", "text": label},
        "text": {"type": "plain_text", "text": sure},
        "confirm": {"type": "plain_text", "text": label},
        "deny": {"type": "plain_text", "text": "Not yet"},
    }
