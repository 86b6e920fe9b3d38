"""From records to decisions: what each rule has drawn, what it counts, and which traces it still waits for."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from django.db import DatabaseError, OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from evalhub.models import Project
from records.ids import first_of
from scoring.models import Counted, EvaluatorType, EvaluatorVersion, Rule, RuleScope, SpansMode
from scoring.rules.editing import stop_rule
from scoring.rules.facts import Conditions, conditions_of, facts_of
from scoring.rules.gates import PASSED, Facts, Gate, before_sampling, sampled

FILTER_SECONDS = 5  # of one query over at most 1,000 records
STEPS = (Counted.SEEN, Counted.SPANS, Counted.FILTER, Counted.SAMPLED)

# Nobody deletes these rules before the transaction ends; and of one with a budget no other planner decides meanwhile.
LOCKS = (
    "SELECT id FROM rule WHERE project_id = %s AND enabled AND paused_reason = ''"
    " AND (budget_usd_day IS NOT NULL OR budget_calls_day IS NOT NULL) ORDER BY id FOR NO KEY UPDATE",
    "SELECT id FROM rule WHERE project_id = %s AND enabled AND paused_reason = '' ORDER BY id FOR KEY SHARE",
)


@dataclass(slots=True)
class RuleAtWork:
    """`since`: what was announced under a lesser id came before the rule was enabled."""

    rule: Rule
    since: UUID
    versions: list[EvaluatorVersion] = field(default_factory=list)


class Drawn(NamedTuple):
    """`late`: it had ended before, and is judged anew for its inputs or outputs of now."""

    at_work: RuleAtWork
    facts: Facts
    late: bool


class Alike(NamedTuple):
    """Records that the same gate stops, whatever the rule, until they are drawn; `one` speaks for `all`."""

    one: Facts
    all: list[Facts]


@dataclass(slots=True)
class Decisions:
    """`waiting` and `grown` are of (rule, trace): the former are waited for, the latter longer if they are already."""

    drawn: list[Drawn] = field(default_factory=list)
    waiting: set[tuple[int, str]] = field(default_factory=set)
    grown: set[tuple[int, str]] = field(default_factory=set)
    counts: Counter[tuple[int, Counted]] = field(default_factory=Counter)

    def add(self, at_work: RuleAtWork, found: Sequence[Alike], *, late: bool = False, waited: bool = False) -> None:
        """`waited`: they had been left to wait before."""
        rule, passed = at_work.rule, PASSED
        if late and not rule.judge_again:
            self._add_late(at_work, [facts for alike in found for facts in alike.all])
            return
        if rule.scope == RuleScope.SPAN:  # seen when it comes; a trace is seen when it is whole
            passed = PASSED | {Gate.WAITING: 1}
        stopped: dict[Gate, list[Facts]] = defaultdict(list)
        for alike in found:
            stopped[before_sampling(rule, alike.one)] += alike.all
        drawn = sorted(sampled(rule, stopped[Gate.DRAWN]), key=lambda facts: facts.id.int)
        self.drawn += [Drawn(at_work, facts, late) for facts in drawn]
        self.waiting |= {(rule.pk, facts.trace_id) for facts in _worth_it(rule, stopped[Gate.WAITING])}
        gates = {gate: len(some) for gate, some in stopped.items()}
        gates |= {Gate.DRAWN: len(drawn), Gate.SAMPLING: gates[Gate.DRAWN] - len(drawn)}
        for gate, n in gates.items():
            for step in STEPS[1 if waited and rule.scope == RuleScope.SPAN else 0 : passed[gate]]:
                self.counts[rule.pk, step] += n

    def _add_late(self, at_work: RuleAtWork, found: Sequence[Facts]) -> None:
        """Of what the rule has scored the change is noted (`settling`), whatever the gates say now. They decided, and
        counted, when it ended; nothing is waited for anew."""
        self.drawn += [Drawn(at_work, facts, late=True) for facts in sampled(at_work.rule, found)]
        self.grown |= {(at_work.rule.pk, facts.trace_id) for facts in found if facts.trace_id}


def _worth_it(rule: Rule, waiting: Sequence[Facts]) -> Sequence[Facts]:
    """Most spans come before their parents: of those only the few that would be drawn are waited for. A whole trace is
    waited for in any case, since it is counted then."""
    return waiting if rule.scope == RuleScope.TRACE else sampled(rule, waiting)


def alike(found: Iterable[Facts], rules: Iterable[RuleAtWork]) -> list[Alike]:
    """In groups: of a thousand records a rule decides some dozen times."""
    named = {
        name for at_work in rules if at_work.rule.spans_mode == SpansMode.NAMED for name in at_work.rule.span_names
    }
    groups: dict[tuple[object, ...], list[Facts]] = defaultdict(list)
    for facts in found:
        own = facts.name if facts.name in named else None
        apart = bool(facts.experiment) or facts.tried
        shape = (facts.ended, apart, facts.is_root, facts.orphan, facts.leads, facts.quiet, bool(facts.trace_id))
        groups[*shape, own, facts.matches].append(facts)
    return [Alike(some[0], some) for some in groups.values()]


def rules_at_work(project: Project) -> list[RuleAtWork]:
    """Locked for the present transaction. One without an evaluator that can be used is stopped, with the reason."""
    with connection.cursor() as cursor:
        for lock in LOCKS:
            cursor.execute(lock, [project.pk])
    rules = Rule.objects.filter(project=project, enabled=True, paused_reason="").order_by("id")
    found = {rule.pk: RuleAtWork(rule, first_of(int(rule.enabled_at.timestamp() * 1000))) for rule in rules}
    chosen = Rule.evaluators.through.objects.filter(rule_id__in=list(found))
    for row in chosen.select_related("evaluator__metric", "evaluator__current").order_by("rule_id", "evaluator_id"):
        evaluator = row.evaluator
        usable = not (evaluator.archived_at or evaluator.metric.archived_at or evaluator.type == EvaluatorType.HUMAN)
        if usable and evaluator.current is not None:
            evaluator.current.evaluator = evaluator
            found[row.rule_id].versions.append(evaluator.current)
    for at_work in list(found.values()):
        if not at_work.versions:
            at_work.rule.project = project
            stop_rule(at_work.rule, "All its evaluators, or their metrics, are archived.")
            del found[at_work.rule.pk]
    return list(found.values())


def look_up(project: Project, rules: list[RuleAtWork], ids: Collection[UUID], quiet: float | None) -> list[Facts]:
    """The records' facts, with the filters of all rules. A rule whose filter means nothing any more, or cannot be run,
    is stopped with the reason and leaves `rules`; the others go on."""
    conditions, wrong = conditions_of(project, [at_work.rule.filter for at_work in rules])
    reasons = {text: f"The filter can no longer be read: {error.message}" for text, error in wrong.items()}
    found, problem = _try(project, ids, conditions, quiet)
    if problem is not None:
        # One by one: one of them cannot be run, or all together take too long.
        alone = {text: _try(project, ids, {text: condition}, quiet) for text, condition in conditions.items()}
        reasons |= {text: f"The filter cannot be run: {why}" for text, (_, why) in alone.items() if why}
        matches: dict[UUID, set[str]] = defaultdict(set)
        for facts in (facts for some, _ in alone.values() for facts in some):
            matches[facts.id] |= facts.matches
        found = [one._replace(matches=frozenset(matches[one.id])) for one in facts_of(project.pk, ids, {}, quiet)]
    for at_work in [at_work for at_work in rules if at_work.rule.filter in reasons]:
        at_work.rule.project = project
        stop_rule(at_work.rule, reasons[at_work.rule.filter])
        rules.remove(at_work)
    return found


def _try(
    project: Project, ids: Collection[UUID], conditions: Conditions, quiet: float | None
) -> tuple[list[Facts], DatabaseError | None]:
    """The facts, or why the filters cannot be run."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{FILTER_SECONDS}s'")
            found = facts_of(project.pk, ids, conditions, quiet)
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT")
        return found, None
    except OperationalError as problem:
        if not isinstance(problem.__cause__, QueryCanceled):
            raise
        return [], problem
    except DatabaseError as problem:
        return [], problem
