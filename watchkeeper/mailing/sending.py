"""One batch to SendGrid, and what its answer proves.

Source:
    https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
"""

import time
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import httpx

from watchkeeper.mailing.model import Batch, Mailing

Proof = Literal["taken", "not_taken", "refused", "held_up", "doubtful"]
WAIT_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 3600.0


class Outcome(NamedTuple):
    """What is known of a batch after its request.

    taken: SendGrid has all of it. not_taken: it has none of it, and may take it later. refused: one of its
    addresses is not to SendGrid's liking. held_up: nothing of this mailing will be taken before a person has
    mended something. doubtful: nobody can tell.
    """

    proof: Proof
    why: str = ""
    wait_seconds: float = 0.0


def batch_client(*, api_key: str, base_url: str, verify: Any) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {api_key}"}
    return httpx.AsyncClient(base_url=base_url.rstrip("/"), headers=headers, timeout=30, verify=verify)


def wire_mail(
    mailing: Mailing, batch: Batch, addresses: Sequence[str], from_address: str, reply_to: str
) -> Any:
    """One personalization for each person: those of one see each other."""
    return {
        "personalizations": [{"to": [{"email": address}]} for address in addresses],
        "from": {"email": from_address},
        "reply_to": {"email": reply_to},
        "subject": mailing.subject,
        "content": [
            {"type": "text/plain", "value": mailing.text},
            {"type": "text/html", "value": mailing.html},
        ],
        "categories": ["watchkeeper", batch.category],
        "custom_args": {"watchkeeper_mailing": mailing.mark, "watchkeeper_batch": str(batch.id)},
    }


async def post_batch(client: httpx.AsyncClient, mail: Any) -> Outcome:
    """Ask once. A connection that never came about carried nothing; any other silence is a doubt."""
    try:
        answer = await client.post("/v3/mail/send", json=mail)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        return Outcome("not_taken", type(error).__name__, WAIT_SECONDS)
    except httpx.HTTPError as error:
        return Outcome("doubtful", type(error).__name__)
    return judge(answer)


def judge(answer: httpx.Response) -> Outcome:
    """What an answer proves."""
    status = answer.status_code
    if status == 202:
        return Outcome("taken")
    if status in (429, 503):  # turned away at the door
        return Outcome("not_taken", f"SendGrid answered {status}", wait_of(answer))
    if status >= 500:
        return Outcome("doubtful", f"SendGrid answered {status}")
    if status == 413 or (status == 400 and _is_about_addresses(answer)):
        return Outcome("refused", f"SendGrid answered {status}")
    return Outcome("held_up", f"SendGrid answered {status}")


def wait_of(answer: httpx.Response) -> float:
    """As long as SendGrid asks, by either of its headers."""
    asked = answer.headers.get("Retry-After", "")
    if asked.isdecimal():
        return min(float(asked), LONGEST_WAIT_SECONDS)
    reset = answer.headers.get("X-RateLimit-Reset", "")
    if reset.isdecimal():
        return min(max(float(reset) - time.time(), 1.0), LONGEST_WAIT_SECONDS)
    return WAIT_SECONDS


def _is_about_addresses(answer: httpx.Response) -> bool:
    try:
        errors = answer.json()["errors"]
        return any(str(error.get("field") or "").startswith("personalizations") for error in errors)
    except (ValueError, LookupError, TypeError, AttributeError):
        return False
