"""What a text message means, and what is said back. Pure."""

import re
from collections.abc import Mapping, Sequence

from watchkeeper.answers.said import KEYS, Answer, Verb
from watchkeeper.links import CODE_DIGITS
from watchkeeper.messages import fit_sms
from watchkeeper.model import Data, Incident
from watchkeeper.rendering import clock_time, day_and_time

WORDS = {
    **KEYS,
    "ACK": Verb.ACKNOWLEDGE,
    "ACKNOWLEDGE": Verb.ACKNOWLEDGE,
    "WORKING": Verb.WORKING,
    "WORK": Verb.WORKING,
    "ESC": Verb.ESCALATE,
    "ESCALATE": Verb.ESCALATE,
    "HOLD": Verb.HOLD,
    "TAKE": Verb.TAKE,
    "DONE": Verb.RESOLVE,
    "RESOLVED": Verb.RESOLVE,
    "OK": Verb.APPROVE,
    "YES": Verb.APPROVE,
    "APPROVE": Verb.APPROVE,
    "NO": Verb.DENY,
    "DENY": Verb.DENY,
}
# The word that is suggested where an answer has to be given once more.
WORD_FOR = {
    Verb.ACKNOWLEDGE: "ACK",
    Verb.WORKING: "WORKING",
    Verb.ESCALATE: "ESC",
    Verb.HOLD: "HOLD",
    Verb.TAKE: "TAKE",
    Verb.RESOLVE: "DONE",
}
ON_PLANS = frozenset({Verb.APPROVE, Verb.DENY})
NAMED = re.compile(r"INC-?(\d{1,9})")
NUMBER = re.compile(r"\d{1,9}")
CODE = re.compile(rf"\d{{{CODE_DIGITS}}}")
REASON_LENGTH = 200

HELP = "Reply ACK, WORKING, ESC, HOLD or DONE (with a number, such as ACK 7, if several are open), or OK or NO with the code of a plan."


class Reply(Data):
    """A text message, understood as far as it could be.

    Attributes:
        incident_id: of the incident that was written as one, "INC-0007" or "inc 7".
        number: a bare number after the verb. It may be an incident's, or begin the reason: "DONE 2 pods restarted".
        reason: what follows the verb, the code and the named incident; a bare number stands apart from it.
    """

    verb: Verb | None = None
    incident_id: int | None = None
    number: int | None = None
    code: str | None = None
    reason: str = ""

    @property
    def whole_reason(self) -> str:
        """The reason where the bare number belongs to it."""
        return f"{self.number} {self.reason}".strip() if self.number is not None else self.reason


def understand(text: str) -> Reply:
    """The verb is the first word; an incident's number or a plan's code may follow, and then a reason."""
    first, *rest = text.split() or [""]
    verb = WORDS.get(_bare(first))
    if verb is None:
        return Reply()
    if rest and _bare(rest[0]) == "INC" and len(rest) > 1:
        rest = [f"INC{rest[1]}", *rest[2:]] if NUMBER.fullmatch(_bare(rest[1])) else rest
    second, after = (_bare(rest[0]), _reason(rest[1:])) if rest else ("", "")
    if verb in ON_PLANS:
        code = CODE.fullmatch(second)
        return Reply(verb=verb, code=second, reason=after) if code else Reply(verb=verb, reason=_reason(rest))
    if named := NAMED.fullmatch(second):
        return Reply(verb=verb, incident_id=int(named[1]), reason=after)
    if NUMBER.fullmatch(second):
        return Reply(verb=verb, number=int(second), reason=after)
    return Reply(verb=verb, reason=_reason(rest))


def _bare(word: str) -> str:
    return word.upper().strip(".,!?:;#\"'")


def _reason(words: Sequence[str]) -> str:
    return " ".join(words)[:REASON_LENGTH]


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
    until = f"{day_and_time(answer.until, answer.at or answer.until)}Z" if answer.until else ""
    asked = f" Nobody asks before {until}." if until else ""
    others = ", ".join(names.get(handle, handle) for handle in answer.others)
    had_it = names.get(answer.had_it, answer.had_it)
    plan = answer.remediation.plan.summary if answer.remediation else ""
    if answer.already:
        return _already(answer, incident, names)
    return {
        Verb.ACKNOWLEDGE: f"{incident.number} is yours. Reply WORKING, ESC, HOLD or DONE.",
        Verb.WORKING: f"{incident.number}: you are working on it.{asked}",
        Verb.HOLD: f"{incident.number} is held until {until}, then it comes back to you.",
        Verb.ESCALATE: f"{incident.number} is escalated: {others} paged.",
        Verb.TAKE: f"{incident.number} is yours now{f'; {had_it} is told' if had_it else ''}. Reply WORKING, ESC, HOLD or DONE.",
        Verb.RESOLVE: f"{incident.number} is closed. Whoever was told of it is told.",
        Verb.APPROVE: f"Approved: {plan}. It is carried out now, once, and watched.",
        Verb.DENY: f"Denied: {plan}. Nothing was changed.",
    }[answer.verb]


def _already(answer: Answer, incident: Incident, names: Mapping[str, str]) -> str:
    has_it = names.get(incident.acknowledged_by or "", incident.acknowledged_by or "nobody")
    since = incident.held_since or incident.acknowledged_at
    if answer.verb in (Verb.ACKNOWLEDGE, Verb.TAKE) and since:
        may_take = " Reply TAKE to take it over." if answer.could_take else ""
        return f"{incident.number}: {has_it} has it since {clock_time(since)}Z.{may_take}"
    if answer.verb is Verb.ESCALATE:
        return f"{incident.number} was escalated a moment ago; nobody is paged twice."
    return f"{incident.number}: that is noted already."


def _refused(answer: Answer) -> str:
    number = answer.incident.number if answer.incident else "It"
    several = ", ".join(answer.open_numbers)
    word = WORD_FOR.get(answer.verb or Verb.ACKNOWLEDGE, "ACK")
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
        "name_it": f"Nothing was done: is {number} meant? Then reply {word} {number}. You were told of: {several or 'nothing else'}.",
    }.get(answer.refusal or "", HELP)
