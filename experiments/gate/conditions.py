"""What a gate asks for, as it is written: `correctness:margin=0.02`, `cost:max=+10%`, `latency:max=2.5`. Pure."""

import math
import re
from dataclasses import dataclass

from experiments.comparison.sides import TOOK, Side

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\Z")
HELP = (
    "NAME[:margin=M][:max=X][:min=X], where NAME is a metric, latency, cost or tokens. margin: no worse than the "
    "baseline by so much, in the metric's units (a pass rate's 0.02 is two points). max and min: of the experiment "
    "itself (0.8), or against the baseline (+10%). Without any: not seen to be worse than the baseline."
)


class BadCondition(ValueError):
    """The text cannot be read as a condition, or names nothing that both experiments have."""


class BadGroups(BadCondition):
    """Cases cannot belong together by what was said."""


@dataclass(frozen=True, slots=True)
class Bound:
    """`relative`: of the baseline's own value, 0.1 for +10%."""

    value: float
    relative: bool

    @property
    def words(self) -> str:
        return f"{100 * self.value:+.12g}%" if self.relative else f"{self.value:.12g}"


@dataclass(frozen=True, slots=True)
class Condition:
    """On a metric, or on what cases took (`took`). None: not asked for."""

    name: str
    took: bool
    margin: float | None = None
    highest: Bound | None = None
    lowest: Bound | None = None

    @property
    def words(self) -> str:
        """As it may be written again."""
        parts = ["metric." + self.name if not self.took and self.name in TOOK else self.name]
        if self.margin is not None:
            parts.append(f"margin={self.margin:.12g}")
        parts += [f"{name}={bound.words}" for name, bound in (("max", self.highest), ("min", self.lowest)) if bound]
        return ":".join(parts)


def condition(text: str) -> Condition:
    """Raises BadCondition. `metric.cost` is a metric that is called cost."""
    name, *parts = (part.strip() for part in text.split(":"))
    is_metric = name.startswith("metric.")
    name = name.removeprefix("metric.")
    if not name:
        raise BadCondition(f"{text!r} names no metric. Write {HELP}")
    given: dict[str, str] = {}
    for part in parts:
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if key not in ("margin", "max", "min") or not equals:
            raise BadCondition(f"{part!r} in {text!r} is not margin=, max= or min=. Write {HELP}")
        if key in given:
            raise BadCondition(f"{key} stands twice in {text!r}.")
        given[key] = value
    margin = _number(given["margin"], text) if "margin" in given else None
    if margin is not None and not margin > 0:
        raise BadCondition(f"The margin in {text!r} is to be more than 0.")
    bounds = {key: _bound(given[key], text) if key in given else None for key in ("max", "min")}
    return Condition(name, name in TOOK and not is_metric, margin, bounds["max"], bounds["min"])


def conditions(texts: list[str]) -> list[Condition]:
    """At least one, none of them twice. Raises BadCondition."""
    found = [condition(text) for text in texts]
    if not found:
        raise BadCondition(f"A gate needs at least one metric. Write {HELP}")
    seen: set[tuple[str, bool]] = set()
    for one in found:
        if (one.name, one.took) in seen:
            raise BadCondition(f"{one.name} is asked for twice: put its conditions into one.")
        seen.add((one.name, one.took))
    return found


def known(asked: list[Condition], first: Side, second: Side) -> None:
    """Raises BadCondition where a metric is not measured on both sides, saying which are."""
    for one in asked:
        if one.took:
            continue
        for side in (first, second):
            if side.measure(one.name) is None:
                there = ", ".join(measure.key for measure in side.measures) or "no metric at all"
                raise BadCondition(f"{side.slug} has no metric {one.name!r}: it has {there}.")


def _bound(text: str, whole: str) -> Bound:
    if not text.endswith("%"):
        return Bound(_number(text, whole), relative=False)
    share = _number(text.removesuffix("%").strip(), whole) / 100
    if text[0] not in "+-" or share <= -1:
        raise BadCondition(f"{text!r} in {whole!r} needs its sign, as in +10% or -5%: it is against the baseline.")
    return Bound(share, relative=True)


def _number(text: str, whole: str) -> float:
    if not NUMBER.match(text) or not math.isfinite(value := float(text)):
        raise BadCondition(f"{text!r} in {whole!r} is not a number.")
    return value
