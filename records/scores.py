"""Writing scores: the only module that changes the score table, a record's status, or the roll-ups of scores.

Every writer is one transaction in one locking order (records in id order, score rows, roll-ups in key order), so that
workers, people, the API, re-scores and cancels run at the same time without waiting in a ring or counting twice. The
statements and what each is for stand in records/sql/scores.sql. Nothing here is slower or different inside an outer
transaction that has already locked the records, but such a caller must not have touched a roll-up before: see
`place_scores`.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from itertools import batched
from uuid import UUID

from django.db import connection, transaction

from records.ids import is_sampled
from records.limits import MAX_ITEMS
from records.models import Metric, Score, ScoreStatus
from records.repeats import subject, told_apart
from records.rows import as_rows
from records.score_rows import Claimed, NewScore, ScoreResult, Task, typed_fields
from records.sql import Step, load, preparing_cursor, steps
from records.values import judge, read_value

SQL = load("scores")
# What works on a run's scores, for those of a rule.
OF_RULE = {name: SQL[name].replace("run_id = %(run)s", "rule_id = %(rule)s") for name in ("cancellable", "cancel")}
MAX_ATTEMPTS = 8


class UnknownRecord(LookupError):
    """A score names a record, or a metric, that the project does not have. Nothing was stored."""


@contextmanager
def settling(project_id: int, record_ids: Iterable[UUID]) -> Iterator[Step]:
    """One transaction around changes to the scores of at most 1,000 records: locks, then the caller's steps by their
    names in scores.sql, then status, roll-ups and samples. The only way scores change, but for ingest."""
    records = _slice(record_ids)
    with transaction.atomic(), preparing_cursor() as cursor:
        open_stages()
        step = steps(cursor, SQL, project_id)
        step("lock_records", records=records)
        yield step
        step("record_status", records=records)
        step("record_deltas")
        step("score_deltas")
        _sample(step, records)


def lock_records(project_id: int, record_ids: Iterable[UUID]) -> None:
    """Locks at most 1,000 records for the present transaction, as every writer of scores does, and as the first of its
    locks on records: what is then read of their scores holds until `plan_scores`."""
    with connection.cursor() as cursor:
        steps(cursor, SQL, project_id)("lock_records", records=_slice(record_ids))


def _number(id: UUID) -> int:
    """Sorts as the ids do, and faster."""
    return id.int


def _slice(record_ids: Iterable[UUID]) -> list[UUID]:
    records = sorted(set(record_ids), key=_number)
    if len(records) > MAX_ITEMS:
        raise ValueError(f"{len(records)} records in one transaction: at most {MAX_ITEMS}.")
    return records


def _sample(step: Step, records: list[UUID]) -> None:
    sampled = [id for id in records if is_sampled(id)]
    if sampled:
        step("samples", sampled=sampled)


def add_scores(project_id: int, new: Sequence[NewScore]) -> list[UUID]:
    """Stores completed scores on at most 1,000 records; their ids, in order. A repeat gives the id of the first.

    A correction by a person is a new score of source human: it becomes current by its rank, and nothing is overwritten.
    Raises UnknownRecord, and ValueProblem where a metric was changed meanwhile and allows the value no longer.
    """
    if not new:
        return []
    with settling(project_id, (score.record_id for score in new)) as step:
        return _place(step, new)


def place_scores(project_id: int, new: Sequence[NewScore]) -> list[UUID]:
    """`add_scores` for ingest: inside its transaction, after its records are written and locked, before any roll-up.

    Leaves the roll-ups to the caller, because one transaction must write each roll-up table once, in key order: the
    record's status is changed (the caller's after-minus-before sees it), and what changed in scores lies in stage_delta
    until `fold_scores`. Call `open_stages` first; a record that changes is_root is staged there before this call.
    Raises what `add_scores` raises.
    """
    records = _slice(score.record_id for score in new)
    with preparing_cursor() as cursor:
        step = steps(cursor, SQL, project_id)
        step("lock_records", records=records)
        ids = _place(step, new)
        step("record_status", records=records)
        return ids


def open_stages() -> None:
    with connection.cursor() as cursor:
        cursor.execute(SQL["stages"])


def fold_scores(project_id: int, record_ids: Iterable[UUID]) -> None:
    """Folds what `place_scores` left into score_rollup and the samples; after the caller's record_rollup."""
    with connection.cursor() as cursor:
        step = steps(cursor, SQL, project_id)
        step("score_deltas")
        _sample(step, sorted(set(record_ids)))


def _place(step: Step, new: Sequence[NewScore]) -> list[UUID]:
    new = _without_repeats(step, _by_present_metrics(step, new))
    rows = as_rows(score.row() for score in new)
    step("stage_new", rows=rows)
    step("decide")
    step("unset")
    step("insert")
    ids = [id for (id,) in step("ids_of_tasks", rows=rows)]
    for id, score in zip(ids, new, strict=True):
        if id is None:
            raise UnknownRecord(f"The project has no record {score.record_id}, or no metric {score.metric.slug}.")
    return ids


def _by_present_metrics(step: Step, new: Sequence[NewScore]) -> list[NewScore]:
    """The scores as their metrics are now, which stay so until the commit: a value that was read by a definition of
    before is read again. Raises ValueProblem where it is allowed no longer."""
    versions = dict(step("lock_metrics", metrics=sorted({score.metric.id for score in new})))
    changed = {
        id
        for score in new
        if versions.get(id := score.metric.id, score.metric.version) != score.metric.version
        and score.status == ScoreStatus.COMPLETED
    }
    if not changed:
        return list(new)
    present = Metric.objects.in_bulk(changed)
    return [_read_again(score, present[score.metric.id]) if score.metric.id in changed else score for score in new]


def _read_again(score: NewScore, metric: Metric) -> NewScore:
    return replace(score, metric=metric, value=read_value(metric, typed_fields(score.value)))


def _without_repeats(step: Step, new: Sequence[NewScore]) -> Sequence[NewScore]:
    subjects = list({subject(score) for score in new if score.said})
    if not subjects:
        return new
    last = step("last_said", rows=as_rows({"record_id": id, "head": head} for id, head in subjects))
    return told_apart(new, {subjects[n]: key for n, key in last})


def plan_scores(project_id: int, record_ids: Iterable[UUID], tasks: Sequence[Task]) -> int:
    """Adds a pending score for each task on each of at most 1,000 records, or on those of them that it names; without
    those already there; how many.

    A record that has a completed value keeps showing it.
    """
    records = _slice(record_ids)
    with settling(project_id, records) as step:
        step("stage_pending", records=records, rows=as_rows(task.row() for task in tasks))
        step("decide")
        step("unset")
        step("insert")
        return len(step("staged"))


def claim(
    project_id: int, run_id: int | None, limit: int, lease_seconds: float, versions: Sequence[int] | None = None
) -> list[Claimed]:
    """Takes up to `limit` pending machine scores of one run (None: of the rules) for `lease_seconds`, oldest first.

    `versions`: only those of these evaluator versions. Waits for nobody: what another worker is just claiming is passed
    over.
    """
    whose = "run_id = %(run)s" if run_id is not None else "rule_id IS NOT NULL"
    if versions is not None:
        whose += " AND evaluator_version_id = ANY(%(versions)s::bigint[])"
    params = {"run": run_id, "limit": limit, "lease": lease_seconds, "most": MAX_ATTEMPTS, "versions": versions}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(SQL["claim"].replace("run_id = %(run)s", whose), {"p": project_id, **params})
        return [Claimed(*row) for row in sorted(cursor.fetchall(), key=lambda row: row[0].int)]


def complete(project_id: int, results: Sequence[ScoreResult]) -> set[UUID]:
    """Stores results on at most 1,000 records; the ids of those stored.

    Not stored, without an error: a score that is no longer pending (done twice, cancelled) or that somebody else has
    claimed since.
    """
    if not results:
        return set()
    with settling(project_id, (result.record_id for result in results)) as step:
        step("stage_results", rows=as_rows(result.row() for result in results))
        _judge_by_present_metrics(step, results)
        step("decide")
        step("unset")
        step("write")
        details = [r for r in results if r.prompt is not None or r.reply is not None or r.output is not None]
        if details:
            rows = ({"id": r.id, "prompt": r.prompt, "reply": r.reply, "output": r.output} for r in details)
            step("details", rows=as_rows(rows))
        return {id for (id,) in step("staged")}


def _judge_by_present_metrics(step: Step, results: Sequence[ScoreResult]) -> None:
    """A pending score fixes its metric's type and only lets bounds widen: the value stands, the verdict may not."""
    outdated = dict(step("outdated_results"))
    if not outdated:
        return
    present = Metric.objects.in_bulk(set(outdated.values()))
    rows = []
    for result in results:
        metric = present.get(outdated.get(result.id))
        if metric and result.value:
            verdict = judge(metric, result.value)
            rows.append(
                {"id": result.id, "passed": verdict.passed, "value": verdict.value, "metric_version": metric.version}
            )
    step("restage", rows=as_rows(rows))


def put_back(
    project_id: int,
    claimed: Sequence[Claimed],
    reason: str,
    not_before: datetime | None = None,
    *,
    give_back_attempt: bool = False,
) -> None:
    """Leaves claimed scores pending, with the reason, until `not_before`: a provider is down, a worker is stopping."""
    for some in batched(claimed, MAX_ITEMS):
        rows = as_rows({"id": c.id, "attempts": c.attempts} for c in some)
        with transaction.atomic(), connection.cursor() as cursor:
            step = steps(cursor, SQL, project_id)
            step("lock_records", records=_slice(c.record_id for c in some))
            step("put_back", rows=rows, reason=reason, not_before=not_before, give_back=give_back_attempt)


def extend(project_id: int, claimed: Sequence[Claimed], lease_seconds: float) -> None:
    """Holds claimed scores for `lease_seconds` from now; those that somebody else has claimed since stay theirs."""
    rows = as_rows({"id": c.id, "attempts": c.attempts} for c in claimed)
    with transaction.atomic(), connection.cursor() as cursor:
        steps(cursor, SQL, project_id)("extend", rows=rows, lease=lease_seconds)


def cancel_pending(project_id: int, run_id: int) -> int:
    """Deletes a run's pending scores that no worker holds, in slices of 1,000; how many. Nothing has to be put back."""
    cancelled = 0
    while True:
        with connection.cursor() as cursor:
            found = steps(cursor, SQL, project_id)("cancellable", run=run_id, limit=MAX_ITEMS)
        if not found:
            return cancelled
        records = [id for (id,) in found]
        with settling(project_id, records) as step:
            step("cancel", run=run_id, records=records)
            step("recrown")
            cancelled += len(step("staged"))


def withdraw_rule(project_id: int, rule_id: int) -> list[UUID]:
    """Deletes pending scores of a rule that no worker holds, of at most 1,000 records; the record of each."""
    with connection.cursor() as cursor:
        found = steps(cursor, OF_RULE, project_id)("cancellable", rule=rule_id, limit=MAX_ITEMS)
    if not found:
        return []
    with settling(project_id, (id for (id,) in found)) as step:
        with connection.cursor() as cursor:
            steps(cursor, OF_RULE, project_id)("cancel", rule=rule_id, records=[id for (id,) in found])
        step("recrown")
        return [id for (id,) in step("staged_records")]


def release_expired(project_id: int) -> tuple[set[int | None], int]:
    """Takes back leases past their time: (the runs that have work again, how many scores were given up).

    Given up, that is errored, are scores that were claimed MAX_ATTEMPTS times without a result.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        step = steps(cursor, SQL, project_id)
        runs = {run for (run,) in step("release", most=MAX_ATTEMPTS, limit=MAX_ITEMS)}
        lost = step("lost", most=MAX_ATTEMPTS, limit=MAX_ITEMS)
    given_up = [
        ScoreResult(id, record_id, attempts, ScoreStatus.ERRORED, error=f"Given up after {attempts} attempts. {error}")
        for id, record_id, attempts, error in lost
    ]
    return runs, len(complete(project_id, given_up))


def delete_scores(project_id: int, ids: Sequence[UUID]) -> int:
    """Deletes scores of at most 1,000 records, with their details; the best of what is left becomes current."""
    records = Score.objects.filter(project_id=project_id, id__in=ids).values_list("record_id", flat=True)
    with settling(project_id, records) as step:
        step("delete", ids=list(ids))
        step("recrown")
        return len(step("staged"))
