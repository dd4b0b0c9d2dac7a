"""What `watchkeeper doctor` looks at: is this installation able to notice, to wake somebody, and to act?"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

import httpx
import psycopg

from watchkeeper.clock import utc_now
from watchkeeper.errors import BadInput, NotConfigured, StoreUnavailable
from watchkeeper.guarding import read_set_aside
from watchkeeper.intake.spool import unusable
from watchkeeper.model import Channel, Severity
from watchkeeper.oncall import on_call
from watchkeeper.paging.proving import Proof, last_proof
from watchkeeper.policy import Policy
from watchkeeper.rendering import duration
from watchkeeper.settings import Settings
from watchkeeper.store import open_store
from watchkeeper.tls import tls_context
from watchkeeper.trying import examine_template, own_templates

ANSWER_SECONDS = 3
# Of what is set aside, so much is told; the rest is only counted.
WORK_SHOWN = 5
# A proof begins a little after its time, and takes up to a minute.
PROOF_GRACE = timedelta(minutes=2)


class Verdict(StrEnum):
    OK = "ok"
    NOT_CONFIGURED = "not configured"
    WARNING = "warning"
    FATAL = "fatal"


@dataclass(frozen=True)
class Examination:
    """One thing that was looked at. `text` says what is so, and for a problem what to do."""

    what: str
    verdict: Verdict
    text: str


async def examine(settings: Settings) -> list[Examination]:
    """Look at everything that this installation needs."""
    return [
        *examine_policy(settings),
        await examine_store(settings),
        await examine_work(settings),
        await examine_proof(settings),
        await examine_prefect(settings),
        *examine_vendors(settings),
        examine_status_page(settings),
        *examine_templates(settings.templates_folder),
    ]


def examine_policy(settings: Settings) -> Iterator[Examination]:
    """Whether the policy is valid and, if it is, whom it would wake."""
    try:
        policy = settings.policy()
    except BadInput as error:
        yield Examination("policy", Verdict.FATAL, str(error))
        return
    source = settings.policy_file or "policy.default.yaml"
    yield Examination("policy", Verdict.OK, f"{source}: {len(policy.services)} services")
    shift = on_call(policy, [], utc_now())
    roles = {shift.primary: "on call, primary"}
    if shift.secondary:
        roles[shift.secondary] = "on call, secondary"
    for handle in dict.fromkeys([*shift.people, *policy.roster.regulars()]):
        yield examine_person(roles.get(handle, "on call, later"), handle, policy, settings)
    if contact := policy.roster.trusted_contact:
        yield examine_contact(contact, policy)
    elif shift.secondary is None:
        text = "nobody could wake the one on call; name one as roster.trusted_contact"
        yield Examination("trusted contact", Verdict.WARNING, text)


def examine_contact(handle: str, policy: Policy) -> Examination:
    """Whether whoever is to wake the people on call can be called up."""
    contact = policy.people[handle]
    if contact.phone:
        return Examination("trusted contact", Verdict.OK, f"{contact.name}, by phone")
    text = f"{contact.name} has no phone; give people.{handle} one"
    return Examination("trusted contact", Verdict.WARNING, text)


def examine_person(what: str, handle: str, policy: Policy, settings: Settings) -> Examination:
    """Whether this person can be paged when production is down."""
    person, configured = policy.people[handle], channels_configured(settings)
    wanted = policy.rule(Severity.P0).channels
    reaching = [channel for channel in wanted if channel in configured and person.address(channel)]
    if reaching:
        return Examination(what, Verdict.OK, f"{person.name}, by {', '.join(reaching)}")
    return Examination(
        what,
        Verdict.WARNING,
        f"{person.name} cannot be reached by any channel of a P0 ({', '.join(wanted)}); "
        f"configure one, and give people.{handle} its address",
    )


def channels_configured(settings: Settings) -> set[Channel]:
    """The channels whose vendor has credentials here."""
    vendors = {
        Channel.SMS: settings.twilio,
        Channel.VOICE: settings.twilio,
        Channel.EMAIL: settings.sendgrid,
        Channel.SLACK: settings.slack,
        Channel.STATUS_PAGE: settings.statuspage or settings.status_folder,
    }
    return {channel for channel, vendor in vendors.items() if vendor is not None}


async def examine_store(settings: Settings) -> Examination:
    """Whether the incident store answers. Nothing works without it for long."""
    try:
        url = settings.store_url()
    except NotConfigured as error:
        return Examination("incident store", Verdict.FATAL, f"{error}, or start `watchkeeper up`")
    try:
        connection = await psycopg.AsyncConnection.connect(url, connect_timeout=ANSWER_SECONDS)
    except psycopg.OperationalError as error:
        # The error's first line says what is wrong; none of it repeats the password.
        reason = str(error).splitlines()[0]
        return Examination("incident store", Verdict.FATAL, f"does not answer: {reason}")
    async with connection:
        return Examination(
            "incident store", Verdict.OK, f"PostgreSQL {connection.info.server_version // 10000}"
        )


async def examine_work(settings: Settings) -> Examination:
    """What could not be done so far, and is tried again."""
    what = "work"
    try:
        async with open_store(settings.store_url(), wait_seconds=ANSWER_SECONDS) as store:
            aside = await read_set_aside(store)
    except (NotConfigured, StoreUnavailable, psycopg.errors.UndefinedTable):
        return Examination(what, Verdict.WARNING, "not known: the incident store does not tell")
    troubles = [each.in_words() for each in aside]
    troubles += [f"{file} cannot be admitted" for file in unusable(settings.home)]
    if not troubles:
        return Examination(what, Verdict.OK, "nothing is set aside")
    return Examination(
        what, Verdict.WARNING, "; ".join([f"{len(troubles)} set aside", *troubles[:WORK_SHOWN]])
    )


async def examine_proof(settings: Settings) -> Examination:
    """When it was last proven that somebody can be woken."""
    what = "able to wake you"
    try:
        async with open_store(settings.store_url(), wait_seconds=ANSWER_SECONDS) as store:
            proof = await last_proof(store)
    except (NotConfigured, StoreUnavailable, psycopg.errors.UndefinedTable):
        return Examination(what, Verdict.WARNING, "not known: the incident store does not tell")
    return judge_proof(proof, settings, now=utc_now())


def judge_proof(proof: Proof | None, settings: Settings, *, now: datetime) -> Examination:
    """A proof that failed or is overdue is a warning; without a heartbeat address nobody outside would notice."""
    what = "able to wake you"
    if proof is None or proof.proven_at is None:
        why = proof.error if proof and proof.error else "the intake proves it while it runs"
        return Examination(what, Verdict.WARNING, f"not proven yet: {why}")
    text = f"last proven {duration(now - proof.proven_at)} ago"
    if proof.error:
        return Examination(what, Verdict.WARNING, f"{text}; since then: {proof.error}")
    if now - proof.proven_at > 2 * settings.policy().proving.every + PROOF_GRACE:
        return Examination(what, Verdict.WARNING, f"{text}, which is too long ago; is the intake running?")
    if settings.heartbeat_url is None:
        return Examination(what, Verdict.OK, f"{text}; set WATCHKEEPER_HEARTBEAT_URL to be told if that ends")
    return Examination(what, Verdict.OK, text)


async def examine_prefect(settings: Settings) -> Examination:
    """Whether Prefect answers. Without it pages go out and clocks run, and responses wait."""
    address = settings.prefect_api_url
    try:
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS, verify=tls_context()) as client:
            answer = await client.get(f"{address}/health")
    except httpx.HTTPError as error:
        problem = type(error).__name__
    else:
        if answer.status_code == httpx.codes.OK:
            return Examination("prefect", Verdict.OK, address)
        problem = f"status {answer.status_code}"
    return Examination(
        "prefect", Verdict.WARNING, f"{address} does not answer ({problem}): people are paged, nothing is run"
    )


def examine_status_page(settings: Settings) -> Examination:
    """Where customers see that something is wrong, if anywhere."""
    if settings.statuspage is not None:
        return Examination("status page", Verdict.OK, f"Statuspage, page {settings.statuspage.page_id}")
    if settings.status_folder is not None:
        return Examination("status page", Verdict.OK, f"files in {settings.status_folder}")
    text = "set WATCHKEEPER_STATUSPAGE__* or WATCHKEEPER_STATUS_FOLDER to have one"
    return Examination("status page", Verdict.NOT_CONFIGURED, text)


def examine_templates(folder: Path | None) -> Iterator[Examination]:
    """Whether each of the team's own templates can be rendered; one that cannot gives way to the shipped one."""
    if folder is None:
        return
    for name in own_templates(folder):
        problem = examine_template(folder, name)
        verdict = Verdict.WARNING if problem else Verdict.OK
        yield Examination(f"template {name}", verdict, problem or "renders")


def examine_vendors(settings: Settings) -> Iterator[Examination]:
    """Which vendors have credentials; one without is skipped and stops nothing."""
    for name in (
        "twilio",
        "sendgrid",
        "slack",
        "uptimerobot",
        "sentry",
        "railway",
        "vercel",
        "github",
        "stripe",
        "supabase",
        "production",
        "redis_url",
        "gemini",
        "removebg",
        "upstash",
    ):
        prefix = f"WATCHKEEPER_{name.upper()}"
        if getattr(settings, name) is not None:
            yield Examination(name, Verdict.OK, "configured")
        else:
            variables = prefix if name == "redis_url" else f"{prefix}__*"
            yield Examination(name, Verdict.NOT_CONFIGURED, f"set {variables} to use it")
