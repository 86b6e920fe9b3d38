"""JSON -> score drafts: the scores that come with their record. Pure."""

from collections.abc import Mapping
from typing import Any

from records.drafts import ScoreDraft, Sender
from records.json_values import Problem, Wrong, long_text, text
from records.models import ScoreSource
from records.values import FIELDS as VALUE_FIELDS

SCORE_FIELDS = frozenset({"metric", "reasoning", "scorer", "id", *VALUE_FIELDS.values()})
# What an exported score says beside; it follows from the rest, or belongs to the installation it came from.
SCORE_FOLLOWING = frozenset({"value_type", "value", "status", "outcome", "passed", "source", "evaluator"})


def score_from_json(item: Any, sender: Sender, exported: bool = False) -> tuple[ScoreDraft | None, list[Problem]]:
    """A score beside its record. Whether the value fits its metric is for whoever knows the metrics."""
    if not isinstance(item, Mapping):
        return None, [("", "A score is an object.")]
    known = SCORE_FIELDS | SCORE_FOLLOWING if exported else SCORE_FIELDS
    fields = ", ".join(sorted(SCORE_FIELDS))
    problems = [(name, f"A score has no such field; it has {fields}.") for name in item if name not in known]
    given: dict[str, str] = {}
    for name in ("metric", "scorer", "id"):
        try:
            given[name] = text(item[name]) if item.get(name) is not None else ""
        except Wrong as wrong:
            problems.append((name, str(wrong)))
    reasoning = item.get("reasoning") or ""
    try:
        reasoning = long_text(reasoning)
    except Wrong as wrong:
        problems.append(("reasoning", str(wrong)))
    if not problems and not given["metric"]:
        problems.append(("metric", "A score names its metric by its slug."))
    if problems:
        return None, problems
    origin = ScoreSource.API
    if exported and sender.trusted and str(item.get("source", "")).upper() in ScoreSource.__members__:
        origin = ScoreSource[str(item["source"]).upper()]
    value = {name: item[name] for name in VALUE_FIELDS.values() if item.get(name) is not None}
    return ScoreDraft(given["metric"], value, reasoning, given["scorer"], origin, given["id"]), []
