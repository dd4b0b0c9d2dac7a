"""Mail to customers: approved, in batches, each address once, and nobody lost whatever fails."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from starlette.responses import Response

from drills.moved.people import LINK
from drills.vendors.sendgrid import refuse
from tests.stories.night import Night
from watchkeeper.closing import close_by_hand
from watchkeeper.deadlines.telling import tell_customers
from watchkeeper.incidents import read_incident
from watchkeeper.mailing.counting import read_counts, read_mailings
from watchkeeper.mailing.mailer import LEASE

CUSTOMERS = 5000


@pytest.fixture
def own_policy(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """A list of so many customers: `@pytest.mark.parametrize("own_policy", [3], indirect=True)`."""
    file = tmp_path / "customers.csv"
    number = getattr(request, "param", CUSTOMERS)
    lines = [
        "name,email",
        *(f"C,c{each}@shop.example" for each in range(number)),
        "Twice,C0@Shop.Example",
        "None,none",
    ]
    file.write_text("\n".join(lines))
    return {"customers": {"file": str(file)}}


@pytest.fixture
def weather(night: Night) -> list[Any]:
    """What SendGrid does with the coming batches."""
    return night.vendors.sendgrid.weather


def rewrite(own_policy: dict[str, Any], lines: list[str]) -> None:
    Path(own_policy["customers"]["file"]).write_text("\n".join(lines))


async def p0(night: Night, **told: Any) -> None:
    await night.hear(users_affected_percent=60, **told)
    await triage(night)


async def triage(night: Night) -> None:
    async with night.store.transaction() as db:
        await tell_customers(db, night.desk, await read_incident(db, 1), now=night.clock())
    await night.settle()


async def close(night: Night) -> None:
    async with night.store.transaction() as db:
        incident = await read_incident(db, 1)
        await close_by_hand(db, night.desk, incident, person="ana", reason="seen well", now=night.clock())
    await night.settle()


async def approve(night: Night) -> None:
    answer = await night.ana.sends(night.ana.phone.link("m"), decision="approve")
    assert answer.status_code == 200, answer.text


def mailed(night: Night, subject: str = "[Action Required]") -> dict[str, int]:
    """How often each customer got a mail whose subject starts so."""
    boxes = night.vendors.sendgrid.mailboxes
    counts = {
        address: sum(mail["subject"].startswith(subject) for mail in box)
        for address, box in boxes.items()
        if address.endswith("@shop.example")
    }
    return {address: count for address, count in counts.items() if count}


async def counts(night: Night, which: int = 0) -> dict[str, int]:
    mailing = (await read_mailings(night.store, 1))[which]
    return {name: number for name, number in (await read_counts(night.store, mailing.id)).items() if number}


async def sendgrid_reports(night: Night, *events: dict[str, Any], key: Any = None) -> int:
    status = await night.vendors.sendgrid.report(*events, key=key)
    await night.settle()
    return status


def event(night: Night, batch: int, name: str, address: str = "c1@shop.example") -> dict[str, Any]:
    taken = next(
        t for t in night.vendors.sendgrid.taken if t["custom_args"].get("watchkeeper_batch") == str(batch)
    )
    return {"event": name, "email": address, **taken["custom_args"]}


def each(number: int) -> Iterator[str]:
    return (f"c{each}@shop.example" for each in range(number))


async def test_five_thousand_are_told_once_with_a_failure_in_the_middle(
    night: Night, weather: list[Any]
) -> None:
    busy = Response(status_code=429, headers={"Retry-After": "90"})
    weather += [None, None, busy, "lost", None, None]
    await p0(night)
    assert mailed(night) == {}, "nobody is mailed before a person has said so"
    page = await night.ana.opens(night.ana.phone.link("m"))
    assert (
        "Send this to 5,000 customers?" in page.text and "1 entries of the list are no addresses" in page.text
    )
    await approve(night)
    assert await counts(night) == {"waiting": 3000, "sent": 2000}
    await night.pass_time(seconds=89)
    assert len(mailed(night)) == 2000, "as long as SendGrid asked"
    await night.pass_time(seconds=2)
    assert await counts(night) == {"sent": 4000, "doubtful": 1000}
    await night.pass_time(minutes=5)
    assert set(mailed(night).values()) == {1}

    # Batch 4 was taken, and its answer was lost: SendGrid's own events prove it.
    assert await sendgrid_reports(night, event(night, 4, "processed")) == 204
    await night.pass_time(hours=1)
    assert await counts(night) == {"sent": 5000}
    assert mailed(night) == dict.fromkeys(each(CUSTOMERS), 1)
    assert not any("/b/" in text for text in night.ana.phone.texts), "nobody had to be asked"


@pytest.mark.parametrize("own_policy", [1500], indirect=True)
async def test_a_mailer_that_dies_loses_nobody_and_mails_nobody_twice(night: Night) -> None:
    await p0(night)
    (mailing,) = await read_mailings(night.store, 1)
    async with night.store.transaction() as db:
        values = {"id": mailing.id, "state": "approved", "person": "ana", "digest": mailing.digest}
        await db.one("mailings/decide", **values, now=night.clock())
    await night.mailer._claim(mailing, 1000)  # and there it died
    await night.settle()
    assert len(mailed(night)) == 500
    await night.pass_time(seconds=LEASE.total_seconds() + 1)
    assert await counts(night) == {"sent": 500, "doubtful": 1000}
    await night.pass_time(minutes=15)
    link = night.ana.phone.link("b")
    assert "Did the mail to 1000 customers go out?" in (await night.ana.opens(link)).text
    assert (await night.ana.sends(link, decision="perhaps")).status_code == 422
    assert (await night.ana.sends(link, decision="not_sent")).status_code == 200
    assert mailed(night) == dict.fromkeys(each(1500), 1)
    assert (await night.ana.sends(link, decision="not_sent")).status_code == 410
    assert mailed(night) == dict.fromkeys(each(1500), 1)


@pytest.mark.parametrize("own_policy", [1200], indirect=True)
async def test_resolved_goes_to_those_who_were_told_and_to_nobody_else(
    night: Night, weather: list[Any]
) -> None:
    weather += ["lost", Response(status_code=429, headers={"Retry-After": "3600"})]
    await p0(night)
    await approve(night)
    assert await counts(night) == {"waiting": 200, "doubtful": 1000}
    await close(night)
    assert (await read_mailings(night.store, 1))[0].state == "ended"
    await approve(night)
    assert mailed(night, "[Resolved]") == {}, "nobody is known to have been told yet"
    await sendgrid_reports(night, event(night, 1, "delivered"), event(night, 1, "bounce", "c0@shop.example"))
    await night.pass_time(hours=2)
    told = mailed(night, "[Resolved]")
    assert told == {address: 1 for address in mailed(night) if address != "c0@shop.example"}
    assert len(mailed(night)) == 1000, "who had not been told of the start need not be any more"
    (mail,) = [m for m in night.vendors.sendgrid.mailboxes["c1@shop.example"] if "Restored" in m["subject"]]
    assert "Root Cause:" in mail["text"] and "Affected Time:" in mail["html"]


@pytest.mark.parametrize("own_policy", [40], indirect=True)
async def test_one_address_that_sendgrid_refuses_holds_up_nobody_else(night: Night, own_policy: Any) -> None:
    rewrite(own_policy, [*each(40), "odd@shop.invalid"])
    await p0(night)
    await approve(night)
    assert mailed(night) == dict.fromkeys(each(40), 1)
    assert await counts(night) == {"sent": 40, "refused": 1}


async def ends(night: Night) -> list[str]:
    return [text for text in await night.timeline() if "has come to its end" in text]


@pytest.mark.parametrize("own_policy", [40], indirect=True)
async def test_the_incidents_page_and_its_timeline_show_what_became_of_each_mailing(
    night: Night, own_policy: Any, weather: list[Any]
) -> None:
    rewrite(own_policy, [*each(40), "odd@shop.invalid"])
    await p0(night)
    page = next(link for link in LINK.findall(night.posts[0]["text"]) if "/i/" in link)
    assert "proposed, nobody has decided yet: <b>41 waiting, 0 sent" in (await night.ana.opens(page)).text
    weather += [refuse(401, "The provided authorization grant is invalid", None)]
    await approve(night)
    assert "SendGrid answered 401" in (await night.ana.opens(page)).text
    assert await ends(night) == []
    await night.pass_time(minutes=6)
    (said,) = await ends(night)
    assert "Disruption Detected): 0 waiting, 40 sent, 0 in doubt, 0 bounced, 1 refused." in said
    bounce = night.vendors.sendgrid.event("bounce", "c1@shop.example")
    assert await sendgrid_reports(night, bounce) == 204
    shown = (await night.ana.opens(page)).text
    assert "approved by ana: <b>0 waiting, 39 sent, 0 in doubt, 1 bounced, 1 refused</b>" in shown
    assert shown.count("answered 401") == 1, "on the timeline, and no longer beside the numbers"
    assert "shop.example" not in shown.partition("Who was told")[2]
    assert await ends(night) == [said]
    await close(night)
    assert (await night.ana.sends(night.ana.phone.link("m"), decision="deny")).status_code == 200
    shown = (await night.ana.opens(page)).text
    assert "denied by ana: <b>39 not mailed, 0 sent" in shown and len(await ends(night)) == 1


@pytest.mark.parametrize("own_policy", [1200], indirect=True)
async def test_a_mailing_that_the_incidents_end_overtakes_says_how_many_it_left_out(
    night: Night, weather: list[Any]
) -> None:
    weather += ["lost", Response(status_code=429, headers={"Retry-After": "3600"})]
    await p0(night)
    await approve(night)
    await close(night)
    assert await ends(night) == [], "a batch of it is in doubt"
    await sendgrid_reports(night, event(night, 1, "bounce", "c0@shop.example"))
    (said,) = await ends(night)
    assert "200 not mailed, 999 sent, 0 in doubt, 1 bounced, 0 refused" in said


@pytest.mark.parametrize("own_policy", [3], indirect=True)
async def test_a_wrong_key_holds_the_mailing_up_and_loses_nobody(night: Night, weather: list[Any]) -> None:
    weather += [refuse(401, "The provided authorization grant is invalid", None)]
    await p0(night)
    await approve(night)
    assert await counts(night) == {"waiting": 3}
    assert any("held up: SendGrid answered 401" in text for text in await night.timeline())
    assert held_up(night) == ["INC-0001: the mail to customers cannot leave: SendGrid answered 401"]
    weather += [refuse(403, "Forbidden", None)]
    await night.pass_time(minutes=6)
    assert len(held_up(night)) == 1, "once, though it is held up again"
    await night.pass_time(minutes=6)
    assert mailed(night) == dict.fromkeys(each(3), 1)


@pytest.mark.parametrize("own_policy", [3], indirect=True)
async def test_without_sendgrid_whoever_approved_hears_that_nothing_can_leave(night: Night) -> None:
    client, night.mailer._client = night.mailer._client, None
    await p0(night)
    await approve(night)
    (told,) = held_up(night)
    assert "sendgrid is not configured" in told
    night.mailer._client = client
    await night.pass_time(minutes=6)
    assert mailed(night) == dict.fromkeys(each(3), 1)


def held_up(night: Night) -> list[str]:
    return [text.partition(" http")[0] for text in night.ana.phone.texts if "cannot leave" in text]


@pytest.mark.parametrize("own_policy", [3], indirect=True)
async def test_a_batch_in_doubt_is_asked_about_again_until_somebody_says(
    night: Night, weather: list[Any]
) -> None:
    weather += ["lost"]
    await p0(night)
    await approve(night)
    await night.pass_time(minutes=20)
    assert asked_in_doubt(night) == 1
    await night.pass_time(hours=11, minutes=50)
    assert asked_in_doubt(night) == 1
    await night.pass_time(minutes=10)
    assert asked_in_doubt(night) == 2
    assert (await night.ana.sends(night.ana.phone.link("b"), decision="sent")).status_code == 200
    await night.pass_time(hours=13)
    assert asked_in_doubt(night) == 2


def asked_in_doubt(night: Night) -> int:
    return sum("did the mail to 3 customers go out?" in text for text in night.ana.phone.texts)


@pytest.mark.parametrize("own_policy", [3], indirect=True)
async def test_what_is_denied_is_not_sent_and_the_first_word_counts(night: Night) -> None:
    await p0(night)
    link = night.ana.phone.link("m")
    assert (await night.ana.sends(f"{link[:-1]}_", decision="approve")).status_code == 403
    assert (await night.ana.sends(link, decision="deny")).status_code == 200
    assert (await night.ana.sends(link, decision="approve")).status_code == 410
    await night.pass_time(hours=1)
    await close(night)
    assert mailed(night, "") == {}


async def p1(night: Night, **told: Any) -> None:
    await night.hear(severity="P1", **told)
    await triage(night)


def question(night: Night) -> str:
    """The newest mail to Ana that asks for a word on a mail to customers."""
    box = night.vendors.sendgrid.mailboxes[night.desk.policy.people["ana"].email or ""]
    return str(next(mail["text"] for mail in reversed(box) if "needs your word" in mail["text"]))


@pytest.mark.parametrize("own_policy", [3], indirect=True)
async def test_the_end_of_a_p1_that_stood_on_the_status_page_is_mailed_once_a_person_says_so(
    night: Night,
) -> None:
    await p1(night)
    await close(night)
    assert not any("/m/" in text for text in night.ana.phone.texts), "it can wait for a look at the mail"
    assert "No mail told of its start; the status page did." in question(night)
    link = next(each for each in LINK.findall(question(night)) if "/m/" in each)
    shown = (await night.ana.opens(link)).text
    assert "Send this to 3 customers?" in shown and "No mail told of its start" in shown
    (mailing,) = await read_mailings(night.store, 1)
    assert "Resolution: Our team has confirmed that it works." in mailing.text
    assert mailed(night, "") == {}
    assert (await night.ana.sends(link, decision="approve")).status_code == 200
    assert mailed(night, "[Resolved]") == dict.fromkeys(each(3), 1)
    await night.pass_time(hours=25)
    assert mailed(night, "") == dict.fromkeys(each(3), 1)


@pytest.mark.parametrize("own_policy", [3], indirect=True)
@pytest.mark.parametrize("severity", ["P1", "P2"])
async def test_nobody_is_mailed_of_an_end_whose_start_nobody_was_told_of(night: Night, severity: str) -> None:
    await night.hear(severity=severity)
    if severity == "P2":
        await triage(night)
    await close(night)
    assert await read_mailings(night.store, 1) == []


@pytest.mark.parametrize("own_policy", [3], indirect=True)
async def test_who_is_asked_and_says_nothing_is_asked_once_more_and_then_nothing_is_sent(
    night: Night,
) -> None:
    await p0(night)
    await night.pass_time(minutes=29)
    asked = [text for text in night.ana.phone.texts if "/m/" in text]
    assert len(asked) == 1
    await night.pass_time(minutes=2)
    again = [text for text in night.ana.phone.texts if "/m/" in text]
    assert len(again) == 2 and "still waits" in again[1]
    await night.pass_time(hours=2)
    assert [text for text in night.ana.phone.texts if "/m/" in text] == again
    await night.pass_time(hours=22)
    assert any("Nobody has decided on the mail to customers" in text for text in await night.timeline())
    assert (await night.ana.sends(night.ana.phone.link("m"), decision="approve")).status_code == 410
    assert mailed(night, "") == {}


@pytest.mark.parametrize("own_policy", [3], indirect=True)
async def test_the_link_of_the_reminder_decides_as_the_first_does(night: Night) -> None:
    await p0(night)
    first = night.ana.phone.link("m")
    await night.pass_time(minutes=31)
    assert night.ana.phone.link("m") != first
    await approve(night)
    assert mailed(night) == dict.fromkeys(each(3), 1)
    assert (await night.ana.sends(first, decision="deny")).status_code == 410


@pytest.mark.parametrize("own_policy", [3], indirect=True)
async def test_an_approval_is_for_the_text_that_was_shown(night: Night) -> None:
    await p0(night)
    async with night.store._pool.connection() as connection:
        await connection.execute("UPDATE mailings SET text = 'another', digest = 'another'")
    answer = await night.ana.sends(night.ana.phone.link("m"), decision="approve")
    assert (answer.status_code, mailed(night)) == (410, {})


@pytest.mark.parametrize("own_policy", [3], indirect=True)
@pytest.mark.parametrize(
    ("told", "is_asked"),
    [
        ({"users_affected_percent": 10.5, "severity": "P0"}, True),
        ({"users_affected_percent": 10, "severity": "P0"}, False),
        ({"severity": "P0"}, True),
        ({"users_affected_percent": 49, "severity": "P1"}, False),
    ],
)
async def test_customers_are_mailed_about_a_p0_with_more_than_ten_percent_affected(
    night: Night, told: dict[str, Any], is_asked: bool
) -> None:
    await night.hear(**told)
    await triage(night)
    assert any("/m/" in text for text in night.ana.phone.texts) is is_asked


@pytest.mark.parametrize("own_policy", [3], indirect=True)
async def test_events_that_sendgrid_did_not_sign_are_turned_away(night: Night) -> None:
    await p0(night)
    await approve(night)
    forged = ec.generate_private_key(ec.SECP256R1())
    bounce = event(night, 1, "bounce")
    assert await sendgrid_reports(night, bounce, key=forged) == 401
    assert await counts(night) == {"sent": 3}
    others = {
        "event": "bounce",
        "email": "c1@shop.example",
        "watchkeeper_batch": "1",
        "watchkeeper_mailing": "theirs",
    }
    assert await sendgrid_reports(night, others, {"event": "open"}) == 204
    assert await counts(night) == {"sent": 3}
    assert await sendgrid_reports(night, bounce, bounce) == 204
    assert await counts(night) == {"sent": 2, "bounced": 1}
