"""The night in which five thousand customers are told, and SendGrid fails in the middle."""

from pathlib import Path
from typing import Any

from starlette.responses import Response

from drills.moved.grading import Answered, Asked, EachCustomer, gets, never
from drills.moved.night import MovedNight
from drills.moved.story import MovedDrill

CUSTOMERS = 5000
SUBJECT = "[Action Required]"
# The batch that is taken and whose answer is lost.
LOST = "4"


def write_customers(folder: Path) -> dict[str, Any]:
    """The team's list, with an address twice and one that is none."""
    lines = [f"C,c{number}@shop.example" for number in range(CUSTOMERS)]
    file = folder / "customers.csv"
    file.write_text("\n".join(["name,email", *lines, "Twice,C0@Shop.Example", "None,none"]))
    return {"customers": {"file": str(file)}}


async def sendgrid_fails_in_the_middle(night: MovedNight) -> None:
    sendgrid = night.vendors.sendgrid
    busy = Response(status_code=429, headers={"Retry-After": "90"})
    sendgrid.weather += [None, None, busy, "lost", None, None]
    await night.hear(users_affected_percent=60)
    await night.ana.replies("ACK")
    await night.pass_time(minutes=16)
    link = night.ana.phone.link("m")
    shown = await night.ana.opens(link)
    night.note("the page that asks", "5,000 customers" if "5,000 customers" in shown.text else shown.text)
    night.note("customers mailed before the approval", sum(map(len, night.customer_mail.values())))
    night.note("ana approves the mail", (await night.ana.sends(link, decision="approve")).status_code)
    await night.pass_time(minutes=3)
    # Its own events prove what became of the batch whose answer never came.
    taken = next(each for each in sendgrid.taken if each["custom_args"].get("watchkeeper_batch") == LOST)
    event = {"event": "processed", "email": taken["addresses"][0], **taken["custom_args"]}
    night.note("SendGrid reports the lost batch", await sendgrid.report(event))
    await night.pass_time(minutes=5)


CUSTOMER_MAIL = MovedDrill(
    name="customer-mail",
    title="A P0 is told to 5,000 customers after approval: SendGrid is busy, then an answer is lost; each gets it once",
    prepare=write_customers,
    tell=sendgrid_fails_in_the_middle,
    expected=(
        gets("ana", "sms", "/m/", at=15),
        Answered("the page that asks", "5,000 customers"),
        Answered("customers mailed before the approval", "0"),
        Answered("ana approves the mail", "200"),
        Answered("SendGrid reports the lost batch", "204"),
        EachCustomer(CUSTOMERS, SUBJECT),
        # Five batches, and the one that was turned away once more.
        Asked("sendgrid", ("watchkeeper_batch",), times=6),
        never("ana", "", "/b/"),
    ),
)

DRILLS = (CUSTOMER_MAIL,)
