"""Exact match: two values are the same."""

from typing import Any

import orjson
from pydantic import Field

from records.models import ValueType
from scoring.builtins.json_values import same
from scoring.builtins.kinds import Builtin, Settings
from scoring.builtins.picks import AGAINST, VALUE, Path, pick, shown
from scoring.verdicts import Verdict, completed


class ExactSettings(Settings):
    value: Path = VALUE
    against: Path = AGAINST
    ignore_case: bool = Field(False, title="Ignore case")
    ignore_space: bool = Field(
        True, title="Ignore spaces around", description="And take several spaces or line breaks within for one."
    )


def evaluate(inputs: dict[str, Any], settings: ExactSettings) -> Verdict:
    value, wanted = pick(inputs, settings.value), pick(inputs, settings.against)
    if isinstance(value, str) and isinstance(wanted, str):
        equal = _plain(value, settings) == _plain(wanted, settings) or _same_json(value, wanted)
    else:
        equal = same(_json(value), _json(wanted))
    return completed(equal, "The same." if equal else f"{shown(value)} is not {shown(wanted)}.")


def _plain(text: str, settings: ExactSettings) -> str:
    if settings.ignore_space:
        text = " ".join(text.split())
    return text.casefold() if settings.ignore_case else text


def _same_json(value: str, wanted: str) -> bool:
    """Two texts that hold the same object or array, written differently."""
    left, right = _json(value), _json(wanted)
    return isinstance(left, dict | list) and same(left, right)


def _json(value: Any) -> Any:
    """Where one of the two is no text, the other may be its JSON."""
    try:
        return orjson.loads(value) if isinstance(value, str) else value
    except orjson.JSONDecodeError:
        return value


EXACT = Builtin(
    key="exact_match",
    name="Exact match",
    description="The output is the expected value. JSON is compared as data: the order of keys means nothing.",
    settings=ExactSettings,
    evaluate=evaluate,
    gives=lambda settings: ValueType.BOOLEAN,
    known_as=("ExactMatch",),
)
