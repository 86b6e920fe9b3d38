"""Traces that begin in a batch: what their spans are to each other is known before anything is written.

Saves the database from finding it out, and from writing a root twice. A trace that has rows already goes the longer way
(records/sql/ingest.sql: roots, carry), which ends in the same.
"""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from records.drafts import RecordDraft


class Place(NamedTuple):
    """What a span is in its trace; the sums of the whole trace on its earliest root, None on the others."""

    is_root: bool | None = None
    trace_spans: int | None = None
    trace_tokens: int | None = None
    trace_cost: Decimal | None = None
    trace_errors: int | None = None


def places(drafts: Iterable[RecordDraft]) -> dict[str, Place]:
    """By external_id, for drafts that are all there is of their traces."""
    traces: dict[str, list[RecordDraft]] = defaultdict(list)
    for draft in drafts:
        traces[draft.trace_id].append(draft)
    found: dict[str, Place] = {}
    for spans in traces.values():
        present = {span.span_id for span in spans}
        roots = [span for span in spans if not span.parent_id or span.parent_id not in present]
        # Spans that are each other's parents have no root: the earliest becomes one.
        lead = min(roots or spans, key=lambda span: (span.created_at, span.id))
        found |= {span.external_id: Place(is_root=False) for span in spans}
        found |= {span.external_id: Place(is_root=True) for span in roots}
        found[lead.external_id] = Place(
            True,
            len(spans),
            sum(span.tokens or 0 for span in spans),
            sum((span.cost or Decimal(0) for span in spans), Decimal(0)),
            sum(span.error != "" for span in spans),
        )
    return found
