"""A mailing, its batches and what became of them."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Literal, NamedTuple

from pydantic import AwareDatetime

from watchkeeper.model import Data, incident_number

MailPurpose = Literal["detected", "resolved"]
ADDRESS = re.compile(r"[^@\s<>,;:\"()\[\]\\]{1,64}@(?:[a-z0-9-]{1,63}\.)+[a-z][a-z0-9-]{1,62}")
LONGEST_ADDRESS = 254


class MailingState(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    DENIED = "denied"
    ENDED = "ended"  # what it says is no longer so; who has not been told need not be


class Mailing(Data):
    """One text to customers about one incident. `digest` binds an approval to exactly this text.

    `addresses` is None until they were read; `note` says what holds it up.
    """

    model_config = {"extra": "ignore", "frozen": True}

    id: int
    incident_id: int
    purpose: MailPurpose
    subject: str
    text: str
    html: str
    digest: str
    state: MailingState
    created_at: AwareDatetime
    decided_by: str | None
    reminded_at: AwareDatetime | None
    addresses: int | None
    unusable: int
    note: str | None
    due_at: AwareDatetime

    @property
    def number(self) -> str:
        return incident_number(self.incident_id)

    @property
    def mark(self) -> str:
        """What its mails carry, so that SendGrid's events find their way back."""
        return f"{self.number}:{self.purpose}:{self.digest[:12]}"


class BatchState(StrEnum):
    CLAIMED = "claimed"
    TAKEN = "taken"
    NOT_TAKEN = "not_taken"
    REFUSED = "refused"
    DOUBTFUL = "doubtful"


class Batch(Data):
    """Addresses that leave in one request."""

    model_config = {"extra": "ignore", "frozen": True}

    id: int
    mailing_id: int
    state: BatchState
    size: int
    claimed_at: AwareDatetime
    asked_at: AwareDatetime | None = None

    @property
    def category(self) -> str:
        """Under which name it stands in SendGrid's statistics and activity."""
        return f"watchkeeper-batch-{self.id}"


class Addresses(NamedTuple):
    usable: list[str]
    unusable: int


def digest_of(subject: str, text: str, html: str) -> str:
    return hashlib.sha256("\0".join([subject, text, html]).encode()).hexdigest()


def clean(found: Iterable[str]) -> Addresses:
    """Each address once, however it is written; what is none is counted."""
    tidy = [each.strip().lower() for each in found]
    kept = dict.fromkeys(each for each in tidy if is_address(each))
    return Addresses(list(kept), sum(not is_address(each) for each in tidy if each))


def is_address(text: str) -> bool:
    return len(text) <= LONGEST_ADDRESS and ADDRESS.fullmatch(text) is not None


def addresses_of(rows: Sequence[Sequence[str]]) -> list[str]:
    """The column named "email" where the first row names its columns, else each row's first value."""
    if not rows:
        return []
    header = [cell.strip().lower() for cell in rows[0]]
    column, body = (header.index("email"), rows[1:]) if "email" in header else (0, rows)
    return [row[column] for row in body if len(row) > column]
