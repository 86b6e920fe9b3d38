"""What a run changed: the value before it against its own, metric by metric, and with which of them people agree.

Before it: the newest value by a machine that is older than the run's, of the same evaluator where there is one. Values
of people stand outside: they stay, and are what both are compared with.
"""

from collections import Counter
from dataclasses import dataclass

from django.db import connection

from records.models import Metric, Outcome, Record
from scoring.models import ScoringRun
from scoring.runs.counting import span_of
from scoring.stats.estimates import Estimate
from scoring.stats.rates import rate

MOST = 50_000  # scores looked at: more say no more, and a page must not wait for them
WORDS = {Outcome.PASS: "passes", Outcome.FAIL: "fails", Outcome.NONE: "has a value"}
BEFORE = {Outcome.PASS: "passed", Outcome.FAIL: "failed", Outcome.NONE: "had a value", None: "had none"}
FLIPS = {"worse": (Outcome.PASS, Outcome.FAIL), "better": (Outcome.FAIL, Outcome.PASS)}
SHOWN = 50
ORDER = (Outcome.PASS, Outcome.FAIL, Outcome.NONE, None)

SIDES = """
FROM (
  SELECT id, record_id, outcome, value, evaluator FROM score
  WHERE project_id = %(p)s AND id BETWEEN %(first)s AND %(last)s AND run_id = %(run)s AND metric_id = %(metric)s
    AND status = 1 ORDER BY id LIMIT %(most)s) n
LEFT JOIN LATERAL (
  SELECT outcome, value FROM score x
  WHERE x.project_id = %(p)s AND x.record_id = n.record_id AND x.metric_id = %(metric)s AND x.status = 1 AND x.rank >= 2
    AND x.id < n.id ORDER BY x.evaluator = n.evaluator DESC, x.id DESC LIMIT 1) o ON true
"""

PAIRS = f"""
SELECT o.outcome, n.outcome, h.outcome, count(*), avg(o.value), avg(n.value) {SIDES}
LEFT JOIN LATERAL (
  SELECT outcome FROM score x
  WHERE x.project_id = %(p)s AND x.record_id = n.record_id AND x.metric_id = %(metric)s AND x.status = 1 AND x.rank < 2
  ORDER BY x.rank, x.completed_at DESC LIMIT 1) h ON true
GROUP BY 1, 2, 3
"""  # noqa: S608

FLIPPED = f"""
SELECT n.record_id {SIDES} WHERE o.outcome = %(old)s AND n.outcome = %(new)s ORDER BY n.id LIMIT %(shown)s
"""

ERRORS = """
SELECT evaluator, left(error, 200) AS why, count(*) FROM score
WHERE project_id = %(p)s AND id BETWEEN %(first)s AND %(last)s AND run_id = %(run)s AND status = 2
GROUP BY 1, 2 ORDER BY 3 DESC, 2 LIMIT 20
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """`kind` is off (passed, now fails), agree (failed, now passes) or empty; `flip` names it in an address."""

    n: int
    kind: str = ""
    words: str = ""
    flip: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    cells: list[Cell]
    total: int


@dataclass(frozen=True, slots=True)
class Rate:
    """Of the values before and after: the pass rate, the mean of what has a number, and the agreement with people."""

    label: str
    passes: Estimate
    people: Estimate
    mean: float | None


@dataclass(frozen=True, slots=True)
class Changes:
    """`both` records had a value before; `judged` is False where the metric has no pass condition."""

    columns: list[str]
    rows: list[Row]
    totals: list[int]
    total: int
    both: int
    rates: list[Rate]
    judged: bool
    worse: int
    better: int
    cut: bool


def changes(run: ScoringRun, metric: Metric) -> Changes:
    counts: Counter[tuple[int | None, int]] = Counter()
    people: Counter[tuple[str, bool]] = Counter()
    sums = {"before": [0.0, 0], "after": [0.0, 0]}
    for old, new, human, n, old_value, new_value in _pairs(run, metric):
        counts[old, new] += n
        for name, outcome, value in (("before", old, old_value), ("after", new, new_value)):
            if value is not None:
                sums[name][0] += value * n
                sums[name][1] += n
            if human in (Outcome.PASS, Outcome.FAIL) and None not in (old, new):
                people[name, outcome == human] += n
    olds = [o for o in ORDER if any(old == o for old, _ in counts)]
    news = [o for o in ORDER if o is not None and any(new == o for _, new in counts)]
    rows = [Row(BEFORE[o], [_cell(o, n, counts[o, n]) for n in news], sum(counts[o, n] for n in news)) for o in olds]
    totals = [sum(counts[o, n] for o in olds) for n in news]
    both = sum(n for (old, _), n in counts.items() if old is not None)
    return Changes(
        columns=[WORDS[n] for n in news], rows=rows, totals=totals, total=sum(totals), both=both,
        rates=[
            _rate("Before", Counter({old: n for old, n in _by(counts, 0)}), people, "before", sums),
            _rate("After", Counter({new: n for new, n in _by(counts, 1)}), people, "after", sums),
        ],
        judged=any(o in (Outcome.PASS, Outcome.FAIL) for o in (*olds, *news)),
        worse=counts[Outcome.PASS, Outcome.FAIL], better=counts[Outcome.FAIL, Outcome.PASS],
        cut=sum(totals) >= MOST,
    )  # fmt: skip


def flipped(run: ScoringRun, metric: Metric, flip: str) -> list[Record]:
    """The first SHOWN records that passed and now fail (`worse`), or the other way (`better`)."""
    old, new = FLIPS[flip]
    with connection.cursor() as cursor:
        cursor.execute(
            FLIPPED, _params(run) | {"metric": metric.id, "most": MOST, "old": old, "new": new, "shown": SHOWN}
        )
        ids = [id for (id,) in cursor]
    return list(Record.objects.filter(project_id=run.project_id, id__in=ids).order_by("-created_at", "-id"))


def errors(run: ScoringRun) -> list[tuple[str, str, int]]:
    """(evaluator, reason, how many), the most frequent first."""
    with connection.cursor() as cursor:
        cursor.execute(ERRORS, _params(run))
        return cursor.fetchall()


def _pairs(run: ScoringRun, metric: Metric) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(PAIRS, _params(run) | {"metric": metric.id, "most": MOST})
        return cursor.fetchall()


def _params(run: ScoringRun) -> dict[str, object]:
    first, last = span_of(run)
    return {"p": run.project_id, "run": run.pk, "first": first, "last": last}


def _cell(old: int | None, new: int, n: int) -> Cell:
    if (old, new) == (Outcome.PASS, Outcome.FAIL):
        return Cell(n, "off", "pass → fail", "worse")
    if (old, new) == (Outcome.FAIL, Outcome.PASS):
        return Cell(n, "agree", "fail → pass", "better")
    return Cell(n)


def _by(counts: Counter, side: int) -> list[tuple[int | None, int]]:
    found: Counter[int | None] = Counter()
    for pair, n in counts.items():
        if pair[0] is not None:  # both sides over the same records
            found[pair[side]] += n
    return list(found.items())


def _rate(label: str, counts: Counter, people: Counter, name: str, sums: dict) -> Rate:
    passed, failed = counts[Outcome.PASS], counts[Outcome.FAIL]
    agreed, differed = people[name, True], people[name, False]
    total, n = sums[name]
    return Rate(label, rate(passed, passed + failed), rate(agreed, agreed + differed), total / n if n else None)
