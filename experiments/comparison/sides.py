"""An experiment as its comparison sees it: cases, what each metric says of them, and what making them took. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from statistics import fmean
from typing import Literal, NamedTuple
from uuid import UUID

from records.models import Metric, Outcome, ScoreStatus, ValueType
from records.models.metric import Direction

Kind = Literal["passes", "mean"]
TOOK = {"latency": ("latency_ms", 1000), "cost": ("cost", 1), "tokens": ("tokens", 1)}  # of a run: (field, its unit)
VERDICTS = {Outcome.PASS: 1.0, Outcome.FAIL: 0.0}


class Run(NamedTuple):
    """One case in one epoch. Latency in milliseconds, cost in USD. `groups` are the values that it is sliced by."""

    case: str
    epoch: int
    record_id: UUID | None
    state: str
    inputs_hash: bytes | None
    tokens: int | None
    cost: Decimal | None
    latency_ms: int | None
    groups: tuple[str, ...] = ()


class Said(NamedTuple):
    """What a metric says of a record: its newest completed score in the set, else the newest attempt."""

    status: int
    outcome: int
    value: float | None
    choices: Sequence[str] | None
    cost: Decimal | None

    @property
    def passed(self) -> bool | None:
        return {Outcome.PASS: True, Outcome.FAIL: False}.get(self.outcome)


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric as one evaluator measures it. `version` is None for scores that came with the records.

    `key` is the metric's slug; where several evaluators feed the metric, that of those which are not its primary one
    is `metric.evaluator`. `width` is how far apart two values can be.
    """

    key: str
    metric: Metric
    evaluator: str = ""
    version: int | None = None

    @property
    def name(self) -> str:
        return self.metric.name if "." not in self.key else f"{self.metric.name} by {self.evaluator}"

    @property
    def lower(self) -> bool:
        """Less is better; of a number alone. What passes is better whatever its number is."""
        return self.metric.value_type == ValueType.NUMERICAL and self.metric.direction == Direction.LOWER

    @property
    def width(self) -> float | None:
        metric = self.metric
        if metric.value_type == ValueType.BOOLEAN:
            return 1.0
        if metric.value_type == ValueType.NUMERICAL and None not in (metric.min_score, metric.max_score):
            return metric.max_score - metric.min_score
        return None

    @property
    def by(self) -> str:
        if not self.evaluator:
            return "sent with the records"
        return f"{self.evaluator} v{self.version}" if self.version else self.evaluator


@dataclass(frozen=True)
class Side:
    """One experiment. `said[measure.key][record id]`; `revision` is 0 where it has no dataset, `cut` where it has more
    rows than were read."""

    slug: str
    name: str
    dataset: str
    revision: int
    epochs: int
    runs: list[Run]
    measures: list[Measure]
    said: Mapping[str, Mapping[UUID, Said]]
    cut: bool = False
    set_number: int = 1
    cases: dict[str, list[Run]] = field(init=False)
    _epochs: dict[tuple[str, Kind], dict[str, list[float]]] = field(init=False, repr=False, default_factory=dict)
    _values: dict[tuple[str, Kind], dict[str, float]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        cases: dict[str, list[Run]] = {}
        for run in self.runs:
            cases.setdefault(run.case, []).append(run)
        object.__setattr__(self, "cases", cases)

    def measure(self, key: str) -> Measure | None:
        return next((measure for measure in self.measures if measure.key == key), None)

    def has_verdicts(self, key: str) -> bool:
        return key in self._judging

    def epochs_of(self, key: str, kind: Kind) -> dict[str, list[float]]:
        """The values of each case, one an epoch that has one: 1 and 0 for passes, else the number. Counted once."""
        if (key, kind) in self._epochs:
            return self._epochs[key, kind]
        said, found = self.said.get(key, {}), {}
        for run in self.runs:
            one = said.get(run.record_id)
            value = _value(one, kind) if one is not None else None
            if value is not None:
                found.setdefault(run.case, []).append(value)
        self._epochs[key, kind] = found
        return found

    def values_of(self, key: str, kind: Kind) -> dict[str, float]:
        """One value a case, its epochs averaged. Counted once."""
        if (key, kind) not in self._values:
            epochs = self.epochs_of(key, kind)
            self._values[key, kind] = {case: fmean(v) if len(v) > 1 else v[0] for case, v in epochs.items()}
        return self._values[key, kind]

    def took(self, what: str) -> dict[str, float]:
        """What a case took on average over its epochs: latency in seconds, cost in USD or tokens."""
        name, unit = TOOK[what]
        found: dict[str, list[float]] = {}
        for run in self.runs:
            if (value := getattr(run, name)) is not None:
                found.setdefault(run.case, []).append(float(value) / unit)
        return {case: fmean(values) for case, values in found.items()}

    def hashes(self) -> dict[str, bytes]:
        """Of the inputs of each case that has a record."""
        return {run.case: bytes(run.inputs_hash) for run in self.runs if run.inputs_hash is not None}

    @cached_property
    def _judging(self) -> frozenset[str]:
        return frozenset(
            key for key, said in self.said.items() if any(one.outcome in VERDICTS for one in said.values())
        )


def _value(said: Said, kind: Kind) -> float | None:
    if said.status != ScoreStatus.COMPLETED:
        return None
    return VERDICTS.get(said.outcome) if kind == "passes" else said.value


def kind_of(key: str, sides: Iterable[Side]) -> Kind:
    """Pass rates where any of the sides has a verdict, else means."""
    return "passes" if any(side.has_verdicts(key) for side in sides) else "mean"


def shared_measures(sides: Sequence[Side]) -> list[Measure]:
    """Those of the first side that all others have too, but those without a number, such as comments."""
    first, *others = sides
    return [one for one in numbered(first, sides) if all(other.measure(one.key) for other in others)]


def numbered(side: Side, sides: Sequence[Side]) -> list[Measure]:
    """Those of `side` that say a number, or pass and fail, in any of the `sides`."""
    return [one for one in side.measures if any(_has_number(other.said.get(one.key, {})) for other in sides)]


def _has_number(said: Mapping[UUID, Said]) -> bool:
    return any(one.value is not None or one.outcome in VERDICTS for one in said.values())
