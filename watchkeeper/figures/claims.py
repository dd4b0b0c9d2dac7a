"""Claims for a service credit: what a vendor's own outage cost, in the words that its support needs. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from watchkeeper.figures.ledger import VENDOR_OF_CAUSE, Account
from watchkeeper.figures.past import Month, Past
from watchkeeper.policy import Policy
from watchkeeper.rendering import one_line, render
from watchkeeper.support import identifiers_of


class Claim(NamedTuple):
    """A text that is ready to be sent to the vendor, by a person."""

    vendor: str
    text: str


def claims_of(
    vendors: Sequence[Account], incidents: Sequence[Past], policy: Policy, month: Month
) -> list[Claim]:
    """A claim to each vendor whose own outage took us down in this month."""
    return [_claim(account, incidents, policy, month) for account in vendors if account.outages]


def _claim(account: Account, incidents: Sequence[Past], policy: Policy, month: Month) -> Claim:
    theirs = [i for i in incidents if VENDOR_OF_CAUSE.get(i.known_cause or "") == account.name]
    found = [line for i in theirs for line in identifiers_of(account.name, i.service, policy)]
    summaries = {incident.number: one_line(incident.summary) for incident in theirs}
    text = render(
        "documents/claim.txt.j2",
        vendor=account.name.capitalize(),
        month=month.name,
        account=account,
        identifiers=list(dict.fromkeys(found)),
        outages=[
            (o, "; ".join(f"{n}: {summaries[n]}" for n in o.numbers if n in summaries))
            for o in account.outages
        ],
    )
    return Claim(account.name, text.strip() + "\n")
