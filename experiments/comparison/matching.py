"""Which case of the one experiment is which of the other: by case id, then by equal inputs. Pure."""

from collections import Counter
from dataclasses import dataclass

from experiments.comparison.sides import Side


@dataclass(frozen=True, slots=True)
class Match:
    """`pairs` of case ids (first, second) in the first's order. `by_inputs` of them have different ids; of
    `other_inputs` the ids are the same and the inputs are not."""

    pairs: list[tuple[str, str]]
    only_first: list[str]
    only_second: list[str]
    by_inputs: int
    other_inputs: int

    @property
    def unmatched(self) -> int:
        return len(self.only_first) + len(self.only_second)


def match(first: Side, second: Side) -> Match:
    """Inputs that several unmatched cases of a side share match nothing: which is which cannot be known."""
    mine, theirs = first.hashes(), second.hashes()
    partner = {case: case for case in first.cases if case in second.cases}
    differing = sum(mine.get(case) != theirs.get(case) for case in partner if case in mine and case in theirs)
    left = {mine[case]: case for case in _single(mine, first, partner)}
    right = {theirs[case]: case for case in _single(theirs, second, partner)}
    found = {case: right[inputs] for inputs, case in left.items() if inputs in right}
    partner |= found
    taken = set(partner.values())
    return Match(
        [(case, partner[case]) for case in first.cases if case in partner],
        [case for case in first.cases if case not in partner],
        [case for case in second.cases if case not in taken],
        len(found),
        differing,
    )


def _single(hashes: dict[str, bytes], side: Side, matched: dict[str, str]) -> list[str]:
    """The unmatched cases whose inputs no other unmatched case of the side has."""
    free = [case for case in side.cases if case not in matched and case in hashes]
    times = Counter(hashes[case] for case in free)
    return [case for case in free if times[hashes[case]] == 1]
