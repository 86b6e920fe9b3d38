from datetime import UTC, datetime
from typing import Any

from records.drafts import RecordDraft
from records.otlp import drafts_from_otlp, spans_from_protobuf
from tests.records.otlp import build

ARRIVED = datetime(2026, 6, 1, tzinfo=UTC)


def mapped(attributes: dict[str, Any] | None = None, resource: dict | None = None, **fields: Any) -> RecordDraft:
    """The draft of one span with these attributes, through the encoding."""
    body = build.request([build.span(attributes, **fields)], resource).SerializeToString()
    drafts, bad = drafts_from_otlp(spans_from_protobuf(body), ARRIVED)
    assert not bad
    return drafts[0]
