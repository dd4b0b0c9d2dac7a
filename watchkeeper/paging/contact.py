"""The trusted contact: somebody near who can wake whoever is on call, and need not know what for.

They are told whom to wake and how, and nothing technical. They cannot acknowledge; once somebody has it, or it is
over, they are told that they can go back to sleep.
"""

from datetime import datetime

from watchkeeper.decisions import Route
from watchkeeper.messages import fit_sms
from watchkeeper.model import Channel, Incident, TimelineKind
from watchkeeper.oncall import Shift
from watchkeeper.paging.ladder import contact_routes
from watchkeeper.paging.model import Message, Purpose
from watchkeeper.paging.outbox import tell
from watchkeeper.policy import Policy
from watchkeeper.policy.people import Person
from watchkeeper.rendering import render
from watchkeeper.store import Db
from watchkeeper.timeline import record


async def ask_contact(
    db: Db, policy: Policy, incident: Incident, shift: Shift, *, key: str, now: datetime
) -> str | None:
    """Ask the trusted contact to wake whoever is on call.

    Returns:
        The contact's name, or None where the roster names nobody, or this severity is nothing to wake people for.
    """
    routes = contact_routes(policy) if policy.rule(incident.severity).pages == "always" else []
    contact = policy.people[routes[0].recipient] if routes else None
    if contact is None:
        return None
    message = wake(contact, [policy.people[handle] for handle in shift.people])
    for route in routes:
        await tell(db, incident, f"contact:{key}", Purpose.CONTACT, route, message, now)
    names = " and ".join(policy.people[handle].name for handle in shift.people)
    text = f"Asked {contact.name} to wake {names}"
    await record(db, incident.id, TimelineKind.PAGE, text, now=now, key=f"contact:{key}")
    return contact.name


async def stand_down(db: Db, policy: Policy, incident: Incident, *, now: datetime) -> None:
    """Tell the contact, if they were asked, that there is nothing more to do."""
    for asked in await db.all("outbox/contact_asked", incident_id=incident.id):
        person = policy.people.get(asked["recipient"])
        if person is not None:
            route = Route(asked["recipient"], Channel(asked["channel"]), [])
            # Not CONTACT: whoever answers takes back what asks for help, and that may happen once more after this.
            await tell(db, incident, "contact:over", Purpose.RESOLVED, route, thanks(person), now)


def wake(contact: Person, sleepers: list[Person]) -> Message:
    """Whom to wake and how, for somebody who knows nothing of computers."""
    known = {"contact": contact, "sleepers": sleepers}
    return Message(
        subject=f"Please wake {sleepers[0].name}",
        text=render("messages/wake.txt.j2", **known),
        short=fit_sms(render("messages/wake_short.txt.j2", **known)),
        spoken=render("messages/wake_spoken.txt.j2", **known).strip(),
    )


def thanks(contact: Person) -> Message:
    text = f"Thank you, {contact.name}: it is being taken care of. There is nothing more for you to do."
    return Message(subject="Thank you, it is being taken care of", text=f"{text}\n", short=fit_sms(text))
