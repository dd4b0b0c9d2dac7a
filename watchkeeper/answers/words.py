"""What a text message means, and what is said back. Pure."""

import re
from collections.abc import Mapping

from watchkeeper.answers.said import KEYS, Answer, Verb
from watchkeeper.links import CODE_DIGITS
from watchkeeper.messages import fit_sms
from watchkeeper.model import Data, Incident
from watchkeeper.rendering import clock_time

WORDS = {
    **KEYS,
    "ACK": Verb.ACKNOWLEDGE,
    "ACKNOWLEDGE": Verb.ACKNOWLEDGE,
    "WORKING": Verb.WORKING,
    "WORK": Verb.WORKING,
    "ESC": Verb.ESCALATE,
    "ESCALATE": Verb.ESCALATE,
    "HOLD": Verb.HOLD,
    "DONE": Verb.RESOLVE,
    "RESOLVED": Verb.RESOLVE,
    "OK": Verb.APPROVE,
    "YES": Verb.APPROVE,
    "APPROVE": Verb.APPROVE,
    "NO": Verb.DENY,
    "DENY": Verb.DENY,
}
ON_PLANS = frozenset({Verb.APPROVE, Verb.DENY})
NUMBER = re.compile(r"(?:INC-?)?(\d{1,9})")
CODE = re.compile(rf"\d{{{CODE_DIGITS}}}")
REASON_LENGTH = 200

HELP = "Reply ACK, WORKING, ESC, HOLD or DONE (with a number, such as ACK 7, if several are open), or OK or NO with the code of a plan."


class Reply(Data):
    """A text message, understood as far as it could be."""

    verb: Verb | None = None
    incident_id: int | None = None
    code: str | None = None
    reason: str = ""


def understand(text: str) -> Reply:
    """The verb is the first word; an incident's number or a plan's code may follow, and then a reason."""
    first, *rest = text.split() or [""]
    verb = WORDS.get(first.upper().strip(".,!?:;\"'"))
    if verb is None:
        return Reply()
    second = rest[0].upper().strip(".,!?:;#") if rest else ""
    found = (CODE if verb in ON_PLANS else NUMBER).fullmatch(second)
    reason = " ".join(rest[1:] if found else rest)[:REASON_LENGTH]
    if found is None:
        return Reply(verb=verb, reason=reason)
    if verb in ON_PLANS:
        return Reply(verb=verb, code=found[0], reason=reason)
    return Reply(verb=verb, incident_id=int(found[1]), reason=reason)


def said_back(answer: Answer, names: Mapping[str, str]) -> str:
    """What happened, as one text message."""
    words = _refused(answer) if answer.refusal else _done(answer, names)
    return fit_sms(words)


def said_in_full(answer: Answer, names: Mapping[str, str]) -> str:
    """What happened, where there is room for it: on a page or in Slack."""
    return (_refused(answer) if answer.refusal else _done(answer, names)).partition(" Reply ")[0]


def said_aloud(answer: Answer, names: Mapping[str, str]) -> str:
    """What happened, for the ear."""
    if answer.refusal in ("unknown", "expired"):
        return "This call's link has expired. Nothing was done."
    spoken = said_in_full(answer, names).replace("Z.", " U T C.").replace("Z,", " U T C,")
    incident = answer.incident
    return spoken.replace(incident.number, f"Incident {incident.id}") if incident else spoken


def _done(answer: Answer, names: Mapping[str, str]) -> str:
    incident = answer.incident
    if incident is None or answer.verb is None:
        return HELP
    until = f"{clock_time(answer.until)}Z" if answer.until else ""
    others = ", ".join(names.get(handle, handle) for handle in answer.others)
    plan = answer.remediation.plan.summary if answer.remediation else ""
    if answer.already:
        return _already(answer, incident, names)
    return {
        Verb.ACKNOWLEDGE: f"{incident.number} is yours. Reply WORKING, ESC, HOLD or DONE.",
        Verb.WORKING: f"{incident.number}: you are working on it. Nobody asks before {until}.",
        Verb.HOLD: f"{incident.number} is held until {until}, then it comes back to you.",
        Verb.ESCALATE: f"{incident.number} is escalated: {others} paged.",
        Verb.RESOLVE: f"{incident.number} is closed. Whoever was told of it is told.",
        Verb.APPROVE: f"Approved: {plan}. It is carried out now, once, and watched.",
        Verb.DENY: f"Denied: {plan}. Nothing was changed.",
    }[answer.verb]


def _already(answer: Answer, incident: Incident, names: Mapping[str, str]) -> str:
    has_it = names.get(incident.acknowledged_by or "", incident.acknowledged_by or "nobody")
    if answer.verb is Verb.ACKNOWLEDGE and incident.acknowledged_at:
        return f"{incident.number}: {has_it} has it since {clock_time(incident.acknowledged_at)}Z."
    if answer.verb is Verb.ESCALATE:
        return f"{incident.number} was escalated a moment ago; nobody is paged twice."
    return f"{incident.number}: that is noted already."


def _refused(answer: Answer) -> str:
    number = answer.incident.number if answer.incident else "It"
    several = ", ".join(answer.open_numbers)
    return {
        "over": f"{number} is over already. Nothing was done.",
        "alone": f"Nobody else is on call: {number} stays with you.",
        "expired": "That plan's time has run out. Nothing was done.",
        "used": "You have decided on that plan already. Nothing was done this time.",
        "too_late": "That plan was decided on, or its time ran out, before your answer. Nothing was done.",
        "changed_plan": "That plan has changed since. Nothing was done: open the newest message.",
        "wrong_code": "That is not a code of yours. Nothing was done: see the text that asks for your OK.",
        "too_many_codes": "Too many wrong codes. Nothing was done: use the link in the text instead.",
        "nothing_open": "Nothing is open that you were told of.",
        "which_one": f"Open: {several}. Say which, such as ACK {several.partition(',')[0].removeprefix('INC-').lstrip('0')}.",
    }.get(answer.refusal or "", HELP)
