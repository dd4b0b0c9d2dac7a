"""The ladder: whom an unanswered page goes to next, and how loudly. Pure; the guide's table says when."""

from datetime import timedelta
from typing import NamedTuple

from watchkeeper.decisions import LOUDNESS, Route, routes_to_person
from watchkeeper.model import Channel, Severity
from watchkeeper.oncall import Shift
from watchkeeper.policy import Policy

# What makes a sound.
RINGING = (Channel.SMS, Channel.VOICE)


class Rung(NamedTuple):
    """One step: whom to page, by which channels, and whether the trusted contact is asked to wake them."""

    people: list[str]
    channels: list[Channel]
    asks_contact: bool

    def routes(self, policy: Policy) -> list[Route]:
        """Whoever has no phone is asked by what they have."""
        found = (
            routes_to_person(person, self.channels, policy) or routes_to_person(person, LOUDNESS, policy)
            for person in self.people
        )
        return [route for routes in found for route in routes]


def rung(number: int, severity: Severity, policy: Policy, shift: Shift) -> Rung:
    """What follows when an answer is overdue for the `number`-th time (1, 2, ...).

    Everyone on call by the severity's channels and a louder one; from then on by what rings, and the trusted contact
    too, until somebody answers: another email wakes nobody. A severity that the guide does not escalate is only said
    again, and no louder.
    """
    if policy.rule(severity).escalate_after is None:
        return Rung(shift.in_turn, own_channels(severity, policy), asks_contact=False)
    return Rung(
        people=shift.in_turn,
        channels=louder_channels(severity, policy) if number == 1 else list(RINGING),
        # The contact is no engineer and sleeps too: every third time is often enough.
        asks_contact=number > 1 and (number - 2) % 3 == 0,
    )


def ask_again_after(number: int, severity: Severity, policy: Policy) -> timedelta:
    """How long after the `number`-th overdue answer the next one is overdue: longer each time, up to the policy's limit."""
    rule = policy.rule(severity)
    every = rule.ask_again_every
    if rule.escalate_after is None or every is None:
        return rule.acknowledge_within
    return min(number * every, max(every, rule.ask_again_at_least_every or every))


def own_channels(severity: Severity, policy: Policy) -> list[Channel]:
    """The channels of a severity's row that reach one person."""
    return [c for c in policy.rule(severity).channels if c in LOUDNESS and c is not Channel.SLACK]


def louder_channels(severity: Severity, policy: Policy) -> list[Channel]:
    """The severity's own channels and one that is louder, where there is one."""
    own = own_channels(severity, policy)
    louder = [channel for channel in LOUDNESS if channel not in own and channel is not Channel.SLACK]
    return [*own, *louder[:1]]


def escalates_at_once(severity: Severity, policy: Policy) -> bool:
    return policy.rule(severity).escalate_after == timedelta()


def calls_after(severity: Severity, policy: Policy) -> timedelta | None:
    """When whoever was paged is called, before their answer is overdue: soon and again where the severity's pages ring,
    else once, in time for an answer that keeps the promise."""
    rule = policy.rule(severity)
    every = rule.ask_again_every
    if rule.escalate_after is None or every is None or every >= rule.acknowledge_within:
        return None
    return every if Channel.VOICE in rule.channels else rule.acknowledge_within - every


def call_routes(severity: Severity, policy: Policy, shift: Shift) -> list[Route]:
    """The loudest way to everyone who was paged."""
    people = shift.in_turn if escalates_at_once(severity, policy) else [shift.first]
    channels = louder_channels(severity, policy)
    return [route for person in people for route in routes_to_person(person, channels, policy)[:1]]


def next_routes(severity: Severity, policy: Policy, shift: Shift, has_it: str | None = None) -> list[Route]:
    """Whoever does not have it yet, by the severity's channels; nobody where one person is alone on call."""
    others = [handle for handle in shift.in_turn if handle != (has_it or shift.first)]
    return routes_to_person(others[0], own_channels(severity, policy), policy) if others else []


def everyone(policy: Policy, shift: Shift) -> list[Route]:
    """Everyone on call, by every channel."""
    return [route for handle in shift.in_turn for route in routes_to_person(handle, LOUDNESS, policy)]


def contact_routes(policy: Policy) -> list[Route]:
    """How the trusted contact is asked: by what rings, and only without a phone by email."""
    contact = policy.roster.trusted_contact
    if contact is None:
        return []
    return routes_to_person(contact, RINGING, policy) or routes_to_person(contact, [Channel.EMAIL], policy)
