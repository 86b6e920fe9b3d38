"""What changed from one version of an evaluator to the next, as lines for a reader."""

import difflib
import json
from dataclasses import dataclass
from typing import Any

from scoring.models import Evaluator, EvaluatorVersion

CONTEXT_LINES = 3


@dataclass(frozen=True, slots=True)
class Line:
    """`kind` is added, removed, same, or place (between parts that are far from each other)."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class VersionEntry:
    version: EvaluatorVersion
    fields: list[tuple[str, list[Line]]]  # the ones that differ from the version before; of the first one, all
    is_current: bool


def version_history(evaluator: Evaluator) -> list[VersionEntry]:
    """Newest first, each with what it changed."""
    versions = list(evaluator.versions.all())
    older: list[EvaluatorVersion | None] = [*versions[1:], None]
    return [
        VersionEntry(version, changed(before.definition if before else {}, version.definition), place == 0)
        for place, (version, before) in enumerate(zip(versions, older, strict=True))
    ]


def changed(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str, list[Line]]]:
    """By field, what reads longest last; a field that is as good as absent on both sides is left out."""
    pairs = {name: (before.get(name) or None, after.get(name) or None) for name in [*after, *before]}
    found = [(name, _diff(*pair)) for name, pair in pairs.items() if pair[0] != pair[1]]
    return sorted(found, key=lambda field: len(field[1]))


def _diff(before: Any, after: Any) -> list[Line]:
    lines = []
    for line in difflib.unified_diff(_lines(before), _lines(after), n=CONTEXT_LINES, lineterm=""):
        if line.startswith(("---", "+++")) and not lines:
            continue
        kind = {"+": "added", "-": "removed", " ": "same"}.get(line[0], "place")
        lines.append(Line(kind, "" if kind == "place" else line[1:]))
    return lines[1:] if lines and lines[0].kind == "place" else lines


def _lines(value: Any) -> list[str]:
    if value is None:
        return []
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return text.splitlines()
