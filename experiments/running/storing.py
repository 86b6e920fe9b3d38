"""What was made becomes records, and their rows say so, in one transaction."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from experiments.models import Experiment
from experiments.running.rows import Claimed, still_mine
from experiments.workflows.asking import Call, Generated
from experiments.workflows.spans import trace_of
from records.ingest import ingest
from records.limits import MAX_ERROR_CHARS
from records.models import Source
from records.rows import as_rows
from records.sanitize import repaired

# What the output took is that of its whole trace; a cost that is not known stays unknown.
HAVE_RECORDS = """
UPDATE experiment_row r SET record_id = x.record_id, lease_until = NULL, not_before = NULL, error = x.error,
  finish = x.finish, state = CASE WHEN x.error = '' THEN 'generated' ELSE 'errored' END,
  generated_at = CASE WHEN x.error = '' THEN clock_timestamp() END, scores_planned = false,
  tokens = t.tokens, cost = t.cost, latency_ms = c.latency_ms
FROM jsonb_to_recordset(%(rows)s::jsonb) AS x(id bigint, record_id uuid, error text, finish text)
JOIN record c ON c.project_id = %(p)s AND c.id = x.record_id
CROSS JOIN LATERAL (SELECT sum(s.tokens) AS tokens, sum(s.cost) AS cost FROM record s
  WHERE s.project_id = %(p)s AND s.trace_id = c.trace_id AND s.trace_id <> '') t
WHERE r.experiment_id = %(experiment)s AND r.id = x.id
"""


def store(experiment: Experiment, call: Call, results: Sequence[tuple[Claimed, Generated]]) -> int:
    """The traces and their rows; how many. Of rows that somebody else has by now, nothing."""
    made = {claimed.id: one for claimed, one in results}
    with transaction.atomic():
        mine = still_mine([claimed for claimed, _ in results])
        drafts = [
            draft
            for one in mine
            for draft in trace_of(one.case, call, made[one.id], Source.KICKOFF, experiment.created_by)
        ]
        ids = dict(zip((d.external_id for d in drafts), ingest(experiment.project, drafts, "").ids, strict=True))
        have_records(
            experiment,
            [(one.id, ids[one.case.root_key], made[one.id].error, made[one.id].finish) for one in mine],
        )
    return len(mine)


def have_records(experiment: Experiment, rows: Sequence[tuple[int, UUID, str, str]]) -> None:
    """(row, the root of its trace, error, why the model stopped): what became of rows that the caller has locked."""
    said: list[dict[str, Any]] = [
        {"id": id, "record_id": record, "error": repaired(error)[:MAX_ERROR_CHARS], "finish": repaired(finish)[:40]}
        for id, record, error, finish in rows
    ]
    with connection.cursor() as cursor:
        cursor.execute(HAVE_RECORDS, {"rows": as_rows(said), "p": experiment.project_id, "experiment": experiment.pk})
