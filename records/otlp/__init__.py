"""OTLP -> drafts: traces of any OpenTelemetry exporter, under the conventions of OpenTelemetry GenAI (of now and
before), OpenInference and OpenLLMetry. Pure: no request, no clock, no database.

The encodings (`protobuf`, `json_encoding`) give plain spans, `mapping` makes each a draft.
"""

from datetime import datetime

from records.drafts import RecordDraft
from records.otlp.json_encoding import spans_from_json
from records.otlp.mapping import draft_from_span
from records.otlp.protobuf import spans_from_protobuf
from records.otlp.spans import BadSpan, Decoded, Undecodable

__all__ = ["BadSpan", "Decoded", "Undecodable", "drafts_from_otlp", "spans_from_json", "spans_from_protobuf"]


def drafts_from_otlp(decoded: Decoded, arrived: datetime) -> tuple[list[RecordDraft], list[BadSpan]]:
    """The drafts of decoded spans, which are used up, and the spans that cannot be records.

    `arrived` is the time of a span that tells none.
    """
    return [draft_from_span(span, arrived) for span in decoded.spans], decoded.bad
