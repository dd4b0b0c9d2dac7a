"""Signed links: what a phone opens to acknowledge or to decide.

A link is a row that says what it allows, for whom, until when, and whether it was used. Its address carries the
row's number and a signature. The signature is made when a message leaves the house and is never stored: messages
wait in the outbox with a blank of the same length in its place.
"""

import re
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import quote

from itsdangerous import BadData, BadSignature, Signer
from itsdangerous.encoding import base64_decode, base64_encode

from watchkeeper.errors import BadInput
from watchkeeper.model import Data
from watchkeeper.store import Db, present

DIGEST_BYTES = 20
BLANK = "~" * len(base64_encode(b"\0" * DIGEST_BYTES))
BLANK_TOKEN = re.compile(rf"([int]?\d+(?:-[\w-]+)?)\.{re.escape(BLANK)}")

PATHS = {
    "acknowledge": "a",
    "approve": "p",
    "update": "u",
    "worth": "w",
    "mail": "m",
    "batch": "b",
    "action_item": "d",
}

# A code for those who answer by text message, made when the message leaves, as a signature is.
CODE_DIGITS = 6
BLANK_CODE = re.compile(rf"(\d+):~{{{CODE_DIGITS}}}")


def tokens_in(address: str) -> list[str]:
    """What the blanks of an address stand for."""
    return [match[1] for match in BLANK_TOKEN.finditer(address)]


def blank_code(link: str) -> str:
    """Where the code of a link will stand."""
    return "".join(f"{token}:{'~' * CODE_DIGITS}" for token in tokens_in(link))


class PageOf(NamedTuple):
    """Which incident a page's address shows; and as whom it acts, until when, where it was sent to one person."""

    incident_id: int
    viewer: str | None = None
    acts_until: datetime | None = None

    @property
    def token(self) -> str:
        """What the signature of the address is made for. "i" keeps it from being a link's token."""
        if self.viewer is None or self.acts_until is None:
            return f"i{self.incident_id}"
        return f"i{self.incident_id}-{int(self.acts_until.timestamp())}-{base64_encode(self.viewer).decode()}"


def page_of(token: str) -> PageOf:
    """What a page's token stands for.

    Raises:
        ValueError: it is no page's.
    """
    number, _, own = token.partition("-")
    if not number.startswith("i"):
        raise ValueError("not a page's")
    incident_id = int(number.removeprefix("i"))
    if not own:
        return PageOf(incident_id)
    until, _, viewer = own.partition("-")
    try:
        return PageOf(incident_id, base64_decode(viewer).decode(), datetime.fromtimestamp(int(until), UTC))
    except (BadData, OverflowError, OSError) as error:  # what a stranger wrote may be no name and no time
        raise ValueError("not a page's") from error


def incident_address(public_url: str, page: PageOf) -> str:
    """Where an incident's page is; who has the address may read it. Sent to one person, it is theirs for a while: the
    page may ask them what it asks nobody else, and they may answer there."""
    return f"{public_url.rstrip('/')}/i/{page.token}.{BLANK}"


def pages_in(text: str, incident_id: int, viewer: str, *, not_after: datetime) -> set[str]:
    """The blanks in a message that are its incident's page, shared or this person's own. A stranger's words may hold
    one, too: it is signed for no longer than ours are."""
    found = {PageOf(incident_id).token}
    for token in tokens_in(text):
        with suppress(ValueError):
            page = page_of(token)
            if page[:2] == (incident_id, viewer) and page.acts_until and page.acts_until <= not_after:
                found.add(token)
    return found


def proof_address(public_url: str, proof_id: int) -> str:
    """Where a test page is answered."""
    return f"{public_url.rstrip('/')}/t/t{proof_id}.{BLANK}"


def night_address(public_url: str, signature_id: int) -> str:
    """Where a person signs for the night; it goes to that person's own addresses."""
    return f"{public_url.rstrip('/')}/n/n{signature_id}.{BLANK}"


class Link(Data):
    """What a link allows. `plan_digest` binds an approval to exactly the plan that was shown."""

    model_config = {"extra": "ignore", "frozen": True}

    id: int
    purpose: str
    incident_id: int
    person: str
    remediation_id: int | None
    plan_digest: str | None
    about: int | None
    expires_at: datetime
    used_at: datetime | None


class LinkSigner:
    """Makes and checks the signatures."""

    def __init__(self, key: str) -> None:
        self._signer = Signer(key, salt="watchkeeper.links")
        self._coder = Signer(key, salt="watchkeeper.codes")

    def token(self, link_id: int) -> str:
        return self._signer.sign(str(link_id)).decode()

    def read(self, token: str) -> int:
        """The link's number.

        Raises:
            BadInput: the signature is not ours.
        """
        return self._number(token, prefix="")

    def read_page(self, token: str) -> PageOf:
        """Which incident a page's address may show, and whose address it is; nobody's where it was sent to many.

        Raises:
            BadInput: the signature is not ours.
        """
        try:
            return page_of(self._signer.unsign(token).decode())
        except (BadSignature, ValueError) as error:
            raise BadInput("this link was not made here, or part of it is missing") from error

    def proof_token(self, proof_id: int) -> str:
        return self._signer.sign(f"t{proof_id}").decode()

    def read_proof(self, token: str) -> int:
        """The number of the proof whose test page this answers.

        Raises:
            BadInput: the signature is not ours.
        """
        return self._number(token, prefix="t")

    def read_night(self, token: str) -> int:
        """The number of the signature that this gives.

        Raises:
            BadInput: the signature is not ours.
        """
        return self._number(token, prefix="n")

    def feed_address(self, public_url: str, person: str | None) -> str:
        """Where the calendar feed of a person's shifts is, or the team's; who has the address may read it."""
        token = self._signer.sign(f"s{person or ''}").decode()
        return f"{public_url.rstrip('/')}/shifts/{quote(token, safe='')}.ics"

    def read_feed(self, token: str) -> str | None:
        """Whose shifts this address shows; None for the team's.

        Raises:
            BadInput: the signature is not ours.
        """
        try:
            signed = self._signer.unsign(token).decode()
        except (BadSignature, ValueError) as error:
            raise BadInput("this address was not made here, or part of it is missing") from error
        if not signed.startswith("s"):
            raise BadInput("this address is not one of a calendar")
        return signed.removeprefix("s") or None

    def _number(self, token: str, *, prefix: str) -> int:
        try:
            signed = self._signer.unsign(token).decode()
            return int(signed.removeprefix(prefix)) if signed.startswith(prefix) else int("")
        except (BadSignature, ValueError) as error:
            raise BadInput("this link was not made here, or part of it is missing") from error

    def fill(self, text: str, only: Collection[str]) -> str:
        """Put signatures and codes where the blanks of these stand.

        A text holds what strangers wrote: whatever blank they put there is not for us to sign.
        """

        def code(match: re.Match[str]) -> str:
            return self.code(int(match[1])) if match[1] in only else match[0]

        def token(match: re.Match[str]) -> str:
            return self._signer.sign(match[1]).decode() if match[1] in only else match[0]

        return BLANK_TOKEN.sub(token, BLANK_CODE.sub(code, text))

    def address(self, blank: str) -> str:
        """An address of our own making, signed."""
        return self.fill(blank, tokens_in(blank))

    def code(self, link_id: int) -> str:
        """The digits by which a link is named in a text message. Short: guessing must be limited elsewhere."""
        digest = base64_decode(self._coder.get_signature(str(link_id)))
        return f"{int.from_bytes(digest) % 10**CODE_DIGITS:0{CODE_DIGITS}d}"


async def create_link(
    db: Db,
    *,
    public_url: str,
    purpose: str,
    incident_id: int,
    person: str,
    expires_at: datetime,
    remediation_id: int | None = None,
    plan_digest: str | None = None,
    about: int | None = None,
) -> str:
    """Create a link; gives its address with a blank where the signature will be."""
    row = await db.one(
        "links/insert",
        purpose=purpose,
        incident_id=incident_id,
        person=person,
        remediation_id=remediation_id,
        plan_digest=plan_digest,
        about=about,
        expires_at=expires_at,
    )
    link_id = present(row)["id"]
    return f"{public_url.rstrip('/')}/{PATHS[purpose]}/{link_id}.{BLANK}"


async def read_link(db: Db, link_id: int, *, purpose: str) -> Link | None:
    row = await db.one("links/read", id=link_id)
    return Link.model_validate(row) if row and row["purpose"] == purpose else None


async def links_of_person(db: Db, person: str, *, purpose: str, limit: int = 20) -> list[Link]:
    """What a person was sent, newest first."""
    rows = await db.all("links/of_person", purpose=purpose, person=person, limit=limit)
    return [Link.model_validate(row) for row in rows]


async def link_of_plan(db: Db, remediation_id: int, person: str) -> Link | None:
    """What lets this person decide on this plan; None for somebody who was not asked."""
    row = await db.one("links/of_plan", remediation_id=remediation_id, person=person)
    return Link.model_validate(row) if row else None


async def use_link(db: Db, link_id: int, *, now: datetime) -> bool:
    """Use it up; False when it was used or has expired."""
    return await db.one("links/use", id=link_id, now=now) is not None
