"""One record whole, as the API answers it and the record's page shows it raw."""

from typing import Any

from records.json_records import record_json, score_json, span_tree_json
from records.models import Payload, Record, Score
from records.trace import MAX_SPANS
from records.unified import metadata_of, metrics_of

MAX_ATTEMPTS_SHOWN = 1_000  # of one record's scores; /records/{id}/scores has them all


def whole(record: Record) -> dict[str, Any]:
    """All facts and values, the scores newest first, and the spans of its trace with their evaluators, nested."""
    project = record.project_id
    held = Payload.objects.filter(project_id=project, record_id=record.id).first()
    payload = held or Payload()
    attempts = Score.objects.filter(project_id=project, record_id=record.id).select_related("metric").order_by("-id")
    spans = [record]
    if record.trace_id:
        trace = Record.objects.filter(project_id=project, trace_id=record.trace_id).exclude(trace_id="")
        spans = list(trace.defer("metadata", "metrics").order_by("created_at", "id")[:MAX_SPANS])
    judged = Score.objects.filter(project_id=project, record_id__in=[span.id for span in spans], is_current=True)
    judged = judged.exclude(evaluator="").select_related("metric").order_by("id")
    return record_json(record) | {
        "inputs": payload.inputs,
        "outputs": payload.outputs,
        "expected": payload.expected,
        "payload_expired": held is None,
        "metrics": metrics_of(record),
        "metadata": metadata_of(record),
        "scores": [score_json(score, score.metric) for score in attempts[:MAX_ATTEMPTS_SHOWN]],
        "spans": span_tree_json(spans, [(score, score.metric) for score in judged]),
    }
