"""Nights that somebody signed for on their own phone: over HTTP, by the vendors' own messages."""

from tests.stories.night import Night
from watchkeeper.closing import close_as_proved
from watchkeeper.incidents import change_status
from watchkeeper.model import Plan, RemediationState, Status
from watchkeeper.night.holding import gate_at_night
from watchkeeper.night.signatures import ask_for_signature
from watchkeeper.remediations import claim, finish, plan_remediation

STUCK = {"service": "worker", "kind": "worker_stuck", "summary": "Worker is stuck"}


async def sign(night: Night) -> str:
    """Ana is asked and signs on the page behind the link; gives the link."""
    async with night.store.transaction() as db:
        await ask_for_signature(
            db, night.desk, "worker_crashed", "ana", asked_by="ben", ends_at=None, now=night.clock()
        )
    await night.settle()
    link = night.ana.phone.link("n")
    assert "may this be done at night without waking you?" in (await night.ana.opens(link)).text
    page = await night.ana.sends(link, say="sign")
    assert page.status_code == 200 and "Signed, Ana" in page.text
    return link


async def restarted(night: Night) -> None:
    """The response does what was signed, and it works."""
    now, plan = (
        night.clock(),
        Plan(
            action="restart_service",
            target="worker",
            cause="worker_crashed",
            summary="Restart the worker",
            preview=[],
        ),
    )
    async with night.store.transaction() as db:
        incident = await night.incident()
        gated = await gate_at_night(db, night.desk, incident, plan, now=now)
        planned = await plan_remediation(db, incident, plan, night.desk.policy, step=1, now=now, gated=gated)
    claimed = await claim(night.store, planned, holder="run", now=now)
    await finish(night.store, claimed, RemediationState.DONE, "restarted", now=now)
    await change_status(night.store, 1, expected=list(Status), new=Status.MONITORING, now=now)


async def test_what_ana_signed_lets_her_sleep_and_the_page_says_so(night: Night) -> None:
    await sign(night)
    texts = len(night.ana.phone.texts)
    await night.hear(**STUCK)
    await restarted(night)
    await night.hear(**STUCK, firing=False)
    async with night.store.transaction() as db:
        closed = dict.fromkeys(("recovered_at", "healthy_at", "now"), night.clock())
        assert await close_as_proved(db, night.desk, await night.incident(), **closed)
    await night.pass_time(hours=2)
    assert len(night.ana.phone.texts) == texts and night.ana.phone.calls == []
    assert not any("you are on call" in mail["text"] for mail in night.mails("ana"))
    page = await night.ben.opens(night.house.signer.address(night.desk.incident_url(await night.incident())))
    assert "Nobody was woken: Ana had signed in advance" in page.text


async def test_ana_is_woken_when_nothing_cures_it(night: Night) -> None:
    await sign(night)
    await night.hear(**STUCK)
    page = await night.ben.opens(night.house.signer.address(night.desk.incident_url(await night.incident())))
    assert "whoever is on call is woken, unless a cure signed in advance has worked" in page.text
    await night.pass_time(minutes=15)
    assert "nothing tried" in night.ana.phone.texts[-1]


async def test_what_ana_takes_back_on_the_same_page_wakes_her_as_ever(night: Night) -> None:
    link = await sign(night)
    for _ in range(2):
        assert "Taken back" in (await night.ana.sends(link, say="withdraw")).text
    assert (await night.ana.opens(link)).status_code == 410
    await night.hear(**STUCK)
    assert night.ana.phone.texts[-1].startswith("P1 INC-0001")


async def test_a_link_that_is_forged_or_opened_by_a_scanner_signs_nothing(night: Night) -> None:
    link = await sign(night)
    assert (await night.ana.sends(link.replace("/n/n1.", "/n/n2."), say="sign")).status_code == 403
    assert (await night.ana.sends(link)).status_code == 422
    assert (
        await night.ana.sends(f"{night.desk.public_url}/n/{night.house.signer.token(1)}")
    ).status_code == 403
