"""How far the people who score by one evaluator agree with each other, and what became of what they said."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from records.models import Rank, ValueType
from scoring.measured.people import VERDICTS, Pair, error_of, table_of, weighting_of
from scoring.models import Evaluator
from scoring.stats.agreement import Confusion, kappa
from scoring.stats.estimates import Estimate
from scoring.stats.rates import rate

MOST = 10_000  # answers, the newest
SHOWN = 6  # pairs of people, those with the most records in common

# OFFSET 0: found by the evaluator, then sorted, as in sample.py.
ANSWERS = """
SELECT record_id, scorer, rank, outcome, value, categorical_value FROM (
  SELECT * FROM score WHERE project_id = %(project)s AND evaluator = %(evaluator)s AND evaluator > ''
    AND metric_id = %(metric)s AND source = 3 AND status = 1 OFFSET 0) own
ORDER BY id DESC LIMIT %(most)s
"""


class Said(NamedTuple):
    """By one person of one record."""

    record_id: UUID
    who: str
    rank: int
    outcome: int
    value: float | None
    choices: list[str] | None

    def same(self, other: "Said") -> bool:
        """The same choices, whatever their order; else the same verdict, since two people rarely give one number; the
        same value where there is no verdict."""
        if self.choices is not None and other.choices is not None:
            return sorted(self.choices) == sorted(other.choices)
        if self.outcome in VERDICTS and other.outcome in VERDICTS:
            return self.outcome == other.outcome
        return self.value == other.value


@dataclass(frozen=True, slots=True)
class Two:
    """Two people on the records that both have scored. `error`: the mean difference of their numbers."""

    first: str
    second: str
    n: int
    table: Confusion | None
    kappa: Estimate | None
    error: Estimate | None

    @property
    def rows(self) -> list[tuple[str, list[tuple[int, bool]]]]:
        """(label by the first, (records, whether both say the same) by label of the second)."""
        counts = self.table.counts if self.table else []
        return [(self.table.labels[i], [(n, i == j) for j, n in enumerate(row)]) for i, row in enumerate(counts)]


@dataclass(frozen=True, slots=True)
class Person:
    """`same`: of the answers that others gave on the same records, how many say the same. Of `judged` records of theirs
    a final word was said; it is theirs on `kept` of them."""

    name: str
    records: int
    same: Estimate
    judged: int
    kept: int


@dataclass(frozen=True, slots=True)
class Reviewers:
    """`shared`: records that several people have scored; `alike` of those where all say the same."""

    records: int
    shared: int
    alike: Estimate
    people: list[Person]
    pairs: list[Two]
    final: int
    cut: bool


def reviewers(evaluator: Evaluator) -> Reviewers | None:
    """None for comments: they are no values to agree on."""
    if evaluator.metric.value_type == ValueType.COMMENT:
        return None
    answers, final, cut = _answers(evaluator)
    by_record: dict[UUID, list[Said]] = defaultdict(list)
    for said in answers:
        by_record[said.record_id].append(said)
    shared = [group for group in by_record.values() if len(group) > 1]
    alike = sum(all(said.same(group[0]) for said in group) for group in shared)
    return Reviewers(
        len(by_record), len(shared), rate(alike, len(shared)), _people(answers, shared, final),
        _pairs(evaluator, shared), len(final), cut,
    )  # fmt: skip


def _answers(evaluator: Evaluator) -> tuple[list[Said], dict[UUID, Said], bool]:
    """(each person's newest of each record, the newest final word by record, whether there are older ones)."""
    params = {
        "project": evaluator.project_id, "evaluator": evaluator.slug, "metric": evaluator.metric_id, "most": MOST,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(ANSWERS, params)
        found = [Said(*row) for row in cursor.fetchall()]
    final: dict[UUID, Said] = {}
    answers: dict[tuple[UUID, str], Said] = {}
    for said in found:
        if said.rank == Rank.ADJUDICATED:
            final.setdefault(said.record_id, said)
        else:
            answers.setdefault((said.record_id, said.who), said)
    return list(answers.values()), final, len(found) == MOST


def _people(answers: Iterable[Said], shared: Iterable[list[Said]], final: dict[UUID, Said]) -> list[Person]:
    records, judged, kept, same, compared = Counter(), Counter(), Counter(), Counter(), Counter()
    for said in answers:
        records[said.who] += 1
        if said.record_id in final:
            judged[said.who] += 1
            kept[said.who] += said.same(final[said.record_id])
    for group in shared:
        for one, other in combinations(group, 2):
            for who in (one.who, other.who):
                compared[who] += 1
                same[who] += one.same(other)
    return [
        Person(who, n, rate(same[who], compared[who]), judged[who], kept[who])
        for who, n in sorted(records.items(), key=lambda item: (-item[1], item[0]))
    ]


def _pairs(evaluator: Evaluator, shared: Iterable[list[Said]]) -> list[Two]:
    both: dict[tuple[str, str], list[Pair]] = defaultdict(list)
    for group in shared:
        for a, b in combinations(sorted(group, key=lambda said: said.who), 2):
            pair = Pair(a.record_id, 0, a.outcome, b.outcome, a.value, b.value, a.choices, b.choices)
            both[a.who, b.who].append(pair)
    most = sorted(both.items(), key=lambda item: (-len(item[1]), item[0]))[:SHOWN]
    return [_two(evaluator, *names, pairs) for names, pairs in most]


def _two(evaluator: Evaluator, first: str, second: str, pairs: list[Pair]) -> Two:
    metric, table = evaluator.metric, table_of(evaluator.metric, pairs)
    numbers = [pair for pair in pairs if None not in (pair.person_value, pair.machine_value)]
    return Two(
        first, second, len(pairs), table, kappa(table, weighting_of(metric)) if table else None,
        error_of(metric, numbers),
    )  # fmt: skip
