"""Prompt templates of judges: Jinja over the unified inputs of a record (`scoring.templating`). Pure.

Records are hostile: whatever a template prints of one stands between fence marks that its sender could not know, and
the judge is told that they hold data. A text too long for a prompt loses its middle, and the prompt says so where it
does.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from scoring.inputs import NAMES
from scoring.templating import MAX_PROMPT_CHARS, NotThere, Printer, TemplateProblem, filled, variables

ALIASES = {"inputs": "input", "outputs": "output"}
# Of one printed text; the next is tried where the whole prompt is too long.
MAX_TEXT_CHARS = (100_000, 25_000, 5_000)


class MissingInput(TemplateProblem):
    """The template prints one of NAMES that the record does not have, such as `expected`: there is nothing to judge."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The record has no {name}.")
        self.name = name


@lru_cache(maxsize=256)
def check_template(source: str) -> frozenset[str]:
    """Which of NAMES the template uses. Raises TemplateProblem, which names the line."""
    used = variables(source)
    for name in sorted(set(used) - set(NAMES) - set(ALIASES)):
        raise TemplateProblem(f"There is no variable {name}: a template has {', '.join(NAMES)}.", used[name])
    return frozenset(ALIASES.get(name, name) for name in used)


@dataclass(slots=True)
class Prompt:
    """`cuts` texts of the record have lost their middle, each with a note where; `fence` marks what is the record's."""

    text: str
    cuts: int
    fence: str


def new_fence() -> str:
    """A mark that nobody who sends records can know. The prompts of one chunk of work share one, so that the part that
    they have in common stays the same: providers keep it in their cache."""
    return f"data-{secrets.token_hex(8)}"


def render(source: str, inputs: Mapping[str, Any], fence: str = "") -> Prompt:
    """The prompt for one record. Raises MissingInput where nothing is to be judged, else TemplateProblem."""
    fence = fence or new_fence()
    values = {name: inputs.get(name) for name in NAMES}
    values |= {alias: values[name] for alias, name in ALIASES.items()}
    for most in MAX_TEXT_CHARS:
        printer = _Fences(fence, most)
        text = _rendered(source, values, printer)
        if printer.known:
            return render(source, inputs, new_fence())
        if len(text) <= MAX_PROMPT_CHARS:
            return Prompt(text, printer.cuts, fence)
    raise TemplateProblem(f"The prompt has more than {MAX_PROMPT_CHARS:,} characters.")


def _rendered(source: str, values: Mapping[str, Any], printer: Printer) -> str:
    check_template(source)
    try:
        return filled(source, values, printer)
    except NotThere as error:
        name = ALIASES.get(error.name, error.name)
        if name in NAMES:
            raise MissingInput(name) from None
        raise TemplateProblem(f"The record has not what the template shows: {error.message}.") from None


class _Fences(Printer):
    """Puts what is printed between marks, without its middle where it is longer than `most` characters."""

    def __init__(self, fence: str, most: int) -> None:
        super().__init__()
        self.fence, self.most, self.cuts = fence, most, 0
        self.known = False  # the record holds the very mark: some judge has quoted it

    def printed(self, text: str) -> str:
        text = super().printed(text)
        self.known = self.known or self.fence in text
        left = len(text) - self.most
        if left <= 0:
            return self._between(text)
        self.cuts += 1
        head = self.most * 2 // 3
        note = f"[{left:,} of {len(text):,} characters are left out here: the text is too long]"
        return f"{self._between(text[:head])}\n{note}\n{self._between(text[head + left :])}"

    def _between(self, text: str) -> str:
        line = "\n" if "\n" in text else ""
        return f"<{self.fence}>{line}{text}{line}</{self.fence}>"
