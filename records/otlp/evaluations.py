"""Evaluations told in a span's `gen_ai.evaluation.result` events -> scores of its record."""

import hashlib
from collections import Counter
from typing import Any

import orjson

from records.drafts import ScoreDraft
from records.limits import MAX_COMMENT_CHARS
from records.models import Metric, ValueType
from records.otlp.spans import Event
from records.values import FIELDS

RESULT = "gen_ai.evaluation.result"
OWN = frozenset(f"gen_ai.evaluation.{part}" for part in ("name", "score.value", "score.label", "explanation"))
NUMBER, LABEL, COMMENT = FIELDS[ValueType.NUMERICAL], FIELDS[ValueType.CATEGORICAL], FIELDS[ValueType.COMMENT]
YES, NO = frozenset({"pass", "passed", "true", "yes"}), frozenset({"fail", "failed", "false", "no"})


def take_scores(events: list[Event]) -> list[ScoreDraft]:
    """Removes the evaluations from the events. One that says neither a number nor a label stays an event, and so does
    one that says more than a score can hold.

    A draft's value may hold both number and label: `fit_to_metric` chooses. Its key is the event itself, all that it
    says and when: the span sent again says the same evaluations, and another piece of the span others.
    """
    scores, rest = [], []
    same: Counter[str] = Counter()  # a judge asked twice may say the same in the same moment
    for event in events:
        score = _score(event) if event.name == RESULT else None
        if score is not None:
            scores.append(score)
            same[score.key] += 1
            score.key = f"{score.key}:{same[score.key]}"
        if score is None or event.attributes.keys() - OWN:
            rest.append(event)
    events[:] = rest
    return scores


def _score(event: Event) -> ScoreDraft | None:
    said = event.attributes
    name, value, label = (said.get(f"gen_ai.evaluation.{part}") for part in ("name", "score.value", "score.label"))
    explanation = said.get("gen_ai.evaluation.explanation")
    sent: dict[str, Any] = {}
    if isinstance(value, bool):
        label = label or str(value).lower()
    elif isinstance(value, int | float):
        sent[NUMBER] = value
    if isinstance(label, str) and label.strip():
        sent[LABEL] = [label.strip()]
    if not isinstance(name, str) or not name.strip() or not sent:
        return None
    reasoning = explanation if isinstance(explanation, str) else ""
    words = orjson.dumps((event.time, said), default=str, option=orjson.OPT_SORT_KEYS)
    key = hashlib.sha256(words).hexdigest()[:32]
    return ScoreDraft(name.strip(), sent, reasoning=reasoning[:MAX_COMMENT_CHARS], key=key)


def fit_to_metric(score: ScoreDraft, metric: Metric | None) -> None:
    """Leaves the one typed field that the metric takes; a label that it does not take is kept in the reasoning.

    Without a metric the number counts before the label. What cannot fit is left for the metric to refuse.
    """
    if LABEL not in score.value:
        if metric and metric.value_type == ValueType.BOOLEAN and score.value.get(NUMBER) in (0, 1):
            score.value = {FIELDS[ValueType.BOOLEAN]: bool(score.value[NUMBER])}
        return
    (label,) = score.value[LABEL]
    guessed = ValueType.NUMERICAL if NUMBER in score.value else ValueType.CATEGORICAL
    value_type = metric.value_type if metric else guessed
    if value_type == ValueType.CATEGORICAL:
        score.value = {LABEL: [label]}
    elif value_type == ValueType.COMMENT:
        score.value = {COMMENT: label}
    elif value_type == ValueType.BOOLEAN and label.lower() in YES | NO:
        score.value = {FIELDS[ValueType.BOOLEAN]: label.lower() in YES}
    elif value_type == ValueType.BOOLEAN and score.value.get(NUMBER) in (0, 1):
        score.value = {FIELDS[ValueType.BOOLEAN]: bool(score.value[NUMBER])}
    elif NUMBER in score.value:
        score.value = {NUMBER: score.value[NUMBER]}
        score.reasoning = f"{label}: {score.reasoning}" if score.reasoning else label
