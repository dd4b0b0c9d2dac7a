"""One answer for everybody who asks a vendor the same within one investigation."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar

from watchkeeper.errors import VendorError

Answer = TypeVar("Answer")


def asked_once(
    ask: Callable[..., Awaitable[Answer]], *, key: Callable[..., Hashable]
) -> Callable[..., Awaitable[Answer]]:
    """The same question, sent once for each key; a vendor's failure is everybody's answer too.

    Whoever comes second waits for the first. Where the first was interrupted there is no answer, and the next asks.
    """
    locks: defaultdict[Hashable, asyncio.Lock] = defaultdict(asyncio.Lock)
    answers: dict[Hashable, Answer | VendorError] = {}

    async def once(*arguments: Any) -> Answer:
        of = key(*arguments)
        async with locks[of]:
            if of not in answers:
                try:
                    answers[of] = await ask(*arguments)
                except VendorError as error:
                    answers[of] = error
        answer = answers[of]
        if isinstance(answer, VendorError):
            raise answer
        return answer

    return once
