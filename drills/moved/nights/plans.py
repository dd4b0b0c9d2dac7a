"""Nights about a person's word: denied in time, and approved by somebody, or in a way, that does not count.

The response that plans is played; who may decide, and what then stands, is the kernel's. What a denial leaves undone at
the vendor is seen in `bad-deploy --person denies`, where the whole response runs.
"""

from drills.moved.grading import Answered, Stands, gets, never
from drills.moved.night import MovedNight
from drills.moved.story import MovedDrill

ROLLBACK = "Roll back the backend to d4e5f6"
SECOND = "Roll back the website to a1b2c3"


async def a_plan_is_denied(night: MovedNight) -> None:
    await night.hear()
    await night.plan()
    await night.pass_time(minutes=4)
    await night.ben.replies(f"NO {night.ben.phone.code} not at night")
    await night.pass_time(minutes=1)
    await night.ana.replies(f"OK {night.ana.phone.code}")
    page = await night.ana.sends(night.ana.phone.link("p"), decision="approve")
    night.note("ana approves on the page what is denied", page.status_code)
    await night.pass_time(minutes=10)


PLAN_DENIED = MovedDrill(
    name="plan-denied",
    title="A rollback is denied by text message; the other one's approval comes too late by every way",
    tell=a_plan_is_denied,
    expected=(
        gets("ana", "sms", "Roll back the backend", at=0, times=None),
        gets("ben", "sms", "Roll back the backend", at=0, times=None),
        gets("ben", "sms", f"Denied: {ROLLBACK}. Nothing was changed.", at=4),
        gets("ana", "sms", "was decided on", at=5),
        Answered("ana approves on the page what is denied", "410"),
        never("ana", "sms", "Approved"),
        Stands("plan 1", "denied by ben"),
    ),
)


def forged(link: str) -> str:
    """The link with another signature. Its first letter is changed: of the last one, some bits mean nothing."""
    address, _, signature = link.rpartition(".")
    return f"{address}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


async def only_the_right_word_counts(night: MovedNight) -> None:
    await night.hear()
    await night.ana.replies("ACK")
    await night.plan()
    twilio, slack = night.vendors.twilio, night.vendors.slack
    code, link = night.ana.phone.code, night.ana.phone.link("p")
    await night.ben.replies(f"OK {code}")
    night.note("a forged reply", await twilio.reply(night.ana.number, f"OK {code}", token="guessed"))  # noqa: S106
    night.note("a reply from a stranger's number", await twilio.reply("+14155559999", f"OK {code}"))
    night.note("a forged link", (await night.ana.sends(forged(link), decision="approve")).status_code)
    night.note("a forged press", await slack.press("U0ANA", "Approve", secret="guessed"))  # noqa: S106
    night.note("a stranger's press", await night.said_in_slack(slack.press("U0EVE", "Approve")))
    await night.pass_time(minutes=31)
    night.note("an old link", (await night.ana.sends(link, decision="approve")).status_code)
    await night.ana.replies(f"OK {code}")
    await night.plan(step=2, target="frontend", summary=SECOND)
    night.note("ben presses Approve in Slack", await night.ben.clicks("Approve"))
    await night.pass_time(minutes=5)


WRONG_APPROVER = MovedDrill(
    name="wrong-approver",
    title="Approved by the wrong person, by forgeries, by a stranger, too late: none of it counts; then by the right one",
    tell=only_the_right_word_counts,
    expected=(
        gets("ben", "sms", "not a code of yours", at=0),
        Answered("a forged reply", "401"),
        Answered("a reply from a stranger's number", "403"),
        Answered("a forged link", "403"),
        Answered("a forged press", "401"),
        Answered("a stranger's press", "not on Watchkeeper's roster"),
        Answered("an old link", "410"),
        gets("ana", "sms", "time has run out", at=31),
        Stands("plan 1", "planned"),
        Answered("ben presses Approve in Slack", "200"),
        never("#incidents", "slack", f"Approved: {ROLLBACK}"),
        gets("#incidents", "slack", f"Approved: {SECOND}", at=31),
        Stands("plan 2", "approved by ben"),
    ),
)

DRILLS = (PLAN_DENIED, WRONG_APPROVER)
