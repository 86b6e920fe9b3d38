"""What a comparison is asked for, from the parameters of an address; each of them is checked."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlencode

from django.http import QueryDict

from evalhub.models import Project
from experiments.comparison.reading import clusters_of, read_key, side_of
from experiments.comparison.sides import Side
from experiments.models import Experiment

FEWEST, MOST = 2, 5
MARGIN = 2.0  # points, where none is said
SHOWS = ("regressions", "improvements", "unchanged", "unmatched")


class BadComparison(ValueError):
    """What is wrong with the parameters, in words for the reader."""


@dataclass(frozen=True, slots=True)
class Read:
    first: Side
    others: list[Side]
    clusters: dict[str, str] | None


@dataclass(frozen=True)
class Asked:
    """`margin` is a share; `by` slices and `together` clusters by what `read_key` has; `versus` is which of
    the others charts and cases are of, `start` the first case of the list."""

    experiments: list[Experiment]
    margin: float | None
    metric: str = ""
    by: str = ""
    together: str = ""
    versus: int = 0
    show: str = "regressions"
    start: int = 0
    case: str = ""

    @property
    def first(self) -> Experiment:
        return self.experiments[0]

    @property
    def others(self) -> list[Experiment]:
        return self.experiments[1:]

    @property
    def points(self) -> str:
        return f"{100 * self.margin:g}" if self.margin else ""

    @cached_property
    def parameters(self) -> dict[str, str]:
        """Those that differ from what is usual."""
        given = {
            "ids": ",".join(one.slug for one in self.experiments), "metric": self.metric, "by": self.by,
            "together": self.together, "versus": str(self.versus) if self.versus else "",
            "show": self.show if self.show != SHOWS[0] else "", "start": str(self.start) if self.start else "",
            "case": self.case,
        }  # fmt: skip
        margin = {} if self.points == f"{MARGIN:g}" else {"margin": self.points or "0"}
        return {name: value for name, value in given.items() if value} | margin

    @property
    def kept(self) -> dict[str, str]:
        """What a change leaves as it is: all but the place in the list, which begins anew."""
        return {name: value for name, value in self.parameters.items() if name not in ("start", "case")}

    @property
    def address(self) -> str:
        return urlencode(self.parameters)

    def query(self, **changes: object) -> str:
        """The address's parameters with some changed; an empty one is left out."""
        merged = self.kept | changes
        usual = {"show": SHOWS[0], "versus": 0, "start": 0}
        return urlencode({n: v for n, v in merged.items() if v not in ("", None) and v != usual.get(n)})

    def read(self) -> Read:
        """Each experiment once; the first's cases tell who belongs together."""
        first, *others = [side_of(one, group_by=self.by) for one in self.experiments]
        return Read(first, others, clusters_of(self.first, self.together) if self.together else None)


def asked_of(project: Project, given: QueryDict | Mapping[str, str]) -> Asked:
    """`ids` are slugs with commas between, the baseline first; given one by one, as a form does, the baseline is the
    one that the others name as theirs, else the oldest. Raises BadComparison; fewer than two are no error here."""
    values = given.getlist("ids") if isinstance(given, QueryDict) else [given.get("ids", "")]
    if any("\0" in text for text in (*values, *given.values())):
        raise BadComparison("There is no NUL character in what is compared.")
    slugs = list(dict.fromkeys(slug.strip() for value in values for slug in value.split(",") if slug.strip()))
    if len(slugs) > MOST:
        raise BadComparison(f"At most {MOST} experiments are compared at a time, not {len(slugs)}.")
    there = {
        one.slug: one
        for one in Experiment.objects.filter(project=project, slug__in=slugs).select_related("dataset", "baseline")
    }
    if gone := [slug for slug in slugs if slug not in there]:
        raise BadComparison(f"There is no experiment {gone[0]!r}.")
    chosen = [there[slug] for slug in slugs]
    if len(values) > 1:
        named = {one.baseline_id for one in chosen}
        chosen.sort(key=lambda one: (one.pk not in named, one.created_at, one.pk))
    show = given.get("show") or SHOWS[0]
    if show not in SHOWS:
        raise BadComparison(f"show is one of {', '.join(SHOWS)}.")
    versus = _number(given, "versus")
    if versus and versus > len(slugs) - 2:
        raise BadComparison("versus counts the experiments after the first.")
    return Asked(
        chosen, _margin(given.get("margin", "")), given.get("metric", ""),
        _key(given, "by"), _key(given, "together", but="tags"), versus, show, _number(given, "start"),
        given.get("case", ""),
    )  # fmt: skip


def _margin(text: str) -> float | None:
    """Points, 0 for none."""
    try:
        points = float(text) if text.strip() else MARGIN
    except ValueError:
        points = math.nan
    if not 0 <= points < 100:
        raise BadComparison("margin is a number of points from 0 to 100.")
    return points / 100 or None


def _key(given: Mapping[str, str], name: str, but: str = "") -> str:
    key = given.get(name, "")
    try:
        if key:
            read_key(key, but)
    except ValueError as problem:
        raise BadComparison(f"{name}: {problem}.") from problem
    return key


def _number(given: Mapping[str, str], name: str) -> int:
    text = given.get(name, "") or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        raise BadComparison(f"{name} is a number.")
    return int(text)
