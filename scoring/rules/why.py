"""Why a record has no score by a rule, or which: each gate of each rule with its answer.

The gates are asked again by the rule version that was in force when the record came, on what the record holds now. What
cannot be found out again (a budget that was spent, a later change) was noted when it happened.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from evalhub.models import Project
from records.models import Record, Score, ScoreStatus
from scoring.models import EvaluatorVersion, Rule, RuleScope, RuleVersion, SpansMode, Unscored, Why
from scoring.rules.facts import conditions_of, facts_of
from scoring.rules.gates import Facts, Gate, decide

PLANNED_WITHIN = timedelta(minutes=5)  # a drawn record without a score is waiting, not forgotten

# In the order in which a record meets them, and how a reader calls them.
STEPS = (
    (Gate.DISABLED, "At work"), (Gate.RUNNING, "Ended"), (Gate.EXPERIMENT, "Experiments"), (Gate.WAITING, "Complete"),
    (Gate.SPANS, "Spans"), (Gate.FILTER, "Filter"), (Gate.SAMPLING, "Sampling"),
)  # fmt: skip
OUTCOMES = {
    Gate.DISABLED: "paused then", Gate.RUNNING: "has not ended", Gate.EXPERIMENT: "of an experiment",
    Gate.WAITING: "waiting for its trace", Gate.SPANS: "not a chosen span", Gate.FILTER: "filtered out",
    Gate.SAMPLING: "sampled out",
}  # fmt: skip
SHAPES = {
    "scored": "pass", "scored otherwise": "pass", "errored": "errored", "pending": "pending", "declined": "skipped",
    "over budget": "errored", "waiting for its trace": "pending", "has not ended": "pending",
    "to be planned": "pending",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """One gate: `passed` None where the record did not get so far."""

    gate: str
    label: str
    passed: bool | None
    words: str


@dataclass(slots=True)
class Answer:
    """What one rule says of the record. `outcome` in a word or two, `words` a sentence; `version` None: none was in
    force. `scores` are the newest attempt of each evaluator."""

    rule: Rule
    version: RuleVersion | None
    outcome: str
    words: str
    steps: list[Step] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)

    @property
    def shape(self) -> str:
        return SHAPES.get(self.outcome, "skipped")


def arrived(record: Record) -> datetime:
    """When the record came, by its id."""
    return datetime.fromtimestamp((record.id.int >> 80) / 1000, UTC)


def answers(project: Project, record: Record) -> list[Answer]:
    """One for each rule of the project, by name. Eight queries at the most, whatever the number of rules."""
    rules = list(Rule.objects.filter(project=project))
    if not rules:
        return []
    at = arrived(record)
    in_force = {version.rule_id: version for version in _in_force(project, at)}
    scores = _newest(Score.objects.filter(project=project, record_id=record.id, rule_id__isnull=False).order_by("-id"))
    noted = {(row.rule_id, row.reason): row for row in Unscored.objects.filter(project=project, record_id=record.id)}
    since = _scored_by(record) if any(reason == Why.OVER_BUDGET for _, reason in noted) else frozenset()
    conditions, wrong = conditions_of(project, {version.filter for version in in_force.values()})
    facts = facts_of(project.id, [record.id], conditions, _quiet(record))
    if not facts:  # it was just deleted
        return []
    return [
        _answer(
            rule, in_force.get(rule.pk), facts[0], at, [score for score in scores if score.rule_id == rule.pk],
            {reason for id, reason in noted if id == rule.pk}, wrong, since,
        )
        for rule in rules
    ]  # fmt: skip


def _in_force(project: Project, at: datetime) -> Iterator[RuleVersion]:
    after = Q(valid_to=None) | Q(valid_to__gt=at)
    return RuleVersion.objects.filter(after, project=project, valid_from__lte=at).iterator()


def _scored_by(record: Record) -> frozenset[int]:
    """Ids of the evaluators by which the record has a value, whoever asked for it."""
    done = Score.objects.filter(project_id=record.project_id, record_id=record.id, status=ScoreStatus.COMPLETED)
    versions = EvaluatorVersion.objects.filter(pk__in=done.values("evaluator_version_id"))
    return frozenset(versions.values_list("evaluator_id", flat=True))


def _newest(scores: Any) -> list[Score]:
    found: dict[tuple[int, str], Score] = {}
    for score in scores:
        found.setdefault((score.rule_id, score.evaluator), score)
    return list(found.values())


def _quiet(record: Record) -> float:
    """Seconds since the record's trace last grew."""
    newest = record.id
    if record.trace_id:
        trace = Record.objects.filter(project_id=record.project_id, trace_id=record.trace_id).exclude(trace_id="")
        newest = trace.order_by("-id").values_list("id", flat=True).first() or record.id
    return max(0.0, timezone.now().timestamp() - (newest.int >> 80) / 1000)


def _answer(
    rule: Rule, version: RuleVersion | None, facts: Facts, at: datetime, scores: list[Score], noted: Collection[str],
    wrong: Collection[str], since: frozenset[int],
) -> Answer:  # fmt: skip
    if version is None:
        outcome = "before the rule"
        words = f"The record came before the rule was made ({_day(rule.created_at)}): score past records by it."
        answer = Answer(rule, None, outcome, words, scores=scores)
    else:
        gate = decide(version, facts)
        answer = Answer(rule, version, *_stopped(version, facts, gate, at, wrong), _steps(version, facts, gate), scores)
    if Why.OVER_BUDGET in noted:
        words = "It was drawn when the rule's budget of the day was used up: score past records by it."
        answer.outcome, answer.words = "over budget", words
        if version and since.issuperset(version.evaluator_ids):
            words = "It was drawn when the rule's budget of the day was used up, and was scored otherwise."
            answer.outcome, answer.words = "scored otherwise", words
    elif Why.CHANGED in noted and not scores:
        words = "The rule had judged the trace before this record came, or its score was deleted."
        answer.outcome, answer.words = "judged before", words
    if answer.steps and (scores or Why.OVER_BUDGET in noted):
        answer.steps = [*_all_passed(answer.steps), Step("budget", "Budget", bool(scores), _budget_words(bool(scores)))]
    if scores:
        answer.outcome, answer.words = _scored(scores)
    if Why.CHANGED in noted:
        answer.words += " Its inputs or outputs have changed since; the rule does not judge again."
    return answer


def _all_passed(steps: Sequence[Step]) -> list[Step]:
    """What a score, or a note, proves: the record had passed these, whatever it holds now."""
    return [
        step if step.passed else Step(step.gate, step.label, True, "passed then; the record has changed since")
        for step in steps
    ]


def _budget_words(within: bool) -> str:
    return "there was room in the day's budget" if within else "the day's budget was used up"


def _scored(scores: Sequence[Score]) -> tuple[str, str]:
    """(outcome, words) of the scores that are there, the gravest first."""
    by_status: dict[int, list[Score]] = {}
    for score in scores:
        by_status.setdefault(score.status, []).append(score)
    if errored := by_status.get(ScoreStatus.ERRORED):
        return "errored", f"{errored[0].evaluator} errored: {errored[0].error[:300]}"
    if pending := by_status.get(ScoreStatus.PENDING):
        tried = f", tried {pending[0].attempts} times: {pending[0].error[:200]}" if pending[0].error else ""
        return "pending", f"{_names(pending)} {'waits' if len(pending) == 1 else 'wait'} for a worker{tried}."
    if done := by_status.get(ScoreStatus.COMPLETED):
        return "scored", f"Scored by {_names(done)}."
    declined = by_status[ScoreStatus.SKIPPED]
    return "declined", f"{declined[0].evaluator} declined: {declined[0].reasoning[:300] or 'it gave no reason'}"


def _names(scores: Sequence[Score]) -> str:
    return ", ".join(sorted({score.evaluator for score in scores}))


def _stopped(
    version: RuleVersion, facts: Facts, gate: Gate, at: datetime, wrong: Collection[str]
) -> tuple[str, str]:  # fmt: skip
    """(outcome, words) of a record without a score."""
    if gate == Gate.FILTER and version.filter in wrong:
        return "filter unreadable", "The rule's filter of then can no longer be read."
    if gate in OUTCOMES:
        outcome = "of the playground" if gate == Gate.EXPERIMENT and facts.tried else OUTCOMES[gate]
        return outcome, f"{_words(version, facts, gate, passed=False).capitalize()}."
    if timezone.now() - at < PLANNED_WITHIN:
        return "to be planned", "It passes every gate; its scores are being planned."
    return "not planned", (
        "It passes every gate as it is now: it has changed since it came, or its scores were taken away. Score past "
        "records by the rule."
    )


def _steps(version: RuleVersion, facts: Facts, gate: Gate) -> list[Step]:
    """The gates up to the one that stopped the record, answered; those behind it not."""
    found, reached = [], True
    for own, label in STEPS:
        if own == Gate.WAITING and gate != Gate.WAITING:
            continue
        passed = None if not reached else own != gate
        found.append(Step(own, label, passed, _words(version, facts, own, passed) if reached else "not asked"))
        reached = reached and own != gate
    return found


def _words(version: RuleVersion, facts: Facts, gate: Gate, passed: bool | None) -> str:
    match gate:
        case Gate.DISABLED:
            stopped = f"EvalHub had stopped the rule: {version.note}" if version.note else "the rule was paused then"
            return f"version {version.number} was in force" if passed else stopped
        case Gate.RUNNING:
            return "it has ended" if passed else "the record has no end yet: send one, or its outputs"
        case Gate.EXPERIMENT:
            if not passed:
                whose = "the playground" if facts.tried else f"the experiment {facts.experiment}"
                return f"it is of {whose}, and the rule leaves that out"
            return "the rule takes what is only tried too" if facts.experiment or facts.tried else "of none"
        case Gate.WAITING:
            return f"more of its trace may come: it must be quiet for {version.quiet_seconds} s"
        case Gate.SPANS:
            return _span_words(version, facts, bool(passed))
        case Gate.FILTER:
            if not version.filter:
                return "every record passes"
            return f"{'matches' if passed else 'does not match'} {version.filter}"
        case _:
            share = f"{version.rate * 100:g} %"
            return f"drawn, at {share}" if passed else f"not among the {share} of traces that the rule draws"


def _span_words(version: RuleVersion, facts: Facts, passed: bool) -> str:
    if version.scope == RuleScope.TRACE:
        return "it stands for its trace" if passed else "the rule judges whole traces, on their root"
    match version.spans_mode:
        case SpansMode.ROOT:
            return "it is a root span" if passed else "it lies below another span, and the rule takes root spans"
        case SpansMode.NAMED:
            names = ", ".join(version.span_names)
            called = f"is called {facts.name or 'nothing'}"
            return f"it {called}" if passed else f"it {called}; the rule takes {names}"
        case _:
            return "the rule takes all spans"


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
