"""Levenshtein similarity: 1 - edits / length of the longer text. 1 is the same, 0 has nothing in common."""

from typing import Any

from pydantic import Field

from records.models import ValueType
from scoring.builtins.kinds import Builtin, Settings
from scoring.builtins.picks import AGAINST, VALUE, Path, compared_text, pick
from scoring.verdicts import Verdict, completed


class LevenshteinSettings(Settings):
    value: Path = VALUE
    against: Path = AGAINST
    ignore_case: bool = Field(False, title="Ignore case")


def similarity(left: str, right: str) -> float:
    """From 0 to 1; two empty texts are the same."""
    longer = max(len(left), len(right))
    return 1 - edits(left, right) / longer if longer else 1.0


def edits(left: str, right: str) -> int:
    """Letters to add, remove or replace to make one of the other."""
    from rapidfuzz.distance import Levenshtein  # 0.2 s to import, which every process would pay

    return Levenshtein.distance(left, right)


def evaluate(inputs: dict[str, Any], settings: LevenshteinSettings) -> Verdict:
    texts = [compared_text(pick(inputs, path), path) for path in (settings.value, settings.against)]
    left, right = (text.casefold() for text in texts) if settings.ignore_case else texts
    return completed(
        similarity(left, right),
        f"{edits(left, right)} edits, the longer text has {max(len(left), len(right))} characters.",
    )


LEVENSHTEIN = Builtin(
    key="levenshtein",
    name="Levenshtein similarity",
    description="How alike two texts are, letter by letter, from 0 to 1.",
    settings=LevenshteinSettings,
    evaluate=evaluate,
    gives=lambda settings: ValueType.NUMERICAL,
    known_as=("Levenshtein",),
)
