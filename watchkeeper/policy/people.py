"""Whom there is to page."""

from typing import Annotated

from pydantic import Field

from watchkeeper.model import Channel, Data


class Person(Data):
    """Somebody who can be paged. `phone` in E.164: +14155550100."""

    name: str
    email: str | None = None
    phone: Annotated[str, Field(pattern=r"^\+[1-9]\d{6,14}$")] | None = None
    slack: str | None = None

    def address(self, channel: Channel) -> str | None:
        """Where this person is reached on a channel, or None."""
        return {
            Channel.EMAIL: self.email,
            Channel.SMS: self.phone,
            Channel.VOICE: self.phone,
            Channel.SLACK: self.slack,
        }.get(channel)
