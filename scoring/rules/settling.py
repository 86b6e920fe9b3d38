"""What becomes of the records that rules have drawn: pending scores, or why not.

One (rule, inputs and outputs) is scored once: the records are locked, and what the rule has planned for them before is
looked up, in whatever version of its evaluators.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from records.models import ScoreSource
from records.scores import Task, lock_records, plan_scores
from scoring.models import Counted, EvaluatorType, EvaluatorVersion, Rule, RuleScope, Unscored, Why
from scoring.rules.budgets import Budget
from scoring.rules.counting import Spent, note_unscored, spent_today
from scoring.rules.deciding import Decisions, Drawn, RuleAtWork
from scoring.rules.gates import Facts

SOURCES = {EvaluatorType.LLM: ScoreSource.LLM, EvaluatorType.CODE: ScoreSource.CODE}

HASHES = """
SELECT id, coalesce(encode(input_hash, 'hex'), '') FROM record WHERE project_id = %(p)s AND id = ANY(%(keys)s)
"""
# Task keys are rule:<rule>:<evaluator version>:<hash>.
BEFORE = """
SELECT record_id, rule_id, split_part(task_key, ':', 4), record_id FROM score
WHERE project_id = %(p)s AND record_id = ANY(%(keys)s) AND starts_with(task_key, 'rule:')
"""
TRACE_HASHES = """
SELECT trace_id, encode(sha256(convert_to(string_agg(
  span_id || ' ' || coalesce(encode(input_hash, 'hex'), ''), E'\\n' ORDER BY span_id, external_id), 'UTF8')), 'hex')
FROM record WHERE project_id = %(p)s AND trace_id = ANY(%(keys)s) AND trace_id <> '' GROUP BY 1
"""
TRACES_BEFORE = """
SELECT r.trace_id, s.rule_id, split_part(s.task_key, ':', 4), r.id
FROM record r JOIN score s ON s.project_id = r.project_id AND s.record_id = r.id AND starts_with(s.task_key, 'rule:')
WHERE r.project_id = %(p)s AND r.trace_id = ANY(%(keys)s) AND r.trace_id <> ''
UNION ALL
SELECT r.trace_id, u.rule_id, 'over budget', r.id
FROM record r JOIN unscored u ON u.project_id = r.project_id AND u.record_id = r.id AND u.reason = 'over_budget'
WHERE r.project_id = %(p)s AND r.trace_id = ANY(%(keys)s) AND r.trace_id <> ''
"""

# By (rule, key of the subject): of each hash that the rule has scored it on, the record that bears the score; and under
# OVER, of a trace that was over budget, the record of which that was noted.
OVER = "over budget"
_Before = dict[tuple[int, UUID | str], dict[str, UUID]]


@dataclass(frozen=True, slots=True)
class _Subject:
    """What a rule judges: a record, or the trace for which it stands. `hash` is of all that it holds now."""

    at_work: RuleAtWork
    record_id: UUID
    key: UUID | str
    hash: str
    late: bool

    @property
    def rule(self) -> Rule:
        return self.at_work.rule


def settle(project_id: int, decisions: Decisions) -> None:
    """Plans what was drawn, within the budgets, and counts."""
    if not decisions.drawn:
        return
    lock_records(project_id, {one.facts.id for one in decisions.drawn})
    subjects, before = _subjects(project_id, decisions.drawn)
    counts = decisions.counts
    budgets = _Budgets(decisions.drawn)
    planned: list[_Subject] = []
    unscored: dict[Why, list[tuple[int, UUID]]] = defaultdict(list)
    again: list[tuple[int, set[UUID]]] = []  # (rule, records of which something was noted)
    for subject in subjects:
        rule, hashes = subject.rule, before.get((subject.rule.pk, subject.key), {})
        if subject.hash in hashes:
            counts[rule.pk, Counted.UNCHANGED] += 1
        elif hashes.keys() - {OVER} and not rule.judge_again:
            counts[rule.pk, Counted.CHANGED] += 1
            holders = {*hashes.values(), *(() if subject.late else (subject.record_id,))}
            unscored[Why.CHANGED].extend((rule.pk, id) for id in holders)
        elif (subject.late or hashes) and not rule.judge_again:
            pass  # it was decided when it ended, or when it was quiet
        elif not budgets.of(subject.at_work).spend():
            counts[rule.pk, Counted.OVER_BUDGET] += 1
            unscored[Why.OVER_BUDGET].append((rule.pk, subject.record_id))
        else:
            planned.append(subject)
            if hashes or subject.late:
                again.append((rule.pk, {subject.record_id, *hashes.values()}))
    for subject in planned:
        counts[subject.rule.pk, Counted.PLANNED] += 1
        counts[subject.rule.pk, Counted.CALLS] += len(subject.at_work.versions)
    if planned:
        plan_scores(project_id, {subject.record_id for subject in planned}, _tasks(planned))
    for rule_id, records in again:
        Unscored.objects.filter(project_id=project_id, rule_id=rule_id, record_id__in=records).delete()
    for why, pairs in unscored.items():
        note_unscored(project_id, pairs, why)


def _subjects(project_id: int, drawn: Sequence[Drawn]) -> tuple[list[_Subject], _Before]:
    """What is judged, oldest first, each once; and on what the rules have scored it before."""
    whole = {facts.trace_id for at_work, facts, _ in drawn if _by_trace(at_work, facts)}
    alone = {facts.id for at_work, facts, _ in drawn if not _by_trace(at_work, facts)}
    hashes: dict[UUID | str, str] = {}
    before: _Before = defaultdict(dict)
    with connection.cursor() as cursor:
        for keys, of_now, of_before in ((alone, HASHES, BEFORE), (whole, TRACE_HASHES, TRACES_BEFORE)):
            if keys:
                params = {"p": project_id, "keys": list(keys)}
                cursor.execute(of_now, params)
                hashes.update(cursor.fetchall())
                cursor.execute(of_before, params)
                for key, rule_id, hashed, record_id in cursor.fetchall():
                    before[rule_id, key][hashed] = record_id
    subjects: dict[tuple[int, UUID | str], _Subject] = {}
    for at_work, facts, late in drawn:
        key = facts.trace_id if _by_trace(at_work, facts) else facts.id
        if key in hashes:  # else it is being deleted
            subjects.setdefault((at_work.rule.pk, key), _Subject(at_work, facts.id, key, hashes[key], late))
    return list(subjects.values()), before


def _by_trace(at_work: RuleAtWork, facts: Facts) -> bool:
    return at_work.rule.scope == RuleScope.TRACE and bool(facts.trace_id)


class _Budgets:
    """Read once for all rules that have one, where something of theirs was drawn."""

    def __init__(self, drawn: Sequence[Drawn]) -> None:
        limited = {
            at_work.rule.pk
            for at_work, _, _ in drawn
            if at_work.rule.budget_calls_day is not None or at_work.rule.budget_usd_day is not None
        }
        self._spent = spent_today(limited) if limited else {}
        self._drawn = drawn
        self._known: dict[int, Budget] = {}

    def of(self, at_work: RuleAtWork) -> Budget:
        rule = at_work.rule
        if rule.pk not in self._known:
            records = [one.facts.id for one in self._drawn if one.at_work is at_work]
            self._known[rule.pk] = Budget(rule, at_work.versions, self._spent.get(rule.pk, Spent()), records)
        return self._known[rule.pk]


def _tasks(planned: Sequence[_Subject]) -> list[Task]:
    """A task for each evaluator of a rule on all its records, with their hash in the key; on traces one for each."""
    records: dict[tuple[int, str], list[UUID]] = defaultdict(list)
    rules: dict[int, RuleAtWork] = {}
    for subject in planned:
        by_trace = isinstance(subject.key, str)
        records[subject.rule.pk, subject.hash if by_trace else ""].append(subject.record_id)
        rules[subject.rule.pk] = subject.at_work
    return [
        _task(rules[rule_id].rule, version, ids, hashed)
        for (rule_id, hashed), ids in records.items()
        for version in rules[rule_id].versions
    ]


def _task(rule: Rule, version: EvaluatorVersion, records: list[UUID], hashed: str) -> Task:
    key = f"rule:{rule.pk}:{version.pk}"
    return Task(
        metric_id=version.evaluator.metric_id,
        key=f"{key}:{hashed}" if hashed else key,
        source=SOURCES[version.evaluator.type],
        per_input=not hashed,
        scorer=version.definition.get("model", ""),
        evaluator=version.evaluator.slug,
        evaluator_version_id=version.pk,
        version_no=version.number,
        rule_id=rule.pk,
        rule=rule.slug,
        probability=rule.rate,
        records=records,
    )
