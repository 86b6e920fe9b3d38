"""JSON similarity: the share of a value's leaves that are right, those that are nearly right counted in part.

Objects by the mean over all keys of both, arrays by the mean over their places, texts by Levenshtein, numbers by
1 - |a - b| / (|a| + |b|), anything else by equality; what stands on one side alone is 0.
"""

from typing import Any

from pydantic import Field

from records.models import ValueType
from scoring.builtins.json_values import same
from scoring.builtins.kinds import Builtin, Settings
from scoring.builtins.levenshtein import similarity
from scoring.builtins.numeric import closeness
from scoring.builtins.picks import AGAINST, VALUE, Path, compared_text, parsed, pick
from scoring.verdicts import Verdict, completed

MAX_SHOWN = 10


class JsonDiffSettings(Settings):
    value: Path = VALUE
    against: Path = AGAINST
    partial: bool = Field(
        True, title="Count near misses in part", description="Otherwise a text or number is right or wrong."
    )


def evaluate(inputs: dict[str, Any], settings: JsonDiffSettings) -> Verdict:
    value, wanted = (_data(pick(inputs, path), path) for path in (settings.value, settings.against))
    differing: list[str] = []
    score = _alike(value, wanted, "$", settings.partial, differing)
    more = f" and {len(differing) - MAX_SHOWN} more" if len(differing) > MAX_SHOWN else ""
    named = ", ".join(differing[:MAX_SHOWN])
    return completed(score, f"Differs at {named}{more}." if differing else "No difference.")


def _data(value: Any, at: str) -> Any:
    """A text that looks like an object or array is read as one, and must be one."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        return parsed(value, at)
    return value


def _alike(left: Any, right: Any, at: str, partial: bool, differing: list[str]) -> float:
    if isinstance(left, dict) and isinstance(right, dict):
        keys = [*left, *(key for key in right if key not in left)]
        scores = []
        for key in keys:
            if key in left and key in right:
                scores.append(_alike(left[key], right[key], f"{at}.{key}", partial, differing))
            else:
                differing.append(f"{at}.{key}")
                scores.append(0.0)
        return sum(scores) / len(scores) if scores else 1.0
    if isinstance(left, list) and isinstance(right, list):
        places = range(max(len(left), len(right)))
        scores = []
        for place in places:
            if place < min(len(left), len(right)):
                scores.append(_alike(left[place], right[place], f"{at}[{place}]", partial, differing))
            else:
                differing.append(f"{at}[{place}]")
                scores.append(0.0)
        return sum(scores) / len(scores) if scores else 1.0
    if same(left, right):
        return 1.0
    differing.append(at)
    if not partial:
        return 0.0
    if isinstance(left, str) and isinstance(right, str):
        return similarity(compared_text(left, at), compared_text(right, at))
    if _is_number(left) and _is_number(right):
        return closeness(left, right)
    return 0.0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


JSON_DIFF = Builtin(
    key="json_diff",
    name="JSON similarity",
    description="How much of a JSON value is as expected, leaf by leaf, from 0 to 1.",
    settings=JsonDiffSettings,
    evaluate=evaluate,
    gives=lambda settings: ValueType.NUMERICAL,
    known_as=("JSONDiff",),
)
