"""What every sender's webhook has in common: how it is refused, read and checked. Pure.

A request is refused before anything is stored: 401 for a wrong signature, secret or stale timestamp, 422 for
what is not JSON or has the wrong shape. What each sender signs and sends stands in `senders/`.
"""

import hmac
import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from watchkeeper.policy import Policy

# What JSON can say and Postgres cannot keep: NUL, and half of a surrogate pair.
UNKEEPABLE = re.compile("[\x00\ud800-\udfff]")


class Refused(Exception):
    """A request that is turned away: `status` 401 or 422, and a sentence that says what is wrong."""

    def __init__(self, status: int, reason: str, explanation: str) -> None:
        self.status = status
        self.reason = reason
        self.explanation = explanation
        super().__init__(explanation)


def check_bearer(headers: Mapping[str, str], secret: str) -> None:
    """A sender that does not sign proves itself by a secret in its Authorization header.

    Raises:
        Refused: 401.
    """
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), secret.encode()):
        raise Refused(401, "wrong_secret", "the Authorization header must be: Bearer <the webhook secret>")


def read_json(body: bytes) -> dict[str, Any]:
    """The body as a JSON object that the store can keep.

    Raises:
        Refused: 422.
    """
    try:
        value = _keepable(json.loads(body, parse_constant=_no_number))
    except (ValueError, RecursionError) as error:
        raise Refused(422, "not_json", f"the body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise Refused(422, "wrong_shape", "the body must be a JSON object")
    return value


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not a number in JSON")


def _keepable(value: Any) -> Any:
    """The value with a replacement character for what Postgres cannot keep: an odd letter must not lose an alert."""
    if isinstance(value, str):
        return UNKEEPABLE.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, list):
        return [_keepable(one) for one in value]
    if isinstance(value, dict):
        return {_keepable(name): _keepable(one) for name, one in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


class Lenient(BaseModel):
    """Vendors add fields without asking; only what we need is checked."""

    model_config = ConfigDict(extra="ignore")


Model = TypeVar("Model", bound=BaseModel)


def validated(model: type[Model], data: Any) -> Model:
    """What was sent, in the shape that we need.

    Raises:
        Refused: 422.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        mistakes = "; ".join(
            f"{'.'.join(str(part) for part in mistake['loc']) or 'body'}: {mistake['msg']}"
            for mistake in error.errors()
        )
        raise Refused(422, "wrong_shape", mistakes) from error


def title_of(service: str, policy: Policy) -> str:
    """What people call it, where the policy knows it."""
    return policy.services[service].title if service in policy.services else service


def epoch(value: str) -> datetime | None:
    """Seconds since 1970 as a time; None where they are none."""
    try:
        return datetime.fromtimestamp(float(value), UTC)
    except (ValueError, OverflowError, OSError):
        return None
