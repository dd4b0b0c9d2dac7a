"""Nights of the kernel alone: from the alert to the phones, with Prefect away."""

import asyncio
from datetime import timedelta
from typing import Any

from tests.watchkeeper.house import ANA, BEN, PUBLIC_URL, KernelHouse, Phone, link_id
from watchkeeper.admission import admit
from watchkeeper.answers import Verb, answer_by_link
from watchkeeper.channels import Receipt
from watchkeeper.closing import close_by_hand
from watchkeeper.deadlines import read_deadlines
from watchkeeper.deadlines.dispatcher import give_up
from watchkeeper.errors import VendorRejected, VendorUnavailable
from watchkeeper.incidents import MAX_ATTEMPTS, list_open, read_incident, take_lease
from watchkeeper.model import Alert, Channel, DeadlineKind, DeadlineState, Kind, Status
from watchkeeper.paging.desk import Desk
from watchkeeper.paging.model import Message
from watchkeeper.paging.outbox import read_notifications
from watchkeeper.paging.pager import Pager, receive_receipt
from watchkeeper.policy import validate_policy
from watchkeeper.timeline import read_timeline


async def test_the_primary_is_paged_on_every_channel_of_the_severity(house: KernelHouse) -> None:
    admission = await house.hear()
    assert admission.opened
    (text,) = house.phone(ANA)
    assert text.startswith("P0 INC-0001")
    assert "Backend is down" in text
    assert len(text) <= 160
    assert house.channels[Channel.EMAIL].sent[0][0] == "ana@example.com"
    assert house.channels[Channel.SLACK].sent[0][0] == "#incidents"
    assert house.channels[Channel.VOICE].texts(ANA)


async def test_a_storm_of_alerts_with_one_cause_is_one_page(house: KernelHouse) -> None:
    async def tell(number: int) -> None:
        await house.hear(fingerprint=f"site:{number % 7}", delivery_id=str(number))

    for start in range(0, 700, 50):
        await asyncio.gather(*(tell(number) for number in range(start, start + 50)))
    assert len(await list_open(house.store)) == 1
    assert len(house.phone(ANA)) == 1
    row = await house.store.one("alerts/count", incident_id=1)
    assert row and row["alerts"] == 700


async def test_a_repeated_delivery_is_one_alert(house: KernelHouse) -> None:
    first = await house.hear(delivery_id="d1")
    again = await house.hear(delivery_id="d1")
    assert again.incident_id == first.incident_id
    assert again.reason == "delivered_before"


async def test_the_databases_outage_is_one_incident_about_the_database(house: KernelHouse) -> None:
    await house.hear(kind="high_error_rate", summary="errors")
    await house.hear(fingerprint="db", service="database", kind="database_down", summary="Database is down")
    (incident,) = await list_open(house.store)
    assert (incident.kind, incident.service, incident.severity) == ("database_down", "database", "P0")


async def test_an_incident_that_gets_worse_pages_louder_and_tightens_its_deadlines(
    house: KernelHouse,
) -> None:
    admission = await house.hear(fingerprint="errors", kind="high_error_rate", summary="errors")
    assert house.phone(BEN) == []
    await house.hear(fingerprint="site", kind="site_outage", summary="Backend is down")
    (incident,) = await list_open(house.store)
    assert (incident.id, incident.kind, incident.severity) == (admission.incident_id, "site_outage", "P0")
    assert len(house.channels[Channel.VOICE].sent) == 1
    due = {d.kind: d.due_at for d in await read_deadlines(house.store, incident.id)}
    assert due[DeadlineKind.ACKNOWLEDGE] - incident.detected_at == timedelta(minutes=15)
    await house.pass_time(seconds=0)
    assert len(house.phone(BEN)) == 1
    chat = [message.text for _, message in house.channels[Channel.SLACK].sent]
    assert [text for text in chat if "It got worse: now P0 site outage of backend" in text]


async def test_a_ticket_that_gets_worse_is_announced_once(house: KernelHouse) -> None:
    await house.hear(fingerprint="typo", kind="other", summary="A typo")
    assert house.channels[Channel.SLACK].sent == []
    await house.hear(fingerprint="site", kind="site_outage", summary="Backend is down")
    assert len(house.channels[Channel.SLACK].sent) == 1


async def test_a_ticket_is_no_news_in_the_teams_channel(house: KernelHouse) -> None:
    await house.hear(fingerprint="typo", kind="other", summary="A typo")
    await handed_over(house)
    await house.pager.send_all_due()
    assert house.channels[Channel.EMAIL].sent
    assert house.channels[Channel.SLACK].sent == []


async def test_who_was_first_woken_by_a_hand_over_hears_that_it_is_over(house: KernelHouse) -> None:
    await house.hear(kind="high_error_rate", summary="errors")
    assert house.phone(BEN) == []
    await handed_over(house)
    await house.pager.send_all_due()
    assert len(house.phone(BEN)) == 1
    async with house.store.transaction() as db:
        incident = await read_incident(db, 1)
        await close_by_hand(db, house.desk, incident, person="Ana", reason="mended", now=house.clock())
    await house.pager.send_all_due()
    assert "resolved" in house.phone(BEN)[-1].lower()


async def test_a_milder_alert_changes_nothing(house: KernelHouse) -> None:
    await house.hear(fingerprint="site", kind="site_outage", summary="Backend is down")
    before = {name: len(phone.sent) for name, phone in house.channels.items()}
    await house.hear(fingerprint="errors", kind="high_error_rate", summary="errors")
    (incident,) = await list_open(house.store)
    assert (incident.kind, incident.severity, incident.summary) == ("site_outage", "P0", "Backend is down")
    assert {name: len(phone.sent) for name, phone in house.channels.items()} == before


async def test_p0_goes_to_the_secondary_at_once_and_again_to_both_when_nobody_answers(
    house: KernelHouse,
) -> None:
    await house.hear()
    assert house.phone(BEN) == []
    await house.pass_time(seconds=0)
    assert len(house.phone(BEN)) == 1
    await house.pass_time(minutes=15)
    assert "Ana has not answered" in house.phone(BEN)[-1]
    assert "Ana has not answered" in house.phone(ANA)[-1]
    before = len(house.phone(BEN))
    await house.pass_time(minutes=15)
    assert len(house.phone(BEN)) == before + 1


async def test_acknowledging_stops_the_paging_and_meets_the_deadline(house: KernelHouse) -> None:
    await house.hear()
    async with house.store.transaction() as db:
        answer = await answer_by_link(
            db, PUBLIC_URL, link_id(house.phone(ANA)[0]), Verb.ACKNOWLEDGE, now=house.clock()
        )
    assert answer.refusal is None
    assert not answer.already
    await house.pass_time(minutes=20)
    assert len(house.phone(ANA)) == 1
    deadlines = await read_deadlines(house.store, 1)
    (acknowledge,) = [d for d in deadlines if d.kind is DeadlineKind.ACKNOWLEDGE]
    assert acknowledge.state is DeadlineState.MET


async def test_a_second_tap_says_who_has_it_and_changes_nothing(house: KernelHouse) -> None:
    await house.hear()
    link = link_id(house.phone(ANA)[0])
    for already in (False, True):
        async with house.store.transaction() as db:
            answer = await answer_by_link(db, PUBLIC_URL, link, Verb.ACKNOWLEDGE, now=house.clock())
        assert answer.already is already
    incident = await read_incident(house.store, 1)
    assert incident.acknowledged_by == "ana"


async def test_an_old_acknowledge_link_has_expired(house: KernelHouse) -> None:
    await house.hear()
    house.clock.advance(hours=25)
    async with house.store.transaction() as db:
        answer = await answer_by_link(
            db, PUBLIC_URL, link_id(house.phone(ANA)[0]), Verb.ACKNOWLEDGE, now=house.clock()
        )
    assert answer.refusal == "expired"


async def test_links_wait_in_the_outbox_without_their_signature(house: KernelHouse) -> None:
    await house.hear()
    token = house.phone(ANA)[0].rpartition("/")[2]
    assert house.signer.read(token) == link_id(house.phone(ANA)[0])
    for notification in await read_notifications(house.store, 1):
        assert token not in notification.message.model_dump_json()


async def test_a_channel_that_is_down_is_tried_again_and_then_another_takes_over(house: KernelHouse) -> None:
    down = VendorUnavailable(vendor="twilio", action="send_sms", status=503)
    house.channels[Channel.SMS].failures = [down] * 4
    house.channels[Channel.VOICE].failures = [VendorRejected(vendor="twilio", action="call", status=400)]
    await house.hear(severity="P1")
    assert house.phone(ANA) == []
    for _ in range(4):
        await house.pass_time(seconds=9)
    told = {(n.channel, n.state) for n in await read_notifications(house.store, 1) if n.recipient == "ana"}
    assert ("sms", "failed") in told
    assert ("voice", "failed") in told
    assert ("email", "sent") in told


async def test_the_secondary_is_paged_when_no_channel_reaches_the_primary(house: KernelHouse) -> None:
    refused = VendorRejected(vendor="any", action="send", status=400)
    for channel in (Channel.SMS, Channel.VOICE, Channel.EMAIL):
        house.channels[channel].failures = [refused]
    await house.hear(severity="P0")
    assert house.phone(BEN)


async def test_an_undelivered_text_goes_on_to_the_next_channel(house: KernelHouse) -> None:
    await house.hear(severity="P1")
    (sms,) = [n for n in await read_notifications(house.store, 1) if n.channel is Channel.SMS]
    async with house.store.transaction() as db:
        await receive_receipt(db, house.desk, sms.id, delivered=False, detail="30003", now=house.clock())
    await house.pager.send_all_due()
    assert house.channels[Channel.VOICE].texts(ANA)


async def test_somebody_whom_the_policy_names_no_more_is_paged_for_what_began_before(
    house: KernelHouse,
) -> None:
    await house.hear(severity="P1")
    later = house.desk.policy.model_dump(mode="json")
    later["people"]["cleo"] = later["people"].pop("ana")
    later["roster"]["primary"] = "cleo"
    house.pager._desk = Desk(validate_policy(later, source="later"), house.desk.public_url)
    await house.pass_time(minutes=45)
    assert house.channels[Channel.VOICE].texts(ANA)


async def test_a_receipt_that_overtakes_the_vendors_answer_is_believed(house: KernelHouse) -> None:
    class Hasty(Phone):
        async def send(self, address: str, message: Message, **how: Any) -> Receipt:
            (sms,) = [n for n in await read_notifications(house.store, 1) if n.channel is Channel.SMS]
            async with house.store.transaction() as db:
                told = {"delivered": False, "detail": "30003", "now": house.clock()}
                await receive_receipt(db, house.desk, sms.id, **told)
            return await super().send(address, message, **how)

    house.channels[Channel.SMS] = Hasty()
    await house.hear(severity="P1")
    (sms,) = [n for n in await read_notifications(house.store, 1) if n.channel is Channel.SMS]
    assert (sms.state, sms.error) == ("failed", "undelivered: 30003")
    assert house.channels[Channel.VOICE].texts(ANA)


async def test_a_pager_that_died_while_sending_loses_its_lease_and_the_page_goes_out(
    house: KernelHouse,
) -> None:
    async with house.store.transaction() as db:
        await admit(db, house.desk, site_is_down(house), now=house.clock())
    lease = house.clock() + timedelta(seconds=30)
    taken = await house.store.all("outbox/claim", now=house.clock(), lease_until=lease, limit=20)
    assert taken
    await house.pass_time(seconds=29)
    assert len(house.phone(ANA)) == 0
    await house.pass_time(seconds=2)
    assert len(house.phone(ANA)) == 1


def site_is_down(house: KernelHouse) -> Alert:
    return Alert(
        source="generic",
        fingerprint="site",
        service="backend",
        kind=Kind.SITE_OUTAGE,
        summary="Backend is down",
        started_at=house.clock(),
    )


async def test_a_response_that_fell_silent_is_started_again_and_at_last_handed_over(
    house: KernelHouse,
) -> None:
    await house.hear()
    for attempt in range(1, MAX_ATTEMPTS + 1):
        await finish_motor_jobs(house)
        async with house.store.transaction() as db:
            incident = await take_lease(
                db, 1, attempt=attempt, holder=f"run{attempt}", lease=timedelta(seconds=2), now=house.clock()
            )
        assert incident.attempt == attempt
        await house.pass_time(seconds=3)
    incident = await read_incident(house.store, 1)
    assert incident.waiting_for == "person"
    assert "needs YOU" in house.phone(ANA)[-1]


async def finish_motor_jobs(house: KernelHouse) -> None:
    """Stand for a Prefect that took every request."""
    for row in await house.store.all("motor/claim", now=house.clock(), lease_until=house.clock(), limit=100):
        await house.store.run("motor/done", key=row["key"], state="done", error=None)


async def test_everything_is_on_the_timeline(house: KernelHouse) -> None:
    await house.hear()
    kinds = [entry.kind for entry in await read_timeline(house.store, 1)]
    assert kinds[:2] == ["alert", "decision"]
    assert "page" in kinds


async def test_an_issue_alert_of_sentrys_does_not_keep_an_incident_open(house: KernelHouse) -> None:
    """It has no end: its sender never says that it is over."""
    admission = await house.hear(fingerprint="sentry:issue:1", ends=False)
    await house.hear(fingerprint="site")
    incident = await read_incident(house.store, admission.incident_id or 0)
    async with house.store.transaction() as db:
        await give_up(db, incident, house.desk.public_url, now=house.clock())
    await house.pass_time(minutes=1)
    assert (await read_incident(house.store, incident.id)).waiting_for == "person"
    await house.hear(fingerprint="site", firing=False)
    await house.pass_time(seconds=1)
    assert (await read_incident(house.store, incident.id)).attempt == incident.attempt + 1


async def test_what_was_quiet_before_it_was_handed_over_is_looked_at_ever_more_rarely(
    house: KernelHouse,
) -> None:
    await house.hear(fingerprint="site")
    await house.hear(fingerprint="site", firing=False)
    await handed_over(house)
    await house.pass_time(minutes=14)
    assert (await read_incident(house.store, 1)).waiting_for == "person"
    await house.pass_time(minutes=1)
    watched = await read_incident(house.store, 1)
    assert (watched.status, watched.attempt, watched.waiting_for) == (Status.MONITORING, 2, None)
    for attempt, minutes in ((2, 30), (3, 60), (4, 120)):
        await handed_over(house)
        await house.pass_time(minutes=minutes - 1)
        assert (await read_incident(house.store, 1)).waiting_for == "person"
        await house.pass_time(minutes=1)
        assert (await read_incident(house.store, 1)).attempt == attempt + 1
    await handed_over(house)
    await house.pass_time(hours=48)
    assert (await read_incident(house.store, 1)).waiting_for == "person"


async def test_what_still_fires_when_it_is_handed_over_is_left_to_the_person(house: KernelHouse) -> None:
    await house.hear(fingerprint="site")
    await handed_over(house)
    await house.pass_time(hours=1)
    assert (await read_incident(house.store, 1)).waiting_for == "person"


async def handed_over(house: KernelHouse) -> None:
    async with house.store.transaction() as db:
        await give_up(db, await read_incident(db, 1), house.desk.public_url, now=house.clock())


async def test_the_team_hears_every_half_hour_where_a_p0_stands(house: KernelHouse) -> None:
    await house.hear()
    chat = house.channels[Channel.SLACK].sent
    for lasting in ("30 minutes", "1 hour"):
        before = len(chat)
        await house.pass_time(minutes=30)
        (update,) = [message.text for _, message in chat[before:] if "Still" in message.text]
        assert f"for {lasting}" in update
        assert "Next update by" in update


async def test_a_vendor_that_hangs_delays_no_other_page(house: KernelHouse) -> None:
    answered = asyncio.Event()
    voice = house.channels[Channel.VOICE]
    house.channels[Channel.VOICE] = hanging = Hanging(answered)
    house.pager = Pager(house.store, house.channels, house.desk, house.signer, house.clock)
    async with house.store.transaction() as db:
        await admit(db, house.desk, house.alert(fingerprint="one"), now=house.clock())
    await house.pager.start_due()
    await hanging.reached.wait()
    house.clock.advance(hours=2)
    async with house.store.transaction() as db:
        await admit(db, house.desk, house.alert(fingerprint="two", service="redis"), now=house.clock())
    await house.pager.start_due()
    async with asyncio.timeout(5):
        while not any("INC-0002" in text for text in house.phone(ANA)):
            await asyncio.sleep(0.01)
    answered.set()
    await house.pager.finish()
    assert voice.sent == []


class Hanging(Phone):
    """A vendor that answers when the test says so."""

    def __init__(self, answered: asyncio.Event) -> None:
        super().__init__()
        self.reached = asyncio.Event()
        self._answered = answered

    async def send(self, address: str, message: Message, **more: Any) -> Receipt:
        self.reached.set()
        await self._answered.wait()
        return await super().send(address, message, **more)
