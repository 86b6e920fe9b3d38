"""Records and scores as JSON, the same in every answer and export; what `json_drafts` reads back. Pure.

Durations are seconds, money USD, times RFC 3339; the words of choices (status, source, ...) are those of the filter.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from records.models import Metric, Outcome, Record, RecordStatus, Score, ScoreSource, ScoreStatus, Source
from records.search import RecordRow
from records.span_tree import Span, in_order
from records.values import FIELDS

MAX_LEVELS = 64  # of nested spans in one answer: readers of JSON give up on deep nesting, and so does its writer

# Columns that are said as they are.
PLAIN = (
    "name", "kind", "is_root", "trace_id", "span_id", "parent_id", "created_at", "started_at", "ended_at",
    "created_by", "environment", "customer", "custom_id", "thread", "model", "provider", "prompt", "prompt_version",
    "experiment", "case_id", "epoch", "tokens_in", "tokens_out", "tokens_cached", "tokens_cache_write", "tokens",
    "cost", "cost_estimated", "error", "tags", "truncated",
)  # fmt: skip


def record_json(record: Record | RecordRow) -> dict[str, Any]:
    """All facts of a record but its payload and scores; on a trace's root also the sums over its spans."""
    said: dict[str, Any] = {"id": record.id, "external_id": record.external_id}
    said |= {name: getattr(record, name) for name in PLAIN}
    said |= {
        "source": Source(record.source).label,
        "status": RecordStatus(record.status).label,
        "latency": seconds(record.latency_ms),
        "ttft": seconds(record.ttft_ms),
        "metrics": _object(record.metrics),
        "metadata": _object(record.metadata),
    }
    if record.trace_spans is not None:
        said["trace"] = {
            "spans": record.trace_spans,
            "tokens": record.trace_tokens,
            "cost": record.trace_cost,
            "errors": record.trace_errors,
        }
    return said


def _object(value: dict[str, Any] | str) -> dict[str, Any]:
    """Rows of a search carry jsonb as the text that the database sent."""
    return orjson.loads(value) if isinstance(value, str) else value


def score_json(score: Score, metric: Metric) -> dict[str, Any]:
    """One attempt. Its value stands in the field of the metric's type, and as a number in `value` where it has one."""
    field = FIELDS[metric.value_type]
    return {
        "id": score.id,
        "record": score.record_id,
        "metric": metric.slug,
        "value_type": metric.value_type,
        field: getattr(score, field),
        "value": score.value,
        "passed": score.passed,
        "status": ScoreStatus(score.status).label,
        "outcome": Outcome(score.outcome).label,
        "is_current": score.is_current,
        "source": ScoreSource(score.source).label,
        "scorer": score.scorer,
        "evaluator": score.evaluator,
        "evaluator_version": score.version_no,
        "metric_version": score.metric_version,
        "rule": score.rule,
        "scoring_run": score.run_no,
        "reasoning": score.reasoning,
        "error": score.error,
        "attempts": score.attempts,
        "epoch": score.epoch,
        "tokens": score.tokens,
        "cost": score.cost,
        "duration": seconds(score.duration_ms),
        "created_at": score.created_at,
        "completed_at": score.completed_at,
    }


def seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def span_tree_json(records: Iterable[Record], scores: Sequence[tuple[Score, Metric]]) -> list[dict[str, Any]]:
    """The trace as nested spans, children by start. Below each span stand the evaluators that judged it, as spans of
    their own: `evaluator.<slug>`. A span whose parent is not here stands at the top."""
    by_id = {record.id: record for record in records}
    judged: dict[Any, list[dict[str, Any]]] = {}
    for score, metric in scores:
        if score.evaluator and score.status != ScoreStatus.PENDING:
            judged.setdefault(score.record_id, []).append(_evaluator_span(score, metric))
    spans = [
        Span(r.id, r.span_id or str(r.id), r.parent_id, r.name, r.kind, r.started_at or r.created_at, r.latency_ms)
        for r in by_id.values()
    ]
    top: list[dict[str, Any]] = []
    open_spans: list[dict[str, Any]] = []  # the path from the top to the span written last
    for span, depth in in_order(spans):
        node = _span(by_id[span.id])
        del open_spans[min(depth, MAX_LEVELS) :]
        (open_spans[-1]["spans"] if open_spans else top).append(node)
        open_spans.append(node)
        node["evaluations"] = judged.pop(span.id, [])
    return _evaluations_last(top)


def _span(record: Record) -> dict[str, Any]:
    return {
        "id": record.id,
        "span_id": record.span_id,
        "parent_id": record.parent_id,
        "name": record.name,
        "kind": record.kind,
        "started_at": record.started_at or record.created_at,
        "ended_at": record.ended_at,
        "latency": seconds(record.latency_ms),
        "model": record.model,
        "tokens_in": record.tokens_in,
        "tokens_out": record.tokens_out,
        "cost": record.cost,
        "error": record.error,
        "spans": [],
    }


def _evaluator_span(score: Score, metric: Metric) -> dict[str, Any]:
    said = score_json(score, metric)
    return {
        "id": score.id,
        "span_id": "",
        "parent_id": "",
        "name": f"evaluator.{score.evaluator}",
        "kind": "evaluator",
        "started_at": score.created_at,
        "ended_at": score.completed_at,
        "latency": seconds(score.duration_ms),
        "model": score.scorer if score.source == ScoreSource.LLM else "",
        "tokens_in": None,
        "tokens_out": None,
        "cost": score.cost,
        "error": score.error,
        "score": {name: said[name] for name in ("metric", FIELDS[metric.value_type], "passed", "status", "reasoning")},
        "spans": [],
    }


def _evaluations_last(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        waiting += node["spans"]
        node["spans"] += node.pop("evaluations")
    return nodes
