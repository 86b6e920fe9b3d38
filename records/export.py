"""Records written out whole, as JSON lines or as a table for spreadsheets; `import_records` reads both back.

Everything streams: a batch of records is read, written and forgotten.
"""

import csv
import io
import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any
from uuid import UUID

import orjson

from evalhub.api import to_json
from evalhub.models import Project
from records.json_records import record_json
from records.models import Metric, Payload, Score, ScoreSource, ScoreStatus, ValueType
from records.search import RecordRow, SearchTimeout
from records.values import FIELDS

log = logging.getLogger(__name__)

COLUMNS = (
    "id", "external_id", "created_at", "started_at", "ended_at", "name", "kind", "source", "status", "is_root",
    "trace_id", "span_id", "parent_id", "created_by", "environment", "customer", "custom_id", "thread", "model",
    "provider", "prompt", "prompt_version", "experiment", "case_id", "epoch", "latency", "ttft", "tokens_in",
    "tokens_out", "tokens_cached", "tokens_cache_write", "tokens", "cost", "cost_estimated", "truncated", "error",
    "tags", "inputs", "outputs", "expected", "payload_expired", "metrics", "metadata",
)  # fmt: skip
JSON_COLUMNS = frozenset({"tags", "inputs", "outputs", "expected", "metrics", "metadata"})
# A spreadsheet would run a cell that begins like this.
FORMULA = ("=", "+", "-", "@", "\t", "\r")

Row = dict[str, Any]


def rows(project: Project, batches: Iterable[Sequence[RecordRow]]) -> Iterator[Row]:
    """The records of each batch, in its order, with payload and current completed scores."""
    metrics = Metric.objects.filter(project=project).in_bulk()
    for batch in batches:
        ids = [record.id for record in batch]
        payloads = {p.record_id: p for p in Payload.objects.filter(project=project, record_id__in=ids)}
        scores: dict[UUID, list[Row]] = defaultdict(list)
        for score in Score.objects.filter(
            project=project, record_id__in=ids, is_current=True, status=ScoreStatus.COMPLETED
        ).order_by("metric_id"):
            if score.metric_id not in metrics:  # made since the export began
                metrics |= Metric.objects.filter(project=project).in_bulk([score.metric_id])
            scores[score.record_id].append(_score(score, metrics[score.metric_id]))
        for record in batch:
            payload = payloads.get(record.id) or Payload()
            row = record_json(record)
            row |= {"inputs": payload.inputs, "outputs": payload.outputs, "expected": payload.expected}
            row["payload_expired"] = record.id not in payloads
            row["scores"] = scores.get(record.id, [])
            yield row


def _score(score: Score, metric: Metric) -> Row:
    field = FIELDS[metric.value_type]
    return {
        "metric": metric.slug,
        "value_type": metric.value_type,
        field: getattr(score, field),
        "passed": score.passed,
        "source": ScoreSource(score.source).label,
        "scorer": score.scorer,
        "evaluator": score.evaluator,
        "reasoning": score.reasoning,
    }


def jsonl(found: Iterable[Row]) -> Iterator[bytes]:
    """One record a line."""
    for row in found:
        yield to_json(row) + b"\n"


def csv_lines(project: Project, found: Iterable[Row]) -> Iterator[bytes]:
    """A heading and one record a line: a column for every field, and for each metric its value, verdict and reasoning.

    Of a score's source the table says nothing: JSON lines do.
    """
    slugs = list(Metric.objects.filter(project=project).values_list("slug", flat=True))
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([*COLUMNS, *(name for slug in slugs for name in _headings(slug))])
    yield _taken(buffer)
    for row in found:
        scores = {score["metric"]: score for score in row["scores"]}
        cells = [cell(name, row[name]) for name in COLUMNS]
        for slug in slugs:
            cells += _score_cells(scores.get(slug))
        writer.writerow(cells)
        yield _taken(buffer)


def begun(lines: Iterator[bytes]) -> Iterator[bytes]:
    """The same lines for an answer that streams, of which the heading and the first record are made here and now: what
    cannot be searched for is raised before the answer begins."""
    first = list(islice(lines, 2))
    return chain(first, _told(lines))


def _told(lines: Iterator[bytes]) -> Iterator[bytes]:
    """A file that ends early must not look whole, and a server that fails in a stream ends it as if it were.

    So the last line says it, and reads as no record in either format.
    """
    try:
        yield from lines
    except Exception as problem:
        log.exception("An export broke off.")
        why = str(problem) if isinstance(problem, SearchTimeout) else "The server failed."
        yield f"# The export broke off here, records are missing. {why}\n".encode()


def _headings(slug: str) -> tuple[str, str, str]:
    return f"metric.{slug}", f"metric.{slug}.passed", f"metric.{slug}.reasoning"


def _score_cells(score: Row | None) -> tuple[str, str, str]:
    if score is None:
        return "", "", ""
    value = score[FIELDS[score["value_type"]]]
    shown = safe(value) if score["value_type"] == ValueType.COMMENT else _json(value)
    return shown, "" if score["passed"] is None else _json(score["passed"]), safe(score["reasoning"])


def cell(name: str, value: Any) -> str:
    """A value as it stands in the table: text as it is, anything else as JSON, nothing that a spreadsheet would run."""
    if value is None or value == "":
        return ""
    if name in JSON_COLUMNS:
        return safe(value if isinstance(value, str) and not _reads_as_json(value) else _json(value))
    return safe(value) if isinstance(value, str) else _json(value).strip('"')


def safe(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) or _is_quoted(text) else text


def unsafe(text: str) -> str:
    """The text that `safe` made this of."""
    return text[1:] if text.startswith("'") and (text[1:].startswith(FORMULA) or _is_quoted(text[1:])) else text


def _is_quoted(text: str) -> bool:
    """Whether the text begins as `safe` writes: quotes before a formula's first character."""
    bare = text.lstrip("'")
    return bare != text and bare.startswith(FORMULA)


def _reads_as_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _json(value: Any) -> str:
    return to_json(value).decode()


def _taken(buffer: io.StringIO) -> bytes:
    data = buffer.getvalue().encode()
    buffer.seek(0)
    buffer.truncate()
    return data
