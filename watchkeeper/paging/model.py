"""What is sent: a message, why it is sent, and its row in the outbox."""

from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, Field

from watchkeeper.model import Channel, Data


class Purpose(StrEnum):
    """Why a message is sent. The first page of an incident jumps the queue."""

    PAGE = "page"
    TICKET = "ticket"
    ESCALATION = "escalation"
    COMEBACK = "comeback"
    CONTACT = "contact"
    ANNOUNCEMENT = "announcement"
    UPDATE = "update"
    REMINDER = "reminder"
    APPROVAL = "approval"
    HANDOVER = "handover"
    HANDOFF = "handoff"
    REPORT = "report"
    RESOLVED = "resolved"
    REVIEW = "review"
    SIGNATURE = "signature"
    PROOF = "proof"


class Attachment(Data):
    """A file that goes with an email. `type` is its media type without parameters, such as "text/calendar"."""

    name: str
    type: str
    text: str


class Button(Data):
    """What can be pressed below a post: the verb that it says and of what, an incident's id or a plan's. With `sure`, it is
    asked for twice: what ends something must not be a slip."""

    label: str
    verb: str
    value: str
    style: Literal["primary", "danger"] | None = None
    sure: str | None = None


class Message(Data):
    """What one recipient is to read or hear. Channels take the part that they can carry.

    `post` is the status page's post that the message announces: the page is made from its rows.
    """

    subject: str
    text: str
    short: str
    html: str | None = None
    spoken: str | None = None
    link: str | None = None
    post: int | None = None
    attachments: list[Attachment] = Field(default_factory=list)
    buttons: list[Button] = Field(default_factory=list)


class NotificationState(StrEnum):
    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DELIVERED = "delivered"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Notification(Data):
    """One message to one recipient on one channel, in the outbox, with its receipts.

    `recipient` is a person's handle, or an audience such as "#incidents" or "status_page".
    `fallback` are the channels still to be tried, in order, when this one fails.
    """

    id: int
    key: str
    incident_id: int | None
    purpose: Purpose
    recipient: str
    channel: Channel
    fallback: list[Channel]
    message: Message
    state: NotificationState
    attempts: int
    priority: int
    due_at: AwareDatetime
    vendor_id: str | None = None
    sent_at: AwareDatetime | None = None
    delivered_at: AwareDatetime | None = None
    error: str | None = None
