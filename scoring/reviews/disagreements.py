"""Where people who scored the same record disagree, and the final word on it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db import connection

from records.models import Metric, Rank, Record, Score, ScoreSource, ScoreStatus
from records.scores import NewScore, add_scores
from records.values import TypedValue
from scoring.models import ReviewRequest

PAGE = 50

# Two who chose the same in another order agree; comments are no values to agree on.
DIFFER = """count(DISTINCT s.numerical_value) > 1 OR count(DISTINCT s.boolean_value) > 1
    OR count(DISTINCT ARRAY(SELECT unnest(s.categorical_value) ORDER BY 1)) > 1"""

DISAGREE = f"""
SELECT s.record_id FROM score s
WHERE s.project_id = %(p)s AND s.source = 3 AND s.evaluator_version_id IS NOT NULL AND s.task_key = ANY(%(keys)s)
  AND s.status = 1 AND s.record_id > %(after)s
GROUP BY s.record_id
HAVING ({DIFFER})
  AND NOT EXISTS (SELECT FROM score f WHERE f.project_id = %(p)s AND f.record_id = s.record_id
    AND starts_with(f.task_key, %(final)s))
ORDER BY s.record_id LIMIT %(limit)s
"""  # noqa: S608 - the names are ours

COMPARED = f"""
SELECT count(*), count(*) FILTER (WHERE differ) FROM (
  SELECT {DIFFER} AS differ FROM score s
  WHERE s.project_id = %(p)s AND s.source = 3 AND s.evaluator_version_id IS NOT NULL AND s.task_key = ANY(%(keys)s)
    AND s.status = 1 AND s.string_value IS NULL
  GROUP BY s.record_id HAVING count(*) > 1) x
"""  # noqa: S608 - the names are ours


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of the records that several people have scored, how many they do not agree on."""

    compared: int
    differ: int

    @property
    def agreed(self) -> int:
        return self.compared - self.differ


@dataclass(slots=True)
class Disagreement:
    """A record, and what people said of it, in the order in which they did. `record` None: deleted meanwhile."""

    record_id: UUID
    record: Record | None = None
    answers: list[Score] = field(default_factory=list)


def disagreements(request: ReviewRequest, after: UUID | None = None, most: int = PAGE) -> list[Disagreement]:
    """Records behind `after`, by id, on which no final word has been said in this request."""
    params = {
        "p": request.project_id, "keys": request.task_keys, "final": _final(request), "after": after or UUID(int=0),
        "limit": most,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(DISAGREE, params)
        ids = [id for (id,) in cursor.fetchall()]
    return _with_answers(request, ids)


def agreement(request: ReviewRequest) -> Agreement:
    with connection.cursor() as cursor:
        cursor.execute(COMPARED, {"p": request.project_id, "keys": request.task_keys})
        return Agreement(*cursor.fetchone())


def disagreement(request: ReviewRequest, record_id: UUID) -> Disagreement | None:
    """What people said of one record, whether they agree or not; None where nobody said anything."""
    found = _with_answers(request, [record_id])[0]
    return found if found.record and found.answers else None


def adjudicate(
    request: ReviewRequest, metric: Metric, by: str, record_id: UUID, value: TypedValue, reason: str, key: str
) -> UUID:
    """The final word, which counts before everybody's; what people said stays beside it. `key` makes a repeat harmless.

    The score's id. Raises what `add_scores` raises.
    """
    version = request.version
    final = NewScore(
        record_id, metric, value, ScoreSource.HUMAN, scorer=by, reasoning=reason,
        rank=Rank.ADJUDICATED, evaluator=version.evaluator.slug, evaluator_version_id=version.pk,
        version_no=version.number, task_key=f"{_final(request)}{key}",
    )  # fmt: skip
    return add_scores(request.project_id, [final])[0]


def final_word(request: ReviewRequest, record_id: UUID) -> Score | None:
    """The newest one."""
    said = Score.objects.filter(
        project_id=request.project_id, record_id=record_id, task_key__startswith=_final(request)
    )
    return said.order_by("-id").first()


def _final(request: ReviewRequest) -> str:
    return f"review:{request.pk}:final:"


def _with_answers(request: ReviewRequest, ids: Sequence[UUID]) -> list[Disagreement]:
    found = {id: Disagreement(id) for id in ids}
    for record in Record.objects.filter(project_id=request.project_id, id__in=ids):
        found[record.id].record = record
    answers = Score.objects.filter(
        project_id=request.project_id, record_id__in=ids, task_key__in=request.task_keys, status=ScoreStatus.COMPLETED
    )
    for answer in answers.select_related("metric").order_by("completed_at", "id"):
        found[answer.record_id].answers.append(answer)
    return list(found.values())
