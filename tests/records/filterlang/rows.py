"""Random records with payloads and scores, kept as plain values beside the rows: SQL and brute force must agree."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from evalhub.models import Project
from records.filterlang import Vocabulary
from records.ids import uuid7
from records.models import Kind, Metric, Payload, Record, RecordStatus, Score, ScoreStatus, Source, ValueType
from records.vocabulary import vocabulary_of
from tests import factories

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
NAMES = ["", "gpt-4o", "GPT-4o", "gpt-4o-mini", "a%b", "a_b", "axb", "a*b", "ÄPFEL", "äpfel", "İx", "ΟΔΟΣ", "it's"]
TAGS = ["ci", "CI", "ci-nightly", "gold"]
JSON_VALUES = [None, 5, 5.5, "5", "gold", "Gold", True, "true", "", ["gold", 5], {"b": 5}, [{"b": "gold"}]]
CHOICES = ["rude", "angry", "kind"]


def metrics(project: Project) -> list[Metric]:
    choices = [{"value": choice} for choice in CHOICES]
    return [
        factories.metric(project, "accuracy"),
        factories.metric(project, "safe", ValueType.BOOLEAN),
        factories.metric(
            project, "tone", ValueType.CATEGORICAL, categorical_choices=choices, several=True, passing_choices=["kind"]
        ),
        factories.metric(project, "note", ValueType.COMMENT),
    ]


def fill(project: Project, count: int, seed: int = 1) -> tuple[list[dict[str, Any]], Vocabulary]:
    """Returns each record as {"id", columns..., "inputs", "scores": {slug: newest first}}."""
    rng = random.Random(seed)
    by_slug = {metric.slug: metric for metric in metrics(project)}
    rows = [_with_more_numbers(_row(rng, number), number) for number in range(count)]
    columns = {field.name for field in Record._meta.concrete_fields}
    Record.objects.bulk_create(
        Record(project=project, external_id=str(row["id"]), **{k: v for k, v in row.items() if k in columns})
        for row in rows
    )
    Payload.objects.bulk_create(
        Payload(project=project, record_id=row["id"], inputs=row["inputs"], search_text=row["search_text"])
        for row in rows
    )
    scores = []
    for row in rows:
        row["scores"] = {}
        for slug, metric in by_slug.items():
            made = [_score(rng, project, row, metric, attempt) for attempt in range(rng.choice([0, 0, 1, 2]))]
            if made:
                made[0]["is_current"] = True
            row["scores"][slug] = sorted(made, key=lambda score: score["id"], reverse=True)
            scores += made
    Score.objects.bulk_create(Score(**score) for score in scores)
    return rows, vocabulary_of(project)


def _row(rng: random.Random, number: int) -> dict[str, Any]:
    optional = lambda value: rng.choice([None, value, value])  # noqa: E731
    metadata = {key: rng.choice(JSON_VALUES) for key in ("a", "n", "environment") if rng.random() < 0.6}
    return {
        "id": uuid7(1_780_000_000_000 + number, rng),
        # Whole hours, so that many share an instant with each other and with the edges of slices.
        "created_at": NOW - timedelta(hours=rng.choice([0, 1, 1, 2, 5, 21, 22, 85, 341, 700, 1365])),
        "started_at": optional(NOW - timedelta(hours=rng.randrange(100))),
        "name": rng.choice(NAMES),
        "model": rng.choice(NAMES),
        "customer": rng.choice(NAMES),
        "environment": rng.choice(["", "prod", "Gold"]),
        "experiment": rng.choice(["", "", "Baseline", "baseline"]),
        "error": rng.choice(["", "", "boom", "a%b"]),
        "kind": rng.choice(list(Kind)).value,
        "is_root": rng.random() < 0.7,
        "source": rng.choice(list(Source)).value,
        "status": rng.choice(list(RecordStatus)).value,
        "latency_ms": optional(rng.choice([0, 290, 500, 1000, 1001])),
        "tokens": optional(rng.choice([0, 5, 100])),
        "cost": optional(rng.choice([0, 5, 0.5])),
        "tags": rng.sample(TAGS, rng.randrange(3)),
        "metadata": metadata,
        "metrics": {"n": rng.choice([1, 5, "5"])} if rng.random() < 0.5 else {},
        "inputs": rng.choice([None, "gold", {"a": rng.choice(JSON_VALUES)}, {"a": {"b": "Gold"}}]),
        "search_text": rng.choice([None, "say GOLD", "a%b", "nothing"]),
    }


def _with_more_numbers(row: dict[str, Any], seed: int) -> dict[str, Any]:
    rng = random.Random(seed)
    row |= {"ttft_ms": rng.choice([None, 0, 290]), "tokens_in": rng.choice([None, 1, 2])}
    if row["is_root"]:
        row |= {"trace_cost": rng.choice([None, 0, 7, 0.5]), "trace_tokens": rng.choice([None, 7])}
    return row


def _score(rng: random.Random, project: Project, row: dict[str, Any], metric: Metric, attempt: int) -> dict[str, Any]:
    status = rng.choice([*ScoreStatus, ScoreStatus.COMPLETED, ScoreStatus.COMPLETED])
    score: dict[str, Any] = {
        "project": project, "id": uuid7(1_780_000_000_000 + attempt * 1000, rng), "record_id": row["id"],
        "record_created_at": row["created_at"], "metric": metric, "status": status, "rank": 3, "is_current": False,
        "source": 1, "created_at": NOW, "task_key": f"{metric.slug}:{attempt}",
        "evaluator": rng.choice(["", "judge", "Judge", "judge-2"]), "version_no": rng.choice([None, 1, 2]),
    }  # fmt: skip
    if status == ScoreStatus.COMPLETED:
        match metric.slug:
            case "accuracy":
                value = rng.choice([0.0, 0.25, 0.5, 1.0])
                score |= {"numerical_value": value, "value": value, "passed": value >= 0.5}
            case "safe":
                value = rng.random() < 0.5
                score |= {"boolean_value": value, "value": float(value), "passed": value}
            case "tone":
                value = rng.sample(CHOICES, rng.choice([1, 2]))
                score |= {"categorical_value": value, "passed": value == ["kind"]}
            case "note":
                score |= {"string_value": rng.choice(["Good one", "bad"])}
    return score


def outcome(score: dict[str, Any]) -> str:
    """As the database generates it."""
    match score["status"]:
        case ScoreStatus.COMPLETED:
            return {True: "pass", False: "fail", None: "none"}[score.get("passed")]
        case status:
            return ScoreStatus(status).label


def ids(rows: list[dict[str, Any]]) -> set[UUID]:
    return {row["id"] for row in rows}
