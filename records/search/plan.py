"""How a search is run: from which table it is driven, and whether one index gives its order.

`ORDER BY created_at DESC LIMIT 50` behind a rare filter walks the whole time index, and no statistics can tell. So a
search goes along an index only where that index holds the whole filter and the order (`direct`); everything else looks
at slices of time from the newest back. Either is driven from the records, or from the current scores of one metric,
which are in time order too.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from typing import Any, NamedTuple
from uuid import UUID

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from records.filterlang import And, Compare, Node, Vocabulary, clauses, compile_score_value, compile_sql
from records.filterlang.bindings import is_wild
from records.filterlang.values import time_of
from records.models import ValueType

STATEMENT_SECONDS = 5
LEAST_MILLISECONDS = 100  # the limit also holds for the ROLLBACK behind a query that ran into it
# Columns with an index in which the time order goes on behind the value.
INDEXED = tuple(f"r.{name}" for name in ("status", "source", "name", "experiment", "model", "environment"))
EVERYWHERE = ("r.status", "r.source")  # of those, what roots hold as well as the spans below them
SAMPLE = "record_sample"  # one record in a hundred
BOUNDS = (":", ">", ">=", "<", "<=")


class RecordRow(NamedTuple):
    """A record as lists show it: the hot columns without the payload."""

    id: UUID
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    trace_id: str
    span_id: str
    parent_id: str
    external_id: str
    name: str
    kind: str
    is_root: bool
    source: int
    status: int
    created_by: str
    environment: str
    customer: str
    custom_id: str
    thread: str
    model: str
    provider: str
    prompt: str
    prompt_version: int | None
    experiment: str
    case_id: str
    epoch: int | None
    latency_ms: int | None
    ttft_ms: int | None
    tokens_in: int | None
    tokens_out: int | None
    tokens_cached: int | None
    tokens_cache_write: int | None
    tokens: int | None
    cost: Any
    cost_estimated: bool
    truncated: bool
    error: str
    tags: list[str]
    metrics: Any
    metadata: Any
    trace_spans: int | None
    trace_tokens: int | None
    trace_cost: Any
    trace_errors: int | None


COLUMNS = ", ".join(f"r.{name}" for name in RecordRow._fields)


class SearchTimeout(Exception):
    """A query ran out of its time; a narrower time range helps. Nothing is shown rather than something wrong."""

    def __init__(self) -> None:
        super().__init__(f"This search took longer than {STATEMENT_SECONDS} s; choose a shorter time range.")


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for. `node` comes from filterlang.parse; ages in it are counted back from `now`."""

    project_id: int
    node: Node
    vocabulary: Vocabulary
    now: datetime
    zone: tzinfo
    roots: bool = True
    sort: str = "-created"
    ceiling: UUID | None = None  # only records that had arrived by this id

    def bounds(self) -> tuple[datetime | None, datetime | None]:
        """[since, until] that the filter's own created: conditions set; the conditions themselves still apply."""
        since, until = None, None
        for clause in clauses(self.node):
            if not (isinstance(clause, Compare) and clause.field.text == "created"):
                continue
            found = [time_of(value, self.now, self.zone) for value in clause.values]
            if None in found or not found:
                continue
            # A date stands for its whole day: `>` begins after it, `<` ends before it.
            if clause.op in (":", ">", ">=", "between", "="):
                since = max(filter(None, (since, found[0][1] if clause.op == ">" else found[0][0])))
            if clause.op in ("<", "<=", "between", "="):
                until = min(filter(None, (until, found[-1][0] if clause.op == "<" else found[-1][1])))
        return since, until

    def narrowed(self, *more: Node) -> "Search":
        return replace(self, node=And((*clauses(self.node), *more)))


@dataclass(slots=True)
class Plan:
    """A FROM and WHERE over `record r`, ordered by (`time`, `id`); `direct`: an index serves filter and order alike."""

    source: str
    time: str
    id: str
    direct: bool
    driver: Compare | None = None  # the condition on scores that it is driven from
    selective: bool = False  # something but time bounds is asked for
    where: list[str] = field(default_factory=list)
    params: list[Any] = field(default_factory=list)
    records: "Plan | None" = None  # of a plan that is driven from scores, what is asked of their records

    def add(self, sql: str, *params: Any) -> None:
        self.where.append(sql)
        self.params += params

    def fenced(self) -> "Plan":
        """The same rows, found before anything else is asked of them: OFFSET 0 keeps the planner from mixing both."""
        inner = f"SELECT r.* FROM {self.source} WHERE {' AND '.join(self.where)} OFFSET 0"  # noqa: S608
        return replace(self, source=f"({inner}) r", where=[])

    def between(self, start: datetime, end: datetime, through: bool = False) -> "Plan":
        """The rows from `start` up to `end`, which is in it with `through`: to be counted, for they are in no order.

        The records of scores are looked up all at once: their ids in an array walk the index a single time, where a
        join goes down it once for each of them.
        """
        window = [f"{self.time} >= %s", f"{self.time} {'<=' if through else '<'} %s"]
        if self.records is None:
            return replace(self, where=[*self.where, *window], params=[*self.params, start, end])
        ids = f"SELECT s.record_id FROM score s WHERE {' AND '.join([*self.where, *window])}"  # noqa: S608
        return replace(
            self.records,
            where=[*self.records.where, f"r.id = ANY(ARRAY({ids}))"],
            params=[*self.params, start, end],  # those of the records stand first
        )

    @property
    def reads_payloads(self) -> bool:
        """Whether a row has to be opened in full to be judged."""
        return any("payload y" in condition for condition in self.where) or "payload y" in self.source

    def sql(self, select: str, more: list[str], tail: str) -> str:
        where = " AND ".join([*self.where, *more]) or "TRUE"
        return f"SELECT {select} FROM {self.source} WHERE {where} {tail}"  # noqa: S608 - values are bound


def plan_of(search: Search, table: str = "record", drive: bool = True, without: Collection[Node] = ()) -> Plan:
    """Raises FilterError for a value that its field does not take. `table` may be the sample, which never is driven.

    Top-level conditions in `without` are left out: the caller sees to them.
    """
    parts = [part for part in clauses(search.node) if part != And() and part not in without]
    driver = _driver(search, parts) if drive else None
    plan = Plan(f"{table} r", "r.created_at", "r.id", direct=_is_direct(parts, search.roots))
    plan.add("r.project_id = %s", search.project_id)
    if search.roots:
        # The other wording keeps the planner from the index of roots, where it takes what it looks for to be evenly
        # spread over time: the newest hours are often all of another status.
        plan.add("r.is_root IS NOT FALSE" if any(_is_of_index(part, EVERYWHERE) for part in parts) else "r.is_root")
    for part in parts:
        if part is driver:
            continue
        if table == SAMPLE and isinstance(part, Compare) and is_of_scores(part):
            plan.add(*_sampled_score(search, part))
            continue
        condition = compile_sql(part, search.vocabulary, search.now, search.zone)
        plan.add(condition.sql, *condition.params)
    if search.ceiling:
        plan.add("r.id <= %s", search.ceiling)
    if driver is not None:
        plan = _from_scores(search, driver, plan)
        plan.direct = not search.roots and all(part is driver or _is_bound(part) for part in parts)
    plan.selective = any(not _is_bound(part) for part in parts)
    return plan


def _is_bound(part: Node) -> bool:
    return isinstance(part, Compare) and part.field.text == "created" and part.op in (*BOUNDS, "between")


def _is_direct(parts: list[Node], roots: bool) -> bool:
    """Nothing but time bounds, or one equality that has an index of its own.

    Not that equality among roots: its index holds all spans, and what only spans below a root have (most often a model)
    would be walked to its end for nothing.
    """
    rest = [part for part in parts if not _is_bound(part)]
    if not rest:
        return True
    if roots or len(rest) > 1:
        return False
    return _is_of_index(rest[0], INDEXED)


def _is_of_index(part: Node, columns: tuple[str, ...]) -> bool:
    """One value of one of the columns."""
    return (
        isinstance(part, Compare)
        and part.field.spec.sql in columns
        and part.op in (":", "=")
        and not is_wild(part.values[0])
        and part.values[0].raw != ""
    )


def _driver(search: Search, parts: list[Node]) -> Compare | None:
    """The condition on one metric's current scores that leaves the fewest; None where there is none."""
    found = [part for part in parts if isinstance(part, Compare) and is_of_scores(part)]
    if len(found) < 2:
        return found[0] if found else None
    return min(found, key=lambda part: expected(search, part))


def is_of_scores(part: Compare) -> bool:
    """Whether an index of the current scores of one metric serves the condition."""
    if part.field.metric is None:
        return False
    if part.field.text.endswith(".status"):
        return part.op in (":", "=") and part.values[0].raw.lower() in part.field.spec.choices
    numeric = part.field.metric.value_type == ValueType.NUMERICAL and part.field.text.count(".") == 1
    return numeric and part.op in (":", "=", "<", "<=", ">", ">=", "between")


def expected(search: Search, part: Compare) -> int:
    """How many current scores the condition leaves, by the roll-ups; a value's share is unknown, so all of them."""
    where, params = ["project_id = %s", "metric_id = %s"], [search.project_id, part.field.metric.id]
    if part.field.text.endswith(".status"):
        where.append("outcome = %s")
        params.append(part.field.spec.choices[part.values[0].raw.lower()])
    if search.roots:
        where.append("is_root")
    since, until = search.bounds()
    for sign, bound in ((">", since and since - timedelta(hours=1)), ("<=", until)):
        if bound is not None:
            where.append(f"bucket {sign} %s")
            params.append(bound)
    with reading() as cursor:
        cursor.execute(f"SELECT coalesce(sum(n), 0) FROM score_rollup WHERE {' AND '.join(where)}", params)  # noqa: S608
        return cursor.fetchone()[0]


def _from_scores(search: Search, driver: Compare, records: Plan) -> Plan:
    """Each score's record is looked up by itself (OFFSET 0). Statistics tell nothing of how rare an outcome of one
    metric is, so that left to itself the planner joins a million records with five hundred scores."""
    record = records.sql("r.*", ["r.id = s.record_id"], "OFFSET 0")
    plan = Plan(
        f"score s CROSS JOIN LATERAL ({record}) r",
        "s.record_created_at", "s.record_id", direct=False, driver=driver, params=[*records.params], records=records,
    )  # fmt: skip
    plan.add("s.project_id = %s", search.project_id)
    plan.add("s.metric_id = %s", driver.field.metric.id)
    plan.add("s.is_current")
    plan.add(*score_condition(search, driver))
    # The record's own time says nothing to the index that is walked.
    for sign, bound in zip((">=", "<="), search.bounds(), strict=True):
        if bound is not None:
            plan.add(f"s.record_created_at {sign} %s", bound)
    return plan


def score_condition(search: Search, part: Compare) -> tuple[Any, ...]:
    """What a condition that `is_of_scores` says of `score s` beside its metric: SQL, then its parameters."""
    if part.field.text.endswith(".status"):
        return "s.outcome = %s", part.field.spec.choices[part.values[0].raw.lower()]
    value = compile_score_value(part, search.vocabulary, search.now, search.zone)
    return value.sql, *value.params


def _sampled_score(search: Search, part: Compare) -> tuple[Any, ...]:
    """The same of a record of the sample, whose current scores are copied beside it."""
    condition, *params = score_condition(search, part)
    exists = (
        "EXISTS (SELECT FROM score_sample s WHERE s.project_id = r.project_id AND s.record_id = r.id "  # noqa: S608
        f"AND s.metric_id = %s AND {condition})"
    )
    return exists, part.field.metric.id, *params


@contextmanager
def reading(seconds: float = STATEMENT_SECONDS) -> Iterator[Any]:
    """A cursor whose queries can write nothing and end after `seconds` each. Raises SearchTimeout.

    It always rolls back: both settings would otherwise stay with a transaction that it was opened in. There it is a
    savepoint, and going back to it is a statement under the same limit: where that one is cut off, a second savepoint
    around it is a second try, or the outer transaction would be lost.
    """
    spare = transaction.atomic() if connection.in_atomic_block else nullcontext()
    try:
        with spare, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL transaction_read_only = on; " + _timeout(seconds))
            yield cursor
            transaction.set_rollback(True)
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise SearchTimeout from error
        raise


def limit_statements(cursor: Any, seconds: float) -> None:
    """From here on in this `reading()`."""
    cursor.execute(_timeout(seconds))


def _timeout(seconds: float) -> str:
    return f"SET LOCAL statement_timeout = {max(int(seconds * 1000), LEAST_MILLISECONDS)}"


def edges(cursor: Any, search: Search) -> tuple[datetime, datetime] | None:
    """From when to when the project has records, as whole hours cut to the filter's bounds; None: nothing there."""
    cursor.execute(
        "SELECT min(bucket), max(bucket) FROM record_rollup WHERE project_id = %s AND n > 0", [search.project_id]
    )
    first, last = cursor.fetchone()
    if first is None:
        return None
    since, until = search.bounds()
    low = max(filter(None, (first, since)))
    high = min(filter(None, (last + timedelta(hours=1), until)))
    return (low, high) if low <= high else None
