"""What a dataset can see with its cases, and how many it would take to see less, from what was measured on it."""

from dataclasses import dataclass

from experiments.comparison.matching import match
from experiments.comparison.reading import side_of
from experiments.comparison.sides import Kind, Side, kind_of
from experiments.comparison.verdicts import is_share
from experiments.models import Dataset, Experiment, ExperimentEvaluator
from records.models import Metric
from scoring.stats.decisions import within
from scoring.stats.estimates import FEW
from scoring.stats.sizes import Spread, detectable, plans, rounded, spread, unpaired_spread

POINTS = (0.01, 0.02, 0.03, 0.05, 0.10)  # of a share, or of a bounded number's range


@dataclass(frozen=True, slots=True)
class Aim:
    """To see so much: (epochs, cases) that would do, each. `there`: the set has enough cases for it with one epoch."""

    words: str
    options: list[tuple[int, int]]
    there: bool

    @property
    def sentence(self) -> str:
        (_, cases), *more = self.options
        text = f"about {rounded(cases):,} cases"
        return text + "".join(f", or {epochs} epochs of {rounded(n):,}" for epochs, n in more[:2])


@dataclass(frozen=True, slots=True)
class Plan:
    """`source` are the experiments that the spread was measured on: two make pairs, of one alone the most is taken.
    `sees` is empty where the set has too few cases for any difference."""

    metric: Metric
    cases: int
    spread: Spread | None
    source: list[Experiment]
    shares: bool
    sees: str
    aims: list[Aim]
    why_not: str = ""


def plan(dataset: Dataset, metric: Metric, experiments: list[Experiment], aims: tuple[float, ...] = ()) -> Plan:
    """`experiments` of the dataset that are over, the oldest first; `aims` in the metric's units beside the usual."""
    measured = _measured(experiments, metric)[-2:]
    empty = Plan(metric, dataset.size, None, measured, False, "", [])
    if not measured:
        return _without(empty, f"No experiment on this dataset has measured {metric.name} yet.")
    sides = [side_of(one) for one in measured]
    kind = kind_of(metric.slug, sides)
    found = _spread(sides, metric.slug, kind)
    if found is None and len(sides) == 2:
        sides, measured = sides[1:], measured[1:]
        found = _spread(sides, metric.slug, kind)
    if found is None or found.cases < FEW:
        n = found.cases if found else 0
        return _without(empty, f"Only {n} cases have a value so far: {FEW} say how differently they come out.")
    measure = sides[-1].measure(metric.slug)
    shares, deviation = is_share(measure, kind), found.deviation()
    if not deviation:
        return _without(empty, f"All {found.cases:,} cases came out alike so far: nothing tells what they could see.")
    width = 1.0 if shares else measure.width
    usual = tuple(point * width for point in POINTS) if width else tuple(deviation * share for share in (0.1, 0.2, 0.5))
    wanted = sorted({*usual, *aims})
    sees = within(float(f"{detectable(deviation, dataset.size):.2g}"), shares) if dataset.size >= FEW else ""
    return Plan(
        metric, dataset.size, found, measured, shares, sees, [_aim(found, aim, shares, dataset.size) for aim in wanted]
    )


def _aim(found: Spread, aim: float, shares: bool, there: int) -> Aim:
    options = plans(found, aim)
    return Aim(within(aim, shares), options, options[0][1] <= there)


def _spread(sides: list[Side], key: str, kind: Kind) -> Spread | None:
    epochs = [side.epochs_of(key, kind) for side in sides]
    if len(sides) == 1:
        return unpaired_spread(epochs[0].values())
    return spread((epochs[0].get(a, []), epochs[1].get(b, [])) for a, b in match(*sides).pairs)


def _measured(experiments: list[Experiment], metric: Metric) -> list[Experiment]:
    ids = set(
        ExperimentEvaluator.objects.filter(experiment__in=experiments, set_number=1, metric=metric).values_list(
            "experiment_id", flat=True
        )
    )
    return [one for one in experiments if one.pk in ids]


def _without(empty: Plan, why: str) -> Plan:
    return Plan(empty.metric, empty.cases, None, empty.source, False, "", [], why)
