"""Nights about when people are woken, and who: business hours, turns, storms, windows, and the clocks that change."""

from datetime import UTC, datetime, timedelta

from drills.moved.grading import Answered, Gets, gets, never
from drills.moved.night import MovedNight
from drills.moved.people import LINK
from drills.moved.story import PEOPLE, MovedDrill
from watchkeeper.oncall.shifts import change_said, say_change
from watchkeeper.quiet.silences import add_silence, make_silence

CHANNEL = "#incidents"

FRIDAY_EVENING = datetime(2026, 3, 6, 19, 30, tzinfo=UTC)
MONDAY_MORNING = datetime(2026, 3, 9, 9, 0, tzinfo=UTC)
WEEKEND_MINUTES = (MONDAY_MORNING - FRIDAY_EVENING).total_seconds() / 60


async def a_p2_on_friday_evening(night: MovedNight) -> None:
    await night.hear(severity="P2", kind="other", summary="Designs are slow")
    await night.pass_time(minutes=WEEKEND_MINUTES + 10)
    text = "".join(mail["text"] for mail in night.mails("ana") if mail["subject"].startswith("P2"))
    links = [link for link in LINK.findall(text) if "/a/" in link]
    page = await night.ana.sends(links[0])
    night.note("ana presses the button behind Monday's link", page.status_code)
    await night.pass_time(hours=5)


FRIDAY = MovedDrill(
    name="friday-evening",
    title="A P2 on Friday evening: nothing rings, and it comes on Monday at nine",
    begins=FRIDAY_EVENING,
    tell=a_p2_on_friday_evening,
    expected=(
        gets(CHANNEL, "slack", "The page goes out on Mon 9 Mar 09:00 (UTC).", at=0),
        never("ana", "", end=WEEKEND_MINUTES),
        never("ben", "", end=WEEKEND_MINUTES),
        gets("ana", "email", "P2 INC-0001: Designs are slow", at=WEEKEND_MINUTES),
        Answered("ana presses the button behind Monday's link", "200"),
        never("ana", "sms"),
        never("ana", "call"),
        never("ben", "", "has not answered"),
    ),
)


async def a_storm_and_a_second_p0(night: MovedNight) -> None:
    for part in range(14):
        await night.hear(fingerprint=f"part:{part}", service=f"part{part}", severity="P1")
    for _ in range(20):
        await night.hear(fingerprint="part:0", service="part0", severity="P1")
    await night.pass_time(hours=1)
    await night.hear(fingerprint="site", severity="P0", summary="Everything is down")
    await night.pass_time(minutes=9)
    await night.ana.replies("ACK 15")
    await night.pass_time(minutes=10)


PAGE_STORM = MovedDrill(
    name="page-storm",
    title="Fourteen P1s and their repetitions: held back per person, and a P0 in the middle jumps the queue",
    tell=a_storm_and_a_second_p0,
    expected=(
        Gets("ana", "sms", "P1 INC-00", times=14, end=timedelta(minutes=1)),
        gets("ana", "sms", "P1 INC-0001", at=0),
        # Each is new to Ben, and no incident's first page to a person is held back; nor is the P0's, to anybody.
        Gets(
            "ben",
            "sms",
            "Ana has not answered",
            times=14,
            start=timedelta(hours=1),
            end=timedelta(minutes=70),
        ),
        gets("ana", "sms", "P0 INC-0015", at=60),
        gets("ana", "call", "Everything is down", at=60),
        gets("ben", "sms", "P0 INC-0015", at=60),
        gets("ana", "sms", "INC-0015 is yours.", at=69),
        Gets("ben", "sms", "Ana has not answered", times=None, start=timedelta(minutes=70)),
    ),
)


async def an_override_in_the_middle(night: MovedNight) -> None:
    await night.hear(severity="P1")
    await night.pass_time(minutes=30)
    policy, now = night.desk.policy, night.clock()
    until = f"{now + timedelta(hours=6):%H:%M}"
    change = change_said(
        "primary",
        "cleo",
        f"{now:%H:%M}",
        until,
        reason="ana is ill",
        said_by="ben",
        calendar=policy.calendar,
        now=now,
    )
    async with night.store.transaction() as db:
        await say_change(db, change, policy, now=now)
    await night.pass_time(minutes=31)
    await night.somebody("cleo").replies("ACK")
    await night.pass_time(minutes=30)


OVERRIDE = MovedDrill(
    name="override",
    title="A P1, and after half an hour somebody else takes over the first one's place: it counts at once",
    policy={
        "people": {name: PEOPLE[name] for name in ("ana", "ben", "cleo")},
        "roster": {"primary": "ana", "secondary": "ben"},
    },
    tell=an_override_in_the_middle,
    expected=(
        gets("ana", "sms", "P1 INC-0001", at=0),
        never("cleo", "", end=30),
        gets("cleo", "call", at=45),
        gets("cleo", "sms", "Ana has not answered", at=60),
        gets("ben", "sms", "Ana has not answered", at=60),
        gets("cleo", "sms", "INC-0001 is yours.", at=61),
        never("ana", "", start=30),
        never("ben", "call", start=61),
    ),
)


async def a_deployment_window(night: MovedNight) -> None:
    now = night.clock()
    window = make_silence(
        {"service": "backend"},
        sort="maintenance",
        starts_at=now,
        ends_at=now + timedelta(minutes=30),
        person="ben",
        reason="deploying 4.2",
        now=now,
    )
    await add_silence(night.store, window, now=now)
    night.note("an alert of what is deployed", (await night.hear()).json()["reason"])
    await night.hear(
        service="billing", kind="worker_stuck", fingerprint="billing", summary="Billing is stuck"
    )
    await night.pass_time(minutes=31)
    await night.ana.replies("ACK 2")
    await night.pass_time(minutes=20)


DEPLOYMENT_WINDOW = MovedDrill(
    name="deployment-window",
    title="An announced deployment is slept through; what is still broken at its end pages then",
    tell=a_deployment_window,
    expected=(
        Answered("an alert of what is deployed", "in_maintenance_window"),
        gets("ana", "sms", "P1 INC-0001 since 03:00Z: Billing is stuck", at=0),
        never("ana", "", "Backend is down", end=30),
        never(CHANNEL, "slack", "Backend is down", end=30),
        gets("ana", "sms", "P0 INC-0002 since 03:00Z: Backend is down", at=30),
        gets("ana", "call", "Backend is down", at=30),
        gets("ana", "sms", "INC-0002 is yours.", at=31),
        never("ana", "call", start=31, end=44),
    ),
)

# On the last Sunday of March the clocks in Berlin go from 02:00 to 03:00.
DST_NIGHT = datetime(2026, 3, 29, 0, 50, tzinfo=UTC)
# Monday at nine by Berlin's clock, which is an hour earlier by UTC than it was on Friday.
HANDOFF = "On-Call Handoff - Week of 2026-03-30"
HANDOVER_MINUTES = (datetime(2026, 3, 30, 7, 0, tzinfo=UTC) - DST_NIGHT).total_seconds() / 60


async def the_clocks_change(night: MovedNight) -> None:
    await night.hear()
    await night.pass_time(minutes=16)
    cleo = night.somebody("cleo")
    night.note("cleo presses 1", await cleo.presses("1"))
    await cleo.replies("DONE it was the proxy")
    await night.pass_time(minutes=HANDOVER_MINUTES - 17)
    await night.hear(fingerprint="late", service="redis", kind="redis_down", summary="Redis is down")
    await night.pass_time(minutes=1)
    await night.hear(fingerprint="later", service="payments", kind="payment_failure", summary="Payments fail")


DAYLIGHT_SAVING = MovedDrill(
    name="daylight-saving",
    title="The night in which the clocks change: answers are due in time, and turns change at nine by the new one",
    begins=DST_NIGHT,
    policy={
        "people": {name: PEOPLE[name] for name in ("ana", "ben", "cleo")},
        "calendar": {"time_zone": "Europe/Berlin"},
        "roster": {"rotation": {"people": ["ana", "ben", "cleo"], "starts_on": "2026-01-05"}},
    },
    tell=the_clocks_change,
    expected=(
        gets("cleo", "sms", "P0 INC-0001", at=0),
        never("ana", "", "has not answered", end=15),
        gets("ana", "sms", "Cleo has not answered", at=15),
        Answered("cleo presses 1", "Incident 1 is yours."),
        never(CHANNEL, "slack", HANDOFF, end=HANDOVER_MINUTES),
        gets("cleo", "sms", "INC-0002", at=HANDOVER_MINUTES - 1),
        never("ana", "sms", "INC-0002", end=HANDOVER_MINUTES),
        gets(CHANNEL, "slack", HANDOFF, at=HANDOVER_MINUTES),
        gets("ana", "sms", "P0 INC-0003", at=HANDOVER_MINUTES),
        never("cleo", "sms", "INC-0003"),
    ),
)

DRILLS = (FRIDAY, PAGE_STORM, DAYLIGHT_SAVING, OVERRIDE, DEPLOYMENT_WINDOW)
