"""Contains: a text holds some words, or must not."""

from typing import Any, Literal

from pydantic import Field

from records.models import ValueType
from scoring.builtins.kinds import Builtin, Settings
from scoring.builtins.picks import AGAINST, VALUE, Path, as_text, pick, shown
from scoring.verdicts import Verdict, completed, errored


class ContainsSettings(Settings):
    value: Path = VALUE
    texts: list[str] = Field(
        [], max_length=200, title="Texts", description="One a line. None: what stands at the path below."
    )
    against: Path = AGAINST
    wanted: Literal["all", "any", "none"] = Field("all", title="How many of them must be there")
    ignore_case: bool = Field(True, title="Ignore case")


def evaluate(inputs: dict[str, Any], settings: ContainsSettings) -> Verdict:
    text = as_text(pick(inputs, settings.value))
    texts = settings.texts
    if not texts:
        given = pick(inputs, settings.against)
        texts = [as_text(item) for item in given] if isinstance(given, list) else [as_text(given)]
    texts = [item for item in texts if item]
    if not texts:
        return errored("There is no text to look for.")
    inside = text.casefold() if settings.ignore_case else text
    there = [item for item in texts if (item.casefold() if settings.ignore_case else item) in inside]
    absent = [item for item in texts if item not in there]
    passed = {"all": not absent, "any": bool(there), "none": not there}[settings.wanted]
    parts = [f"Found {shown(there)}." if there else "", f"Not found: {shown(absent)}." if absent else ""]
    return completed(passed, " ".join(filter(None, parts)))


CONTAINS = Builtin(
    key="contains",
    name="Contains",
    description="The output holds all, any or none of some texts.",
    settings=ContainsSettings,
    evaluate=evaluate,
    gives=lambda settings: ValueType.BOOLEAN,
)
