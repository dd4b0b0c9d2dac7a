"""Whom customers' mail goes to, and in which portions."""

from pathlib import Path

from pydantic import Field

from watchkeeper.model import Data
from watchkeeper.policy.durations import Duration


class Customers(Data):
    """With neither `query` nor `file`, customers are not mailed.

    Attributes:
        query: one SELECT, its first column the address; run read-only in the production database. It may use
            %(service)s and %(started_at)s to find those affected, and writes a percent sign as %%.
        file: a CSV file with a column "email", or one address a line; for when the database cannot answer.
        batch: how many addresses one request to SendGrid carries.
        remind_after: how long nobody decides on a text before whoever is on call is asked once more.
        doubt_after: how long a proof is waited for that a batch went out before a person is asked.
        ask_again_after: how long nobody answers that before whoever is on call then is asked again.
        pause: how long a refusal that concerns the whole mailing, such as a wrong key, holds it up.
    """

    query: str | None = None
    file: Path | None = None
    batch: int = Field(ge=1, le=1000)
    read_within: Duration
    remind_after: Duration
    doubt_after: Duration
    ask_again_after: Duration
    pause: Duration

    @property
    def is_configured(self) -> bool:
        return self.query is not None or self.file is not None
