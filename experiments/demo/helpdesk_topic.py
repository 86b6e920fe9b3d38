"""The shape of a helpdesk topic: what customers write, what the articles say, and how answers go right or wrong.

All texts are templates over the slots that `helpdesk.slots_of` draws: {order}, {item}, {amount}, {date} and so on.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Slip:
    """A wrong answer, and what a careful judge says is wrong with it. `invented`: made up, else against the article."""

    answer: str
    reason: str
    invented: bool = False


@dataclass(frozen=True, slots=True)
class FollowUp:
    asks: tuple[str, ...]
    answer: str
    curt: str
    fact: str
    slip: Slip


@dataclass(frozen=True, slots=True)
class Tool:
    name: str
    arguments: dict[str, Any]
    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Topic:
    """`fact`: what the right answer says, in words for a judge's reasoning. `solved`: how often a right answer is the
    end of the matter; some things only people can do."""

    slug: str
    area: str
    title: str  # of the article that holds the answer
    passage: str
    asks: tuple[str, ...]
    answers: tuple[str, ...]
    curt: tuple[str, ...]
    fact: str
    slips: tuple[Slip, ...]
    follow_ups: tuple[FollowUp, ...] = ()
    tool: Tool | None = None
    solved: float = 0.9
    weight: float = field(default=1.0)
