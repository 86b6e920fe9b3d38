"""Regular expression, by RE2: its time grows with the text alone, whatever the pattern and whoever wrote the text."""

from functools import lru_cache
from typing import Annotated, Any

import re2
from pydantic import AfterValidator, Field

from records.models import ValueType
from scoring.builtins.kinds import Builtin, Settings
from scoring.builtins.picks import VALUE, Path, as_text, pick, shown
from scoring.verdicts import Verdict, completed

MAX_PATTERN_CHARS = 5_000


@lru_cache(maxsize=256)
def compiled(pattern: str, ignore_case: bool = False) -> Any:
    """Raises ValueError with RE2's words: it knows no back references and no look-around."""
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignore_case
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        said = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"This is no pattern of RE2, which has no look-around or back references: {said}") from None


def _pattern(pattern: str) -> str:
    compiled(pattern)
    return pattern


Pattern = Annotated[str, Field(min_length=1, max_length=MAX_PATTERN_CHARS), AfterValidator(_pattern)]


class RegexSettings(Settings):
    pattern: Pattern = Field(title="Pattern", description="In RE2's syntax, such as (?i)order #\\d+")
    value: Path = VALUE
    whole: bool = Field(False, title="Match the whole text", description="Not just a part of it.")
    ignore_case: bool = Field(False, title="Ignore case")
    absent: bool = Field(False, title="Must not match")


def evaluate(inputs: dict[str, Any], settings: RegexSettings) -> Verdict:
    text = as_text(pick(inputs, settings.value))
    pattern = compiled(settings.pattern, settings.ignore_case)
    found = pattern.fullmatch(text) if settings.whole else pattern.search(text)
    reasoning = f"Matches at character {found.start() + 1}: {shown(found.group())}." if found else "Does not match."
    return completed(bool(found) != settings.absent, reasoning)


REGEX = Builtin(
    key="regex",
    name="Regular expression",
    description="The output matches a pattern, or must not.",
    settings=RegexSettings,
    evaluate=evaluate,
    gives=lambda settings: ValueType.BOOLEAN,
)
