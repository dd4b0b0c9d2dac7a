"""What people are told, in words. Pure functions from an incident to a message; the words are in `templates/`.

A text message (`short`) uses the GSM alphabet and fits 160 characters, link included: the summary gives way.
"""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from watchkeeper.decisions import status_in_words
from watchkeeper.figures.repeats import Words
from watchkeeper.links import blank_code
from watchkeeper.model import Finding, Incident, Remediation
from watchkeeper.paging.model import Button, Message
from watchkeeper.rendering import duration, one_line, render, render_own

SMS_LENGTH = 160
# The incident's number, since when, and the first words of what is down.
LEAST_TEXT = 44
SUBJECT_LENGTH = 78

# GSM 03.38's basic characters, which cost one septet each.
GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# What the basic alphabet lacks and a page may hold: the closest that it has.
PLAIN = {
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
    "\N{LEFT SINGLE QUOTATION MARK}": "'",
    "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{HORIZONTAL ELLIPSIS}": "...",
    "`": "'",
    "[": "(",
    "]": ")",
}

# What a person may answer to a page by text message.
PAGE_REPLIES = ("(reply ACK, WORKING, ESC or HOLD)", "(reply ACK)")

PROVED = "Every probe stayed green for the time that the policy asks for."
NOT_PROVED = "A person said so; the time of green probes that the policy asks for was not waited for."


def page(
    incident: Incident,
    person_name: str,
    *,
    now: datetime,
    acknowledge_link: str,
    incident_link: str,
    doing: str,
    before: Words | None = None,
    tried: str = "",
) -> Message:
    """What, since when, how bad, whether it was there before, what is being done, and the link that acknowledges.

    `tried` is what a text message says of changes that were made before anybody was woken.
    """
    return _message(
        "page",
        incident,
        now,
        subject=f"{incident.severity} {incident.number}: {incident.summary}",
        short=f"{incident.severity} {incident.number} {since(incident, now)}: {incident.summary}",
        link=acknowledge_link,
        after=tried or (before.short if before else ""),
        person=person_name,
        incident_link=incident_link,
        doing=doing,
        replies=PAGE_REPLIES,
        before=before.text if before else "",
    )


def ticket(
    incident: Incident, *, now: datetime, answer_by: str, acknowledge_link: str | None, incident_link: str
) -> Message:
    """For the working day: what it is, and by when somebody should have looked; with a link only to a person."""
    return _message(
        "ticket",
        incident,
        now,
        short=f"Ticket {incident.severity} {incident.number}: {incident.summary}",
        link=acknowledge_link,
        incident_link=incident_link,
        answer_by=answer_by,
    )


def escalation(
    incident: Incident, *, now: datetime, why: str, acknowledge_link: str, incident_link: str
) -> Message:
    """For the next person, or the same one again: why it comes to them."""
    return _message(
        "escalation",
        incident,
        now,
        short=f"{incident.severity} {incident.number}, {why}: {incident.summary}",
        link=acknowledge_link,
        incident_link=incident_link,
        why=why,
        replies=PAGE_REPLIES,
    )


def announcement(
    incident: Incident,
    *,
    now: datetime,
    status: str,
    eta: str | None,
    doing: Sequence[str],
    updates: Sequence[str],
    document_link: str,
    features: str,
    next_due: datetime | None,
) -> Message:
    """The guide's internal alert, its fields in its order."""
    text = render(
        "messages/announcement.txt.j2",
        incident=incident,
        status=status,
        eta=eta,
        doing=doing,
        updates=updates,
        link=document_link,
        features=features,
        next_due=next_due,
    )
    short = f"{incident.severity} {incident.number}: {incident.summary}"
    return Message(
        subject=_subject(short),
        text=text,
        short=fit_sms(short),
        link=document_link,
        buttons=answer_buttons(incident),
    )


def update(incident: Incident, *, now: datetime, text: str, next_due: datetime | None) -> Message:
    """One line for the incident's thread, with when the next is due."""
    due = f" Next update by {next_due:%H:%M} UTC." if next_due and incident.is_open else ""
    line = f"{now:%H:%M} UTC - {one_line(text)}{due}"
    return Message(subject=_subject(f"{incident.number}: {text}"), text=line, short=fit_sms(line))


def reminder(incident: Incident, *, now: datetime, due_at: datetime, draft: str, link: str) -> Message:
    """An update is promised, and would go out like this: to be sent with one tap, or said better."""
    return _message(
        "reminder",
        incident,
        now,
        subject=f"{incident.number}: update due at {due_at:%H:%M} UTC",
        short=f"{incident.number} update due {due_at:%H:%M}Z. Send it or edit it:",
        link=link,
        due_at=due_at,
        draft=draft,
    )


def mail_request(
    incident: Incident,
    mail_subject: str,
    mail_text: str,
    *,
    first_word: bool,
    again: bool,
    now: datetime,
    link: str,
) -> Message:
    """Customers are to be told, and a person says whether; `first_word` of an end whose start no mail told of."""
    return _message(
        "mail_request",
        incident,
        now,
        subject=f"{incident.number}: mail to customers{' still waits for you' if again else '?'}",
        short=f"{incident.number}: {'still waits: ' if again else ''}OK to mail customers? {mail_subject}",
        link=link,
        first_word=first_word,
        mail_subject=mail_subject,
        mail_text=mail_text,
    )


def mail_held_up(incident: Incident, mail_subject: str, why: str, *, now: datetime, link: str) -> Message:
    """Mail that was approved waits for somebody to mend what keeps it."""
    return _message(
        "mail_held_up",
        incident,
        now,
        subject=f"{incident.number}: the mail to customers cannot leave",
        short=f"{incident.number}: the mail to customers cannot leave: {why}",
        link=link,
        mail_subject=mail_subject,
        held_up_by=why,
    )


def batch_in_doubt(incident: Incident, size: int, category: str, *, now: datetime, link: str) -> Message:
    """Did a mail go out? Only a person can see."""
    return _message(
        "batch_in_doubt",
        incident,
        now,
        subject=f"{incident.number}: did the mail to {size} customers go out?",
        short=f"{incident.number}: did the mail to {size} customers go out? Look in SendGrid and say:",
        link=link,
        size=size,
        category=category,
    )


# So much of a plan's preview can be kept in mind on a call.
LINES_ALOUD = 4


def approval_request(
    incident: Incident, remediation: Remediation, *, now: datetime, approve_link: str, incident_link: str
) -> Message:
    """What would be done, and the link that shows it and decides. A call reads what it would touch aloud."""
    message = _message(
        "approval",
        incident,
        now,
        subject=f"{incident.number}: approve? {remediation.plan.summary}",
        short=f"{incident.number} needs your OK: {remediation.plan.summary}",
        link=approve_link,
        incident_link=incident_link,
        remediation=remediation,
        replies=approval_replies(approve_link),
    )
    aloud = ". ".join(one_line(line).rstrip(".") for line in remediation.plan.preview[:LINES_ALOUD])
    return message.model_copy(update={"spoken": f"{message.spoken}. {aloud}."})


def handover(
    incident: Incident,
    *,
    now: datetime,
    why: str,
    findings: Sequence[Finding],
    tried: Sequence[Remediation],
    incident_link: str,
) -> Message:
    """A person takes over: why, what was found and what was tried."""
    return _message(
        "handover",
        incident,
        now,
        subject=f"{incident.number} needs you: {why}",
        short=f"{incident.severity} {incident.number} needs YOU: {why}. {incident.summary}",
        link=incident_link,
        why=why,
        findings=findings,
        tried=tried,
    )


def resolved(
    incident: Incident,
    *,
    now: datetime,
    cause: str,
    resolution: str,
    proved: bool,
    question_link: str | None = None,
    to_test: str | None = None,
) -> Message:
    """It is over: for all who were told of the start. `proved` by readings, or said by a person.

    Whoever was woken is asked, behind `question_link`, whether it was worth it; whoever has it, to test `to_test` by hand.
    """
    lasted = duration((incident.resolved_at or now) - incident.detected_at)
    return _message(
        "resolved",
        incident,
        now,
        subject=f"Resolved after {lasted}: {incident.number} {incident.summary}",
        short=f"RESOLVED {incident.number} after {lasted}: {resolution}",
        link=question_link,
        cause=cause,
        resolution=resolution,
        lasted=lasted,
        proof=PROVED if proved else NOT_PROVED,
        to_test=to_test,
    )


def impact(incident: Incident) -> str:
    """The share of users affected, or that it is unknown."""
    if incident.users_affected_percent is None:
        return "share of users affected not known yet"
    return f"{incident.users_affected_percent:g} % of users affected"


def since(incident: Incident, now: datetime) -> str:
    began = incident.started_at
    return f"since {began:%H:%M}Z" if began.date() == now.date() else f"since {began.day} {began:%b %H:%M}Z"


def _message(
    name: str,
    incident: Incident,
    now: datetime,
    *,
    short: str,
    link: str | None,
    subject: str | None = None,
    replies: Sequence[str] = (),
    after: str = "",
    **values: Any,
) -> Message:
    known = {
        "incident": incident,
        "now": now,
        "link": link,
        "impact": impact(incident),
        "status": status_in_words(incident.status),
        **values,
    }
    # A team may have words of its own for these two as well.
    subject = render_own(f"messages/{name}.subject.j2", subject or short, **known)
    short = render_own(f"messages/{name}.short.j2", short, **known)
    return Message(
        subject=_subject(subject),
        text=render(f"messages/{name}.txt.j2", **known).strip() + "\n",
        html=render(f"messages/{name}.html.j2", **known),
        short=fit_sms(short, link, replies, after),
        spoken=spoken(incident, short),
        link=link,
    )


def spoken(incident: Incident, short: str) -> str:
    """For the ear: the severity and number as a person would say them."""
    words = one_line(short).replace(incident.number, f"incident {incident.id}")
    return (
        f"This is Watchkeeper. {words.replace(f'{incident.severity} ', f'Severity {incident.severity}. ', 1)}"
    )


def answer_buttons(incident: Incident) -> list[Button]:
    """What can be said of an incident below its post in the team's channel."""
    value = str(incident.id)
    return [
        Button(label="Acknowledge", verb="acknowledge", value=value, style="primary"),
        Button(label="Working on it", verb="working", value=value),
        Button(label="Next person", verb="escalate", value=value),
        Button(label="Hold", verb="hold", value=value),
        Button(
            label="It is over",
            verb="resolve",
            value=value,
            sure="Whoever was told of it is told that it is over.",
        ),
    ]


def approval_post(incident: Incident, remediation: Remediation) -> Message:
    """The same plan for the team's channel, where whoever was asked may decide by a button, bound to this plan."""
    text = render("messages/approval_post.txt.j2", incident=incident, remediation=remediation).strip() + "\n"
    value = f"{remediation.id}:{remediation.plan_digest[:16]}"
    buttons = [
        Button(label="Approve", verb="approve", value=value, style="primary"),
        Button(label="Deny", verb="deny", value=value, style="danger"),
    ]
    short = f"{incident.number} needs an OK: {remediation.plan.summary}"
    return Message(subject=_subject(short), text=text, short=fit_sms(short), buttons=buttons)


def approval_replies(approve_link: str) -> list[str]:
    """How to decide by text message: the code is this person's own, for exactly this plan."""
    code = blank_code(approve_link)
    return [f"(reply OK {code} or NO {code})", f"(reply OK/NO {code})"]


def _subject(text: str) -> str:
    flat = one_line(text)
    return flat if len(flat) <= SUBJECT_LENGTH else flat[: SUBJECT_LENGTH - 3] + "..."


def fit_sms(text: str, link: str | None = None, replies: Sequence[str] = (), after: str = "") -> str:
    """One segment of the GSM alphabet: the text is cut, the link never is.

    `replies` say what to answer, longest first; the first of them that leaves the text whole is taken, else the last.
    `after` is a last word that stays whole, where enough of the text stays readable beside it.
    """
    plain = gsm(one_line(text))
    tails = ["".join(f" {part}" for part in (reply, link) if part) for reply in replies or ("",)]
    if after and len(after) + 1 + len(tails[-1]) <= SMS_LENGTH - LEAST_TEXT:
        tails = [f" {gsm(after)}{tail}" for tail in tails]
    tail = next((each for each in tails if len(plain) + len(each) <= SMS_LENGTH), tails[-1])
    room = SMS_LENGTH - len(tail)
    return (plain if len(plain) <= room else plain[: max(room - 3, 0)] + "...") + tail


def gsm(text: str) -> str:
    """The text in GSM 03.38's basic alphabet; what has no likeness in it becomes a question mark."""
    spelled = "".join(PLAIN.get(letter, letter) for letter in text)
    return "".join(letter if letter in GSM else _likeness(letter) for letter in spelled)


def _likeness(letter: str) -> str:
    base = unicodedata.normalize("NFKD", letter)[0]
    return base if base in GSM else "?"
