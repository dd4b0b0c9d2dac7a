"""What every channel has in common."""

from typing import Protocol

from watchkeeper.errors import VendorError, VendorRejected, VendorUnavailable
from watchkeeper.model import Data
from watchkeeper.paging.model import Message

# Longer than a vendor takes on a bad day, shorter than the outbox's lease.
TIME_LIMIT_SECONDS = 10.0

# What a vendor's library raises over an answer of a shape that it does not know.
UNREADABLE = (ValueError, TypeError, AttributeError, LookupError)


class Receipt(Data):
    """The vendor took the message. `thread` is what an answer to it would be posted under, if anything."""

    vendor_id: str
    thread: str | None = None


class Sender(Protocol):
    """One way to reach people."""

    async def send(
        self,
        address: str,
        message: Message,
        *,
        callback_url: str | None = None,
        thread: str | None = None,
    ) -> Receipt:
        """Send once.

        Args:
            callback_url: where a receipt of this message belongs, for a vendor that reports what became of it.
            thread: what it is posted under.

        Raises:
            VendorUnavailable: no answer within the time limit, 429 or 5xx; it may have been sent.
            VendorRejected: the vendor refused it; trying again will not help.
        """


def refusal(
    vendor: str, action: str, status: int, reason: str, *, retry_after_seconds: float | None = None
) -> VendorError:
    """The error for an HTTP status: 429 and 5xx may pass, other refusals will not."""
    kind = VendorUnavailable if status == 429 or status >= 500 else VendorRejected
    return kind(
        vendor=vendor, action=action, status=status, reason=reason, retry_after_seconds=retry_after_seconds
    )
