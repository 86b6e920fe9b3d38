"""Planning online scoring: from what ingest announced, and from traces that have been quiet for long enough, to pending
scores.

Each step is one transaction: what is planned, what is counted and what is no longer waited for are committed together.
So a planner may be killed anywhere, and several may work at once: each takes what nobody else has in hands.
"""

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection, transaction

from evalhub.models import Project
from records.limits import MAX_ITEMS
from records.outbox import expire
from scoring.models import OpenTrace, Rule, RuleScope
from scoring.rules import clock
from scoring.rules.counting import add_counts
from scoring.rules.deciding import Alike, Decisions, RuleAtWork, alike, look_up, rules_at_work
from scoring.rules.gates import Facts
from scoring.rules.settling import settle

TURN_SECONDS = 3.0  # then the scores that were planned have their turn
NEVER = UUID(int=0)
ROWS = 50  # of the outbox at one look
TRACES = 500  # that are due

WAITING_ROWS = """
SELECT id, ids, changed FROM outbox WHERE project_id = %s ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
"""
TAKE = "DELETE FROM outbox WHERE project_id = %s AND id = ANY(%s)"

OPEN = """
INSERT INTO open_trace (project_id, rule_id, trace_id, due_at)
SELECT rule.project_id, rule.id, d.trace_id, now() + rule.quiet_seconds * interval '1 second'
FROM unnest(%s::bigint[], %s::text[], %s::boolean[]) AS d(rule_id, trace_id, anew) JOIN rule ON rule.id = d.rule_id
WHERE d.anew OR EXISTS (SELECT FROM open_trace o WHERE o.rule_id = d.rule_id AND o.trace_id = d.trace_id)
ORDER BY rule.id, d.trace_id
ON CONFLICT (rule_id, trace_id) DO UPDATE SET due_at = excluded.due_at, after = NULL
"""

DUE = """
SELECT rule_id, trace_id, after FROM open_trace WHERE project_id = %s AND due_at <= now()
ORDER BY due_at, rule_id, trace_id LIMIT %s FOR UPDATE SKIP LOCKED
"""
# The trace's lead, or those roots whose parents have not come. The partial index needs its predicate on record itself.
ROOTS = """
SELECT d.n, r.id FROM unnest(%(traces)s::text[], %(afters)s::uuid[], %(whole)s::boolean[]) WITH ORDINALITY
  AS d(trace_id, after, whole, n)
CROSS JOIN LATERAL (
  SELECT id FROM record WHERE project_id = %(p)s AND trace_id = d.trace_id AND trace_id <> '' AND is_root
    AND CASE WHEN d.whole THEN trace_spans IS NOT NULL ELSE parent_id <> '' END
    AND id > coalesce(d.after, '00000000-0000-0000-0000-000000000000')
  ORDER BY id LIMIT %(most)s) r
ORDER BY d.n, r.id
"""
CLOSE = """
DELETE FROM open_trace USING unnest(%s::bigint[], %s::text[]) AS d(rule_id, trace_id)
WHERE open_trace.rule_id = d.rule_id AND open_trace.trace_id = d.trace_id
"""

IS_WAITING = """
SELECT EXISTS (SELECT FROM outbox WHERE project_id = %(p)s)
  OR EXISTS (SELECT FROM open_trace WHERE project_id = %(p)s AND due_at <= now())
"""


class Announced(NamedTuple):
    """A row of the outbox."""

    id: UUID
    ids: list[UUID]
    changed: list[UUID]


class Due(NamedTuple):
    rule_id: int
    trace_id: str
    after: UUID | None


def plan(project_id: int, seconds: float = TURN_SECONDS) -> bool:
    """Plans what waits, for about `seconds`; whether anything was planned or decided."""
    project = Project.objects.filter(pk=project_id).first()
    if project is None:
        return False
    until, did = time.monotonic() + seconds, False
    for step in (_plan_announced, _close_traces):
        while step(project):
            did = True
            if time.monotonic() > until:
                return True
    return did


def forget_unwanted(project_id: int) -> None:
    """Deletes what was announced, and the traces that are waited for, where no rule is at work. A rule that is just
    being enabled has some time to be seen."""
    before = clock.now() - timedelta(minutes=1)
    if is_anyone_at_work(project_id):
        return
    expire(project_id, before)
    OpenTrace.objects.filter(project_id=project_id, due_at__lt=before).delete()


def is_waiting(project_id: int) -> bool:
    """Whether there is something to plan now, and a rule for it."""
    with connection.cursor() as cursor:
        cursor.execute(IS_WAITING, {"p": project_id})
        return cursor.fetchone()[0] and is_anyone_at_work(project_id)


def is_anyone_at_work(project_id: int) -> bool:
    return Rule.objects.filter(project_id=project_id, enabled=True, paused_reason="").exists()


@transaction.atomic
def _plan_announced(project: Project) -> bool:
    if not is_anyone_at_work(project.pk):
        return False
    rows = _take(project.pk)
    if not rows:
        return False
    rules = rules_at_work(project)
    new = {id: row.id for row in rows for id in row.ids}
    oldest = min(row.id for row in rows)
    changed = {id: row.id for row in rows for id in row.changed}
    found = look_up(project, rules, new.keys() | changed.keys(), quiet=0.0)
    decisions = Decisions()
    whole = _apart(found, new, changed, rules, NEVER)
    for at_work in rules:
        first, late = whole if oldest >= at_work.since else _apart(found, new, changed, rules, at_work.since)
        decisions.add(at_work, first)
        decisions.add(at_work, late, late=True)
    _conclude(project, decisions)
    return True


def _apart(
    found: Sequence[Facts],
    new: Mapping[UUID, UUID],
    changed: Mapping[UUID, UUID],
    rules: Sequence[RuleAtWork],
    since: UUID,
) -> tuple[list[Alike], list[Alike]]:
    """(those that have ended, those of the others that have changed), of what was announced from `since` on."""
    first = [facts for facts in found if facts.id in new and new[facts.id] >= since]
    decided = {facts.id for facts in first}
    late = [facts for facts in found if facts.id not in decided and facts.id in changed and changed[facts.id] >= since]
    return alike(first, rules), alike(late, rules)


def _take(project_id: int) -> list[Announced]:
    """The oldest rows that nobody else plans, as many as go into one transaction."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING_ROWS, [project_id, ROWS])
        taken: list[Announced] = []
        size = 0
        for row in map(Announced._make, cursor.fetchall()):
            size += len(row.ids) + len(row.changed)
            if taken and size > MAX_ITEMS:
                break
            taken.append(row)
        if taken:
            cursor.execute(TAKE, [project_id, [row.id for row in taken]])
    return taken


@transaction.atomic
def _close_traces(project: Project) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(DUE, [project.pk, TRACES])
        due = [Due._make(row) for row in cursor.fetchall()]
    if not due:
        return False
    rules = rules_at_work(project)
    by_rule = {at_work.rule.pk: at_work for at_work in rules}
    roots = _roots(project.pk, due, by_rule)
    ids = {id for _, found in roots for id in found}
    facts = {one.id: one for one in look_up(project, rules, ids, quiet=None)} if ids else {}
    decisions = Decisions()
    for row, found in roots:
        at_work = by_rule.get(row.rule_id)
        if at_work in rules:
            decisions.add(at_work, alike([facts[id] for id in found if id in facts], rules), waited=True)
    _conclude(project, decisions)
    _close(roots)
    return True


def _roots(project_id: int, due: Sequence[Due], rules: dict[int, RuleAtWork]) -> list[tuple[Due, list[UUID]]]:
    """The records that each is about: of the first rows, as many as go into one transaction. Rules that are not at work
    have none: they decide nothing."""
    wanted = [row for row in due if row.rule_id in rules]
    whole = [rules[row.rule_id].rule.scope == RuleScope.TRACE for row in wanted]
    params = {"p": project_id, "most": MAX_ITEMS, "whole": whole}
    params |= {"traces": [row.trace_id for row in wanted], "afters": [row.after for row in wanted]}
    found: dict[Due, list[UUID]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(ROOTS, params)
        for n, id in cursor.fetchall():
            found[wanted[n - 1]].append(id)
    taken: list[tuple[Due, list[UUID]]] = []
    size = 0
    for row in due:
        size += len(found[row])
        if taken and size > MAX_ITEMS:
            break
        taken.append((row, found[row]))
    return taken


def _close(roots: Sequence[tuple[Due, list[UUID]]]) -> None:
    """A trace with more roots than were looked at goes on behind them; the others are waited for no longer."""
    closed = [row for row, found in roots if len(found) < MAX_ITEMS]
    with connection.cursor() as cursor:
        cursor.execute(CLOSE, [[row.rule_id for row in closed], [row.trace_id for row in closed]])
        for row, found in roots:
            if len(found) >= MAX_ITEMS:
                cursor.execute(
                    "UPDATE open_trace SET after = %s WHERE rule_id = %s AND trace_id = %s",
                    [found[-1], row.rule_id, row.trace_id],
                )


def _conclude(project: Project, decisions: Decisions) -> None:
    settle(project.pk, decisions)
    if rows := sorted(decisions.waiting | decisions.grown):
        anew = [row in decisions.waiting for row in rows]
        with connection.cursor() as cursor:
            cursor.execute(OPEN, [[rule for rule, _ in rows], [trace for _, trace in rows], anew])
    add_counts(project.pk, decisions.counts)
