"""JSON -> drafts. Pure: one sent object becomes a record's draft and those of its nested `spans`.

A record may be sent under EvalHub's own names, under the names of `records.unified`, or with `metrics` and `metadata`
that carry those names. What has a column goes there; everything else is kept in `metrics` or `metadata`.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from records import unified
from records.drafts import RecordDraft, ScoreDraft, Sender
from records.ids import uuid7
from records.json_scores import score_from_json
from records.json_values import (
    Problem,
    Wrong,
    array,
    bounded,
    count,
    epoch,
    flag,
    kind,
    long_text,
    mapping,
    milliseconds,
    payload,
    source,
    tags,
    text,
    time,
    usd,
)
from records.limits import (
    MAX_AHEAD_SECONDS,
    MAX_JSON_DEPTH,
    MAX_METADATA_BYTES,
    MAX_NAME_BYTES,
)
from records.models import Kind, Source


class BadRecord(Exception):
    """A sent object that is no record. `problems` names every place; nothing of it is to be stored."""

    def __init__(self, problems: list[Problem]) -> None:
        said = (f"{where}: {what}" if where else what for where, what in problems)
        super().__init__("; ".join(words.rstrip(".") for words in said) + ".")
        self.problems = problems


Reader = Callable[[Any], Any]

READERS: dict[str, Reader] = {
    "external_id": text, "source": source, "created_at": time, "started_at": time, "ended_at": time,
    "trace_id": text, "span_id": text, "parent_id": text, "name": text, "kind": kind, "environment": text,
    "customer": text, "custom_id": text, "thread": text, "model": text, "provider": text, "prompt": text,
    "prompt_version": count, "experiment": text, "case_id": text, "epoch": epoch, "latency_ms": milliseconds,
    "ttft_ms": milliseconds, "tokens_in": count, "tokens_out": count, "tokens_cached": count,
    "tokens_cache_write": count, "tokens": count, "cost": usd, "error": long_text, "tags": tags, "inputs": payload,
    "outputs": payload, "expected": payload, "metrics": mapping, "metadata": mapping, "scores": array,
    "spans": array, "cost_estimated": flag, "truncated": flag, "created_by": text,
}  # fmt: skip

# Every name that a sender may use at the top of a record -> the draft's field, its own name first.
NAMES: dict[str, str] = {
    **{name: name for name in READERS if not name.endswith("_ms")},
    "id": "external_id", "created": "created_at", "latency": "latency_ms", "ttft": "ttft_ms",
    "end_time": "ended_at", "case": "case_id",
    "input": "inputs", "output": "outputs", "llm_input": "inputs", "llm_output": "outputs",
    "expected_output": "expected", **unified.METRICS, **unified.METADATA,
}  # fmt: skip

# A row that says `is_root` was written by EvalHub. Of its fields, these follow from others and are not data, and those
# may be said by an operator's import alone. Anywhere else such a name is the sender's own: it goes to metadata.
FOLLOWING = frozenset({"id", "is_root", "status", "trace", "spans", "payload_expired"})
TRUSTED = frozenset({"created_by", "source", "cost_estimated", "truncated"})


@dataclass(slots=True)
class _Sent:
    """One object as it is being read: what was said for which field under which name, and what has no field."""

    said: dict[str, Any] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def put(self, target: str, where: str, value: Any) -> None:
        try:
            self.said[target] = READERS[target](value)
            self.names[target] = where
        except Wrong as wrong:
            self.problems.append((where, str(wrong)))


def drafts_from_json(item: Any, sender: Sender) -> list[RecordDraft]:
    """The record and its nested spans, parents first. Raises BadRecord with all that is wrong."""
    problems: list[Problem] = []
    drafts = _record(item, sender, problems, "", None, 0)
    if problems:
        raise BadRecord(problems)
    return drafts


def _record(
    item: Any, sender: Sender, problems: list[Problem], path: str, parent: RecordDraft | None, n: int, depth: int = 0
) -> list[RecordDraft]:
    if not isinstance(item, dict) or not item:
        problems.append((path, "A record is an object that says something."))
        return []
    if depth > MAX_JSON_DEPTH:
        problems.append((path, f"Spans are nested deeper than {MAX_JSON_DEPTH} levels."))
        return []
    sent = _Sent()
    metadata = _top_level(item, sent, sender)
    metrics = _measured(sent)
    metadata |= _described(sent)
    for name, values in (("metrics", metrics), ("metadata", metadata)):
        try:
            bounded(values, MAX_METADATA_BYTES)
        except Wrong as wrong:
            sent.problems.append((name, f"With all fields that have no column it {wrong}"))
    said = sent.said
    scores = _scores(said.pop("scores", None) or [], sent, sender, "is_root" in item)
    children = said.pop("spans", None) or []
    if said.get("kind") and said["kind"] not in Kind:
        metadata.setdefault("kind", said["kind"])
        said["kind"] = Kind.OTHER
    problems += [(f"{path}.{where}" if path and where else path or where, what) for where, what in sent.problems]
    draft = _draft(said, sender, parent, n, bool(children))
    draft.metrics, draft.metadata, draft.scores = metrics, metadata, scores
    drafts = [draft]
    for number, child in enumerate(children):
        where = f"{path}.spans.{number}" if path else f"spans.{number}"
        drafts += _record(child, sender, problems, where, draft, number, depth + 1)
    return drafts


def _top_level(item: dict[str, Any], sent: _Sent, sender: Sender) -> dict[str, Any]:
    """Reads the object's own names; returns what it has no name for, and what two names said differently."""
    exported = "is_root" in item
    rest: dict[str, Any] = {}
    for name, value in item.items():
        target = NAMES.get(name)
        if exported and (name in FOLLOWING or (name in TRUSTED and not sender.trusted)):
            continue
        if target is None or (name in TRUSTED and not exported):
            rest[name] = value
        elif value is None:
            continue
        elif target not in sent.said:
            sent.put(target, name, value)
        elif name == target:  # our own name counts, whatever stood before it
            rest[sent.names[target]] = item[sent.names[target]]
            sent.put(target, name, value)
        else:
            rest[name] = value
    return rest


def _measured(sent: _Sent) -> dict[str, Any]:
    """Moves the measurements that have a column there; returns the others."""
    rest = {}
    for name, value in sent.said.pop("metrics", {}).items():
        column = unified.METRICS.get(name)
        if column is None or column in sent.said or value is None:
            rest[name] = value
        else:
            sent.put(column, f"metrics.{name}", value)
    return rest


def _described(sent: _Sent) -> dict[str, Any]:
    """Moves metadata that has a column there. What does not fit its column was somebody's own use of the name."""
    rest = {}
    for name, value in sent.said.pop("metadata", {}).items():
        column = unified.METADATA.get(name)
        if column is None or column in sent.said or value is None:
            rest[name] = value
            continue
        try:
            sent.said[column] = READERS[column](value)
        except Wrong:
            rest[name] = value
    return rest


def _scores(items: list[Any], sent: _Sent, sender: Sender, exported: bool) -> list[ScoreDraft]:
    drafts = []
    for n, item in enumerate(items):
        draft, problems = score_from_json(item, sender, exported)
        sent.problems += [(f"scores.{n}.{where}" if where else f"scores.{n}", what) for where, what in problems]
        if draft:
            drafts.append(draft)
    return drafts


def _draft(said: dict[str, Any], sender: Sender, parent: RecordDraft | None, n: int, is_parent: bool) -> RecordDraft:
    """Fills in what follows: times, totals, and the ids that hold a trace together."""
    id = uuid7()
    if parent is not None:
        said["trace_id"] = parent.trace_id
        said["parent_id"] = parent.span_id
        said.setdefault("source", parent.source)
    if parent is not None and not said.get("span_id"):
        said["span_id"] = said.get("external_id") or _derived(f"{parent.external_id}/{n}", 16)
    if not said.get("external_id"):
        traced = said.get("trace_id") and said.get("span_id")
        said["external_id"] = _span_key(said["trace_id"], said["span_id"]) if traced else str(id)
    if is_parent or said.get("trace_id"):
        if not said.get("trace_id"):
            said["trace_id"] = _derived(said["external_id"], 32)
        if not said.get("span_id"):
            said["span_id"] = _derived(f"{said['external_id']}/", 16)
    started, ended, latency = said.get("started_at"), said.get("ended_at"), said.get("latency_ms")
    if latency is None and started and ended and started <= ended:
        said["latency_ms"] = min(round((ended - started).total_seconds() * 1000), 2_147_483_000)
    elif latency is not None and started and not ended:
        said["ended_at"] = started + timedelta(milliseconds=latency)
    if "tokens" not in said and "tokens_in" in said and "tokens_out" in said:
        said["tokens"] = min(said["tokens_in"] + said["tokens_out"], 2_147_483_647)
    created = said.pop("created_at", None) or started or (parent.created_at if parent else ended) or sender.now
    if created > sender.now + timedelta(seconds=MAX_AHEAD_SECONDS):
        created = sender.now
    created_by = said.pop("created_by", "") or sender.name
    return RecordDraft(id=id, created_at=created, created_by=created_by, source=said.pop("source", Source.API), **said)


def _span_key(trace_id: str, span_id: str) -> str:
    key = f"{trace_id}:{span_id}"
    return key if len(key.encode("utf-8", "replace")) <= MAX_NAME_BYTES else _derived(key, 64)


def _derived(words: str, digits: int) -> str:
    """The same id for the same words, so that a repeated post is a repeat in all its spans."""
    return hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()[:digits]
