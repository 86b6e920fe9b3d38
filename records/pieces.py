"""Pieces of one record, laid over each other: in one batch, or over what is stored. One set of rules for both.

What a later piece says stands before what an earlier one said; arrays and payloads are replaced, the objects `metrics`
and `metadata` are joined; `id`, `created_at`, `created_by` and `source` are the first piece's, a trace or span id that
was said once stands. What EvalHub works out itself (latency, token total, an estimated cost) follows from the whole, so
that no order of pieces matters.
"""

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any

import orjson

from records.drafts import RecordDraft
from records.models import Kind
from records.prices import estimate_cost

MAX_INTEGER = 2**31 - 1
FIXED = frozenset({"id", "external_id", "created_at", "created_by", "source", "trace_id", "span_id"})
OBJECTS = ("metrics", "metadata")
PAYLOAD = ("inputs", "outputs", "expected")
PLAIN = tuple(f.name for f in fields(RecordDraft) if f.name not in (*OBJECTS, *PAYLOAD, "scores"))
STORED = (*PLAIN, *OBJECTS, *PAYLOAD)  # the columns that `from_row` wants, in order
# Of these a piece says something by being there; None and "" say nothing.
_SAYS = tuple(
    name for name in (*PLAIN, *PAYLOAD) if name not in FIXED | {"started_at", "ended_at", "truncated", "cost_estimated"}
)


def laid_over(before: RecordDraft, piece: RecordDraft) -> RecordDraft:
    """The record as it is known once `piece` has come, to be `completed`. Scores are the piece's."""
    before, piece = _as_said(before), _as_said(piece)
    said = {name: value for name in _SAYS if (value := getattr(piece, name)) is not None and value != ""}
    # What the sender paid stands before what was estimated.
    paid_before = before.cost is not None and not before.cost_estimated
    if piece.cost is None or (piece.cost_estimated and paid_before):
        said.pop("cost", None)
        said["cost_estimated"] = before.cost_estimated
    else:
        said["cost_estimated"] = piece.cost_estimated
    whole = replace(
        before,
        **said,
        trace_id=before.trace_id or piece.trace_id,
        span_id=before.span_id or piece.span_id,
        started_at=min(filter(None, (before.started_at, piece.started_at)), default=None),
        ended_at=max(filter(None, (before.ended_at, piece.ended_at)), default=None),
        truncated=before.truncated or piece.truncated,
        metrics=before.metrics | piece.metrics,
        metadata=before.metadata | piece.metadata,
        scores=piece.scores,
    )
    if whole.cost_estimated:
        _estimate_again(whole)
    return whole


def complete(draft: RecordDraft) -> None:
    """Works out, in place, what follows from the rest."""
    if draft.latency_ms is None:
        draft.latency_ms = _latency(draft.started_at, draft.ended_at)
    if draft.tokens is None:
        draft.tokens = _total(draft)
    estimate_cost(draft)
    if draft.parent_id == draft.span_id:  # a span cannot be its own parent: the trace would have no root
        draft.parent_id = ""


def _estimate_again(draft: RecordDraft) -> None:
    """From the tokens of all pieces; where the whole has no price, what was estimated before stands."""
    known, draft.cost, draft.cost_estimated = draft.cost, None, False
    estimate_cost(draft)
    if draft.cost is None:
        draft.cost, draft.cost_estimated = known, True


def from_row(row: Sequence[Any]) -> RecordDraft:
    """The draft of a stored record: the columns of STORED."""
    draft = RecordDraft(**dict(zip(STORED, row, strict=True)))
    for name in (*OBJECTS, *PAYLOAD):
        value = getattr(draft, name)
        if isinstance(value, str):  # Django's connection gives JSON as text, for its own field to read
            setattr(draft, name, orjson.loads(value))
    return draft


def _as_said(draft: RecordDraft) -> RecordDraft:
    """Without what was worked out: a number that equals it says no more than the parts do."""
    changes: dict[str, Any] = {}
    if draft.latency_ms is not None and draft.latency_ms == _latency(draft.started_at, draft.ended_at):
        changes["latency_ms"] = None
    if draft.tokens is not None and draft.tokens == _total(draft):
        changes["tokens"] = None
    if draft.kind == Kind.OTHER:
        changes["kind"] = ""
    return replace(draft, **changes) if changes else draft


def _latency(start: datetime | None, end: datetime | None) -> int | None:
    if start is None or end is None:
        return None
    return max(0, min(round((end - start).total_seconds() * 1000), MAX_INTEGER))


def _total(draft: RecordDraft) -> int | None:
    if draft.tokens_in is None and draft.tokens_out is None:
        return None
    return min((draft.tokens_in or 0) + (draft.tokens_out or 0), MAX_INTEGER)
