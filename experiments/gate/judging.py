"""A gate is judged, stored with all it followed from, and can be judged again from that alone."""

from dataclasses import asdict
from typing import Any

from experiments.comparison.matching import match
from experiments.comparison.reading import clusters_of, side_of
from experiments.comparison.sides import shared_measures
from experiments.comparison.verdicts import warnings_of
from experiments.gate.checks import Cases, Check, Evidence, check, check_cases, gather, worst
from experiments.gate.conditions import BadGroups, Condition, condition, conditions, known
from experiments.gate.outcomes import NotReady
from experiments.models import Experiment, ExperimentState, Gate

MISSING = ("fail", "ignore")


def judge(
    experiment: Experiment, baseline: Experiment, metrics: list[str], by: str, *, missing: str = "fail",
    together: str = "",
) -> Gate:  # fmt: skip
    """`metrics` as `conditions.HELP` says, `together` what cases belong together by. Raises BadCondition, NotReady."""
    asked = conditions(metrics)
    if missing not in MISSING:
        raise ValueError(f"missing is one of {', '.join(MISSING)}, not {missing!r}")
    if experiment.pk == baseline.pk:
        raise NotReady(f"{experiment.slug} cannot be its own baseline.")
    for one in (baseline, experiment):
        ready(one)
    first, second = side_of(baseline), side_of(experiment)
    if cut := next((side for side in (first, second) if side.cut), None):
        raise NotReady(f"{cut.slug} has more rows than the {len(cut.runs):,} that can be judged at once.")
    known(asked, first, second)
    matched = match(first, second)
    warnings = warnings_of(first, second, matched, shared_measures([first, second]))
    clusters = (_clusters(baseline, together), _clusters(experiment, together)) if together else (None, None)
    cases, evidence = gather(first, second, matched, asked, clusters)
    checks = judged(asked, cases, evidence, missing)
    return Gate.objects.create(
        project_id=experiment.project_id, experiment=experiment, baseline=baseline, baseline_slug=baseline.slug,
        outcome=worst([one.outcome for one in checks]), by=by,
        asked={"metrics": [one.words for one in asked], "missing": missing, "together": together},
        checks=[asdict(one) for one in checks],
        evidence={"cases": asdict(cases), "metrics": [asdict(one) for one in evidence], "sides": [
            {"experiment": side.slug, "dataset": side.dataset, "revision": side.revision, "epochs": side.epochs}
            for side in (first, second)
        ], "warnings": warnings},
    )  # fmt: skip


def ready(experiment: Experiment) -> None:
    if experiment.state == ExperimentState.CANCELLED:
        raise NotReady(f"{experiment.slug} was cancelled.")
    if not experiment.is_over:
        why = f": {experiment.reason}" if experiment.reason else ""
        raise NotReady(f"{experiment.slug} is {experiment.get_state_display().lower()}, not completed{why}.")


def _clusters(experiment: Experiment, together: str) -> dict[str, str]:
    """Raises BadGroups where there are none: to judge as if each case stood by itself would be too sure."""
    try:
        found = clusters_of(experiment, together)
    except ValueError as problem:
        raise BadGroups(f"together: {problem}.") from problem
    if not found:
        raise BadGroups(f"No case of {experiment.slug} has {together}, by which they are to belong together.")
    return found


def judged(asked: list[Condition], cases: Cases, evidence: list[Evidence], missing: str) -> list[Check]:
    found = [check(one, values) for one, values in zip(asked, evidence, strict=True)]
    return [*found, check_cases(cases, evidence, missing)]


def recomputed(gate: Gate) -> list[Check]:
    """What the stored evidence comes to now; differs from the stored checks only where the statistics have changed."""
    held: dict[str, Any] = gate.evidence
    return judged(
        [condition(text) for text in gate.asked["metrics"]], Cases(**held["cases"]),
        [Evidence(**one) for one in held["metrics"]], gate.asked["missing"],
    )  # fmt: skip
