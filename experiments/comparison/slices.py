"""Where the one experiment is better or worse than the other: the difference within each group of cases. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from experiments.comparison.matching import Match
from experiments.comparison.sides import Side
from experiments.comparison.verdicts import Line, Pairs, difference, pairs_of
from scoring.stats.decisions import Decision, decide
from scoring.stats.many import holm
from scoring.stats.paired import Paired

MOST_SLICES = 30


@dataclass(frozen=True, slots=True)
class SliceLine:
    label: str
    found: Paired
    decision: Decision


def slice_lines(
    first: Side, second: Side, matched: Match, line: Line, clusters: Mapping[str, str] | None = None
) -> tuple[list[SliceLine], int]:
    """One metric in the largest groups of the first's cases, p adjusted for their number; and how many are left out."""
    both = pairs_of(first, second, matched, line.measure.key, line.kind)
    members: dict[str, set[int]] = {}
    for index, (case, _) in enumerate(both.cases):
        for label in {label for run in first.cases[case] for label in run.groups}:
            members.setdefault(label, set()).add(index)
    chosen = sorted(members, key=lambda label: (-len(members[label]), label))
    found = [
        difference(_only(both, members[label]), line.measure, line.kind, clusters) for label in chosen[:MOST_SLICES]
    ]
    lower = line.kind == "mean" and line.measure.lower
    lines = [
        SliceLine(label, one, decide(one, margin=line.margin, adjusted=p, lower=lower))
        for label, one, p in zip(chosen, found, holm([one.p for one in found]), strict=False)
    ]
    return lines, len(chosen) - len(lines)


def _only(both: Pairs, members: set[int]) -> Pairs:
    kept = sorted(members)
    return Pairs([both.cases[i] for i in kept], [both.before[i] for i in kept], [both.after[i] for i in kept], 0)
