"""The unified inputs: one object {input, output, expected, metrics, metadata} that says what was judged, under the
names that senders and evaluators know. Most of those names are columns of a record; these tables say which. Pure."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from records.models import Payload, Record

# Name in metrics -> column. Durations are seconds there, milliseconds in the column.
METRICS = {
    "start_time": "started_at",
    "timestamp": "ended_at",
    "prompt_tokens": "tokens_in",
    "completion_tokens": "tokens_out",
    "prompt_cache_hit_tokens": "tokens_cached",
    "prompt_cache_creation_tokens": "tokens_cache_write",
    "total_request_tokens": "tokens",
    "latency": "latency_ms",
    "time_to_first_token": "ttft_ms",
    "cost": "cost",
}
# Name in metadata -> column. What stands in neither table stays in the record's own metrics and metadata.
METADATA = {
    "environment": "environment",
    "customer_identifier": "customer",
    "custom_identifier": "custom_id",
    "thread_identifier": "thread",
    "prompt_id": "prompt",
    "prompt_version_number": "prompt_version",
    "span_name": "name",
    "span_unique_id": "span_id",
    "span_parent_id": "parent_id",
    "trace_group_identifier": "trace_id",
    "provider_id": "provider",
    "model": "model",
}


def metrics_of(record: Record) -> dict[str, Any]:
    """Times as RFC 3339 in UTC, seconds, USD; what is not known is left out."""
    found = {name: _said(getattr(record, column), column) for name, column in METRICS.items()}
    if record.tokens is None and record.tokens_in is not None and record.tokens_out is not None:
        found["total_request_tokens"] = record.tokens_in + record.tokens_out
    if record.tokens_out and record.latency_ms:
        found["tokens_per_second"] = round(record.tokens_out / (record.latency_ms / 1000), 3)
    return {name: value for name, value in found.items() if value is not None} | record.metrics


def metadata_of(record: Record) -> dict[str, Any]:
    found = {name: getattr(record, column) for name, column in METADATA.items()}
    return {name: value for name, value in found.items() if value not in (None, "")} | record.metadata


def unified_inputs(record: Record, payload: Payload | None) -> dict[str, Any]:
    """What an evaluator is given of a record: JSON values only."""
    payload = payload or Payload()
    return {
        "input": payload.inputs,
        "output": payload.outputs,
        "expected": payload.expected,
        "metrics": metrics_of(record),
        "metadata": {"unique_id": str(record.id)} | metadata_of(record),
    }


def _said(value: Any, column: str) -> Any:
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return float(value)
    return value / 1000 if column.endswith("_ms") else value
