"""What a scenario is: how it breaks the stand-in company, and what must be true afterwards."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from drills.hands import Hands
from drills.person import Behaviour

GOOD_RELEASE = "2024.1"
BROKEN_RELEASE = "2024.2-broken"

# What the stand-ins saw (GET /control/state), before the fault and after the end; what is wrong, in sentences.
Proof = Callable[[dict[str, Any], dict[str, Any]], list[str]]
# What whoever took over does; what they saw meanwhile.
ByHand = Callable[[Hands], Awaitable[dict[str, Any]]]


def nothing_to_prove(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Where customers' orders and what the vendors were asked say it all."""
    return []


def every(*proofs: Proof) -> Proof:
    """All of these."""

    def proof(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
        return [sentence for each in proofs for sentence in each(before, after)]

    return proof


def backend_kept_running(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Nobody restarted it, which could not have helped."""
    was, now = (state["company"]["backend"]["pid"] for state in (before, after))
    return [] if was == now else ["the backend was restarted, which could not help"]


def circuit_is_open(name: str) -> Proof:
    """The company's own /health/detailed says that it gave up asking."""

    def proof(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
        state = after["circuits"].get(name, {}).get("state", "unknown")
        return [] if state in ("open", "half_open") else [f"the circuit of {name} is {state}, not open"]

    return proof


def backend_was_restarted(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Another process serves than before."""
    was, now = (state["company"]["backend"]["pid"] for state in (before, after))
    return ["the backend was not restarted"] if now in (None, was) else []


def hotfix_begun_from(commit: str) -> Proof:
    """Whoever takes over finds a branch of this night's, made from this commit."""

    def proof(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
        was, now = before["github"]["branches"], after["github"]["branches"]
        made = [sha for name, sha in now.items() if name not in was]
        return [] if made == [commit] else [f"branches were made from {made or 'nothing'}, not from {commit}"]

    return proof


def good_release_runs(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The backend's release is the one that worked."""
    release = after["company"]["backend"]["release"]
    return [] if release == GOOD_RELEASE else [f"release {release} runs, not {GOOD_RELEASE}"]


@dataclass(frozen=True)
class Step:
    """One control request that breaks something, or sets how a stand-in behaves."""

    path: str
    body: dict[str, Any]


Way = Literal["does not help", "is refused", "times out", "comes too late"]


@dataclass(frozen=True)
class Counterpart:
    """The same fault, and the cure does not work: it ends with a person who has all the evidence.

    Attributes:
        way: in which way it does not.
        first: what is set up before the fault, such as a vendor that refuses the change.
        at_most: writes that the vendors may receive, as in `Scenario.cure`; any more is a loop, and one that may be
            seen must be seen once: whoever tries nothing has not seen it fail.
        proof: what the company and its vendors must have seen all the same, such as an undoing.
        told: as in `Scenario`, where it differs.
    """

    title: str
    way: Way
    first: tuple[Step, ...]
    at_most: dict[str, int]
    proof: Proof = nothing_to_prove
    told: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Scenario:
    """One way to break the company.

    Attributes:
        faults: the control requests that break it, in order.
        cause: what the investigation must name.
        needs_approval: whether the cure waits for a person.
        cure: writes that vendors must receive, and how often, when it is carried out: "vendor:words" counts the
            vendor's requests that hold the words in their method, path or body.
        kind: of what kind the incident must be in the end, where that is not its first alert's.
        ends_with_person: what helps is a person's to do, and they must get the evidence.
        told: words that whoever takes over must have received, such as those of a note to a vendor's support.
        wakes: false where the guide wakes nobody: it is told by mail and in the channel, no phone may ring, and no
            post-mortem is owed.
        proof: what the company and its vendors must have seen in the end.
        untouched: what must be as it was where nobody approved, of what no request to a vendor would show.
        counterpart: the night in which the cure does not work.
        by_hand: what whoever takes over does, where they answer at all, and saw meanwhile: a proof finds it under
            "by_hand" of what was seen after the end. Its writes are the cure.
    """

    name: str
    title: str
    faults: tuple[Step, ...]
    cause: str
    needs_approval: bool
    cure: dict[str, int]
    ends_with_person: bool = False
    told: tuple[str, ...] = ()
    wakes: bool = True
    proof: Proof = nothing_to_prove
    untouched: Proof = nothing_to_prove
    counterpart: Counterpart | None = None
    kind: str | None = None
    by_hand: ByHand | None = None

    def ends_resolved(self, person: Behaviour) -> bool:
        """Without a person's word, what needs one is handed over."""
        return not self.ends_with_person and (person == "prompt" or not self.needs_approval)

    def writes(self, person: Behaviour) -> dict[str, int]:
        """How often each write must be seen, and may be."""
        return self.cure if self.ends_resolved(person) else dict.fromkeys(self.cure, 0)
