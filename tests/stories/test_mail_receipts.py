"""What SendGrid's events say of an email to a person: it arrived, or another way is found."""

from typing import Any

import pytest

from tests.stories.night import Night
from watchkeeper.model import Channel
from watchkeeper.paging.model import Notification
from watchkeeper.paging.outbox import read_notifications

REFUSED = {"reason": "550 5.1.1 The email account does not exist", "type": "bounce", "status": "5.1.1"}


async def p2_in_business_hours(night: Night) -> None:
    await night.hear(severity="P2")
    await night.pass_time(hours=7)
    assert [mail["subject"][:2] for mail in night.mails("ana")] == ["P2"]


def event(night: Night, name: str, **told: Any) -> dict[str, Any]:
    return night.vendors.sendgrid.event(name, night.desk.policy.people["ana"].email or "", **told)


async def sendgrid_reports(night: Night, *events: dict[str, Any]) -> None:
    assert await night.vendors.sendgrid.report(*events) == 204
    await night.settle()


async def pages(night: Night) -> list[Notification]:
    return [each for each in await read_notifications(night.store, 1) if each.purpose == "page"]


async def test_a_p2_whose_mail_bounces_reaches_the_person_another_way(night: Night) -> None:
    await p2_in_business_hours(night)
    assert night.ana.phone.received == []
    bounce = event(night, "bounce", **REFUSED)
    others = bounce | {"watchkeeper_receipt": bounce["watchkeeper_receipt"].replace("://", "://other.")}
    older = bounce | {"watchkeeper_receipt": bounce["watchkeeper_receipt"][:-1] + "_"}
    await sendgrid_reports(night, others, older, event(night, "deferred"), event(night, "processed"))
    assert night.ana.phone.received == [], "none of that says that this mail did not arrive"
    await sendgrid_reports(night, bounce, bounce)
    await sendgrid_reports(night, bounce, event(night, "delivered"))
    mail, instead = await pages(night)
    assert (mail.state, mail.error) == ("failed", f"undelivered: bounce {REFUSED['reason']}")
    assert instead.recipient == "ana" and instead.channel is not Channel.EMAIL
    assert len(night.ana.phone.received) == 1 and night.ben.phone.received == []
    assert any("page to ana by email failed (undelivered: bounce 550" in t for t in await night.timeline())


async def test_a_mail_that_arrived_is_delivered_and_that_word_stays(night: Night) -> None:
    await p2_in_business_hours(night)
    await sendgrid_reports(night, event(night, "delivered", response="250 OK"))
    await sendgrid_reports(night, event(night, "dropped", reason="Bounced Address"))
    (mail,) = await pages(night)
    assert mail.state == "delivered" and night.ana.phone.received == []


ONLY_EMAIL = {
    "ana": {"name": "Ana", "email": "ana@example.com"},
    "ben": {"name": "Ben", "email": "ben@example.com"},
}


@pytest.mark.parametrize("own_policy", [{"people": ONLY_EMAIL}])
async def test_where_the_person_has_nothing_but_email_the_next_person_is_paged(night: Night) -> None:
    await p2_in_business_hours(night)
    await sendgrid_reports(night, event(night, "dropped", reason="Bounced Address"))
    assert [each.recipient for each in await pages(night)][-1] == "ben"
    assert any("Ana cannot be reached" in mail["text"] for mail in night.mails("ben"))
