"""Scoring past records by a rule: what matches, newest first, as a scoring run with its estimate before it.

Sampling does not apply: who asks says how many. Budgets of the day do not either; a reviewer's limit a run does.
"""

from datetime import tzinfo

from evalhub.models import Role, User
from records.filterlang import FilterError
from records.search import SearchTimeout
from scoring.models import Evaluator, Rule, RunKind, RunMode, ScoringRun
from scoring.rules.matching import selection_of
from scoring.runs.estimate import PAGE_SECONDS, Estimate, estimate
from scoring.runs.rescoring import Expected
from scoring.runs.starting import RunProblem, machine_evaluators, start_run

FIRST_LIMIT = 50


def evaluators_of(rule: Rule) -> list[Evaluator]:
    """Those that can still run, in their present versions. Raises RunProblem where none can."""
    usable = list(machine_evaluators(rule.project).filter(rules=rule))
    if not usable:
        raise RunProblem("The evaluators of this rule are archived.")
    return usable


def estimate_past(
    rule: Rule, user: User | None, zone: tzinfo, mode: str, limit: int | None, seconds: float = PAGE_SECONDS
) -> Estimate:
    """`limit` None: all that match. Raises RunProblem, FilterError, SearchTimeout."""
    return estimate(selection_of(rule, user, zone), evaluators_of(rule), mode, limit, seconds)


def expected_past(
    rule: Rule, user: User | None, zone: tzinfo, mode: str, limit: int | None, seconds: float
) -> Expected:
    """The same in about so many seconds, or in words why it cannot be told."""
    try:
        return Expected(estimate_past(rule, user, zone, mode, limit, seconds))
    except (RunProblem, SearchTimeout) as problem:
        return Expected(problem=str(problem))
    except FilterError as error:
        return Expected(problem=error.message)


def score_past(
    rule: Rule, by: User | str, role: Role, zone: tzinfo, *, mode: str = RunMode.STALE,
    limit: int | None = FIRST_LIMIT,
) -> ScoringRun:  # fmt: skip
    """Begins the run. Raises RunProblem, FilterError, SearchTimeout."""
    user = by if isinstance(by, User) else None
    expected = estimate_past(rule, user, zone, mode, limit) if role < Role.EDITOR else None
    return start_run(
        selection_of(rule, user, zone), evaluators_of(rule), by, role, mode=mode, limit=limit,
        estimate=expected.as_json() if expected else None, kind=RunKind.BACKFILL,
    )  # fmt: skip
