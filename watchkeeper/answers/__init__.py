"""What people answer, by whichever way: a signed page, a text message, a key on the call, a button in Slack.

said.py      the verbs, the ways, and what an answer led to
effects.py   the only place where a verb takes effect
plans.py     approving and denying: single use, in time, by this person, exactly the plan that was shown
by_link.py   what the signed pages and the call offer
by_text.py   what a text message means, and what is said back
"""

from watchkeeper.answers.by_link import answer_by_link
from watchkeeper.answers.by_text import answer_by_text
from watchkeeper.answers.effects import answer
from watchkeeper.answers.plans import decide_as_person, decide_by_link, look_at_plan
from watchkeeper.answers.said import Answer, Refusal, Said, Verb, Way

__all__ = [
    "Answer",
    "Refusal",
    "Said",
    "Verb",
    "Way",
    "answer",
    "answer_by_link",
    "answer_by_text",
    "decide_as_person",
    "decide_by_link",
    "look_at_plan",
]
