"""Nights about who answers, when, and by which way: text message, key on the call, the page behind the link."""

from datetime import timedelta

from drills.moved.grading import Answered, Asked, Gets, gets, never
from drills.moved.night import MovedNight
from drills.moved.story import PEOPLE, MovedDrill


async def the_first_stays_silent(night: MovedNight) -> None:
    await night.hear(severity="P1")
    await night.pass_time(minutes=61)
    await night.ben.replies("ACK")
    await night.pass_time(minutes=45)


FIRST_RESPONDER_SILENT = MovedDrill(
    name="first-responder-silent",
    title="A P1: the first stays silent, is called, and after an hour the second answers by text message",
    tell=the_first_stays_silent,
    expected=(
        gets("ana", "sms", "P1 INC-0001", at=0),
        never("ana", "call", end=45),
        gets("ana", "call", at=45),
        never("ben", "", end=60),
        gets("ben", "sms", "Ana has not answered", at=60),
        gets("ben", "call", at=60),
        gets("ben", "sms", "INC-0001 is yours.", at=61),
        never("ana", "call", start=61),
        never("ben", "call", start=61),
        never("ana", "sms", start=61),
    ),
)


async def both_stay_silent(night: MovedNight) -> None:
    await night.hear()
    await night.pass_time(minutes=61)
    night.note("ben presses 1", await night.ben.presses("1"))
    await night.pass_time(minutes=20)


HOUR = timedelta(minutes=61)
BOTH_SILENT = MovedDrill(
    name="both-silent",
    title="A P0: nobody answers, and both are called every five to fifteen minutes, until one presses a key",
    tell=both_stay_silent,
    expected=(
        gets("ana", "sms", "P0 INC-0001", at=0),
        gets("ben", "sms", "P0 INC-0001", at=0),
        # At 0, 5, 10, 15, 20, 30, 45 and 60 minutes; texts at the same times without 5 and 10, email at 0 and 15.
        *(Gets(person, "call", times=8, end=HOUR) for person in ("ana", "ben")),
        *(Gets(person, "sms", times=6, end=HOUR) for person in ("ana", "ben")),
        *(Gets(person, "email", times=2, end=HOUR) for person in ("ana", "ben")),
        gets("ben", "sms", "Ana has not answered", at=15),
        gets("ana", "call", at=60),
        Answered("ben presses 1", "Incident 1 is yours."),
        never("ana", "call", start=61),
        never("ben", "call", start=61),
    ),
)


async def alone_and_silent(night: MovedNight) -> None:
    await night.hear()
    await night.pass_time(minutes=21)
    page = await night.ana.sends(night.ana.phone.link("a"))
    night.note("ana presses the button behind the link", page.status_code)
    await night.pass_time(minutes=20)


ALONE_AND_SILENT = MovedDrill(
    name="alone-and-silent",
    title="A P0 with nobody else on call: called again and again, then a trusted contact is asked to wake her",
    policy={
        "people": {name: PEOPLE[name] for name in ("ana", "kim")},
        "roster": {"primary": "ana", "trusted_contact": "kim"},
    },
    tell=alone_and_silent,
    expected=(
        gets("ana", "sms", "P0 INC-0001", at=0),
        Gets("ana", "call", times=5, end=timedelta(minutes=21)),
        never("kim", "", end=20),
        gets("kim", "sms", "Kim, please wake Ana (+14155550101).", at=20),
        gets("kim", "call", at=20),
        never("kim", "", "INC-"),
        Answered("ana presses the button behind the link", "200"),
        gets("kim", "sms", "Thank you, Kim", at=21),
        never("ana", "call", start=21),
        never("kim", "call", start=21),
    ),
)


async def a_text_is_lost(night: MovedNight) -> None:
    night.vendors.twilio.without_texts.add(night.ana.number)
    await night.hear(severity="P1")
    await night.pass_time(minutes=5)
    night.note("ana presses 1", await night.ana.presses("1"))
    await night.pass_time(minutes=45)


TEXT_UNDELIVERED = MovedDrill(
    name="text-undelivered",
    title="A P1 whose text message never arrives: the receipt says so, and it becomes a call at once",
    tell=a_text_is_lost,
    expected=(
        Asked("twilio", ("/Messages.json", "To=%2B14155550101", "P1+INC-0001"), times=1),
        never("ana", "sms", "P1 INC-0001"),
        gets("ana", "call", at=0),
        gets("ana", "email", "P1 INC-0001", at=0),
        Answered("ana presses 1", "Incident 1 is yours."),
        never("ana", "call", start=5),
        never("ben", ""),
    ),
)


async def has_it_and_falls_silent(night: MovedNight) -> None:
    await night.hear()
    await night.ana.replies("ACK")
    await night.pass_time(minutes=61)
    await night.ana.replies("WORKING")
    await night.pass_time(minutes=58)


ACKNOWLEDGED_THEN_SILENT = MovedDrill(
    name="acknowledged-then-silent",
    title="A P0 that somebody acknowledged and is silent about comes back: to her, then to everyone",
    tell=has_it_and_falls_silent,
    expected=(
        gets("ana", "sms", "INC-0001 is yours.", at=0),
        never("ana", "", "you have it and are silent", end=30),
        gets("ana", "sms", "you have it and are silent", at=30),
        never("ben", "", "is silent", end=60),
        gets("ben", "sms", "Ana has it and is silent", at=60),
        gets("ben", "call", at=60),
        gets("ana", "sms", "Nobody asks before", at=61),
        never("ben", "call", start=61),
        never("ana", "call", start=61),
    ),
)

DRILLS = (FIRST_RESPONDER_SILENT, BOTH_SILENT, ALONE_AND_SILENT, TEXT_UNDELIVERED, ACKNOWLEDGED_THEN_SILENT)
