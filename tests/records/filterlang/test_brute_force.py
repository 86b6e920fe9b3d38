"""Every condition finds in PostgreSQL what reading all rows one by one finds: the meaning of the language, twice."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from records.filterlang import Vocabulary, compile_sql, parse, quoted, to_text
from records.models import RecordStatus, Source
from tests import factories
from tests.records.filterlang.rows import CHOICES, NAMES, NOW, fill, ids, outcome

Row = dict[str, Any]
Test = Callable[[Row], bool]  # true or not; a missing value is not


class World(tuple):
    """project id, rows, vocabulary"""

    def __repr__(self) -> str:
        return "the world"


@pytest.fixture
def world(db: None) -> World:
    project = factories.project()
    fill(factories.project(), 20, seed=2)  # another tenant's rows are never found
    rows, vocabulary = fill(project, 150)
    return World((project.id, rows, vocabulary))


def found(project_id: int, text: str, vocabulary: Vocabulary) -> set[Any]:
    condition = compile_sql(parse(text, vocabulary), vocabulary, NOW, UTC)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT r.id FROM record r WHERE r.project_id = %s AND {condition.sql}", [project_id, *condition.params]
        )
        return {id for (id,) in cursor}


# ---- brute force
def lower(text: str) -> str:
    """As PostgreSQL's C.UTF-8: each character for itself."""
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def like(pattern: str, text: str, star: bool = False, fold: bool = True) -> bool:
    out = ""
    for c in pattern:
        if star:
            out += ".*" if c == "*" else re.escape(c)
        else:
            out += ".*" if c == "%" else "." if c == "_" else re.escape(c)
    if fold:
        return re.fullmatch(lower(out), lower(text), re.DOTALL) is not None
    return re.fullmatch(out, text, re.DOTALL) is not None


def text_leaf(field: str, column: str) -> st.SearchStrategy[tuple[str, Test]]:
    def made(op: str, value: str) -> tuple[str, Test]:
        q = quoted(value)
        match op:
            case ":":
                return f"{field}:{q}", lambda r: lower(r[column]) == lower(value)
            case "=":
                return f"{field} = {q}", lambda r: r[column] == value
            case "!=":
                return f"{field} != {q}", lambda r: r[column] != value
            case "in":
                return f"{field} IN ({q}, nothing)", lambda r: r[column] in (value, "nothing")
            case ":in":
                return f"{field}:({q} OR Nothing)", lambda r: lower(r[column]) in (lower(value), "nothing")
            case "contains":
                return f"{field} CONTAINS {q}", lambda r: bool(r[column]) and lower(value) in lower(r[column])
            case "ilike":
                return f"{field} ILIKE {q}", lambda r: bool(r[column]) and like(value, r[column])
            case "like":
                return f"{field} LIKE {q}", lambda r: bool(r[column]) and like(value, r[column], fold=False)
            case "null":
                return f"{field} IS NULL", lambda r: r[column] == ""
            case "not null":
                return f"{field} IS NOT NULL", lambda r: r[column] != ""
            case "<":
                return f"{field} < {q}", lambda r: r[column] != "" and r[column] < value
            case "between":
                return f"{field} BETWEEN a AND {q}", lambda r: r[column] != "" and "a" <= r[column] <= value
        raise AssertionError(op)

    ops = [":", "=", "!=", "in", ":in", "contains", "ilike", "like", "null", "not null", "<", "between"]
    plain = st.builds(made, st.sampled_from(ops), st.sampled_from([name for name in NAMES if name]))
    wild = st.sampled_from(["gpt*", "*4o", "*%*", "a*b", "a_*", "*", "GPT*mini"]).map(
        lambda w: (f"{field}:{w}", lambda r: bool(r[column]) and like(w, r[column], star=True))
    )
    listed = st.sampled_from(["gpt*", "a*b"]).map(
        lambda w: (
            f"{field}:({w} OR axb)",
            lambda r: bool(r[column]) and (like(w, r[column], star=True) or lower(r[column]) == "axb"),
        )
    )
    return plain | wild | listed


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    ":": lambda a, b: a == b,
    ":<": lambda a, b: a < b,
}


def own_or_trace(row: dict[str, Any], name: str) -> Any:
    return row.get(f"trace_{name}") if row[name] is None else row[name]


def number_leaf(field: str, get: Callable[[Row], Any], values: list[str]) -> st.SearchStrategy[tuple[str, Test]]:
    def made(op: str, value: str) -> tuple[str, Test]:
        wanted = float(value)
        match op:
            case "null":
                return f"{field} IS NULL", lambda r: get(r) is None
            case "!=":
                return f"{field} != {value}", lambda r: get(r) != wanted
            case "in":
                return f"{field} IN ({value}, 5)", lambda r: get(r) in (wanted, 5)
            case "between":
                return f"{field} BETWEEN 0 AND {value}", lambda r: get(r) is not None and 0 <= get(r) <= wanted
        compare = COMPARE[op]
        return f"{field} {op}{value}", lambda r: get(r) is not None and compare(get(r), wanted)

    return st.builds(made, st.sampled_from([*COMPARE, "null", "!=", "in", "between"]), st.sampled_from(values))


def choice_leaf(field: str, get: Callable[[Row], str], choices: list[str]) -> st.SearchStrategy[tuple[str, Test]]:
    def made(form: str, value: str) -> tuple[str, Test]:
        return form.format(field, value.upper()), lambda r: (get(r) == value) != ("!=" in form)

    return st.builds(made, st.sampled_from(["{}:{}", "{} = {}", "{} != {}", "{} IN ({})"]), st.sampled_from(choices))


DAY = timedelta(days=1)
MAY_31 = NOW.replace(month=5, day=31, hour=0)
TIMES: list[tuple[str, Test]] = [
    ("created:-7d", lambda r: r["created_at"] >= NOW - 7 * DAY),
    ("created:<-1h", lambda r: r["created_at"] < NOW - timedelta(hours=1)),
    ("created <= -1h", lambda r: r["created_at"] <= NOW - timedelta(hours=1)),
    ("created:2026-05-31", lambda r: r["created_at"] >= MAY_31),
    ("created > 2026-05-31", lambda r: r["created_at"] >= MAY_31 + DAY),
    ("created <= 2026-05-31", lambda r: r["created_at"] < MAY_31 + DAY),
    ("created = 2026-05-31", lambda r: MAY_31 <= r["created_at"] < MAY_31 + DAY),
    ("created BETWEEN 2026-05-31 AND 2026-06-01", lambda r: r["created_at"] >= MAY_31),
    ('created < "2026-06-01T12:00:00+02:00"', lambda r: r["created_at"] < NOW - timedelta(hours=2)),
    ("started IS NULL", lambda r: r["started_at"] is None),
    ("started:>-2d", lambda r: r["started_at"] is not None and r["started_at"] > NOW - 2 * DAY),
    ("metrics.start_time != 2026-05-31", lambda r: not (r["started_at"] and MAY_31 <= r["started_at"] < MAY_31 + DAY)),
]

TAGS: list[tuple[str, Test]] = [
    ("tag:ci", lambda r: "ci" in map(str.lower, r["tags"])),
    ("tag = CI", lambda r: "CI" in r["tags"]),
    ("tag != ci", lambda r: "ci" not in r["tags"]),
    ("tag:ci*", lambda r: any(tag.lower().startswith("ci") for tag in r["tags"])),
    ("tag IN (CI, gold)", lambda r: bool({"CI", "gold"} & set(r["tags"]))),
    ("tag:(gold OR *nightly)", lambda r: any(t == "gold" or t.endswith("nightly") for t in r["tags"])),
    ("tag IS NULL", lambda r: not r["tags"]),
    ("root:true", lambda r: r["is_root"]),
    ("root = false", lambda r: not r["is_root"]),
]

MISSING = object()


def at(value: Any, *path: str) -> Any:
    """The JSON value at the path, MISSING where there is none; JSON's null is missing too."""
    for key in path:
        if isinstance(value, dict):
            value = value.get(key)
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return MISSING
    return MISSING if value is None else value


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_five(value: Any) -> bool:
    return (is_number(value) and value == 5) or value == "5"


def json_tests(field: str, get: Callable[[Row], Any]) -> list[tuple[str, Test]]:
    return [
        (f"{field} = 5", lambda r: is_five(get(r))),
        (f"{field} != 5", lambda r: not is_five(get(r))),
        (f"{field} = '5'", lambda r: get(r) == "5" and isinstance(get(r), str)),
        (f"{field} = gold", lambda r: get(r) == "gold"),
        (f"{field}:true", lambda r: get(r) is True or get(r) == "true"),
        (f"{field} IN (5, gold)", lambda r: is_five(get(r)) or get(r) == "gold"),
        (f"{field}:go*", lambda r: isinstance(get(r), str) and get(r).lower().startswith("go")),
        (f"{field} IS NULL", lambda r: get(r) is MISSING),
        (f"{field} IS NOT NULL", lambda r: get(r) is not MISSING),
        (f"{field} > 5", lambda r: any(is_number(v) and v > 5 for v in each(get(r)))),
        (f"{field} BETWEEN 5 AND 6", lambda r: between(get(r))),
        (f"{field} > zebra", lambda r: any(isinstance(v, str) and v > "zebra" for v in each(get(r)))),
        (f"{field} < gone", lambda r: any(isinstance(v, str) and v < "gone" for v in each(get(r)))),
        (f"{field} ILIKE 'GO%'", lambda r: isinstance(get(r), str) and get(r).lower().startswith("go")),
        (f"{field} LIKE 'Go%'", lambda r: isinstance(get(r), str) and get(r).startswith("Go")),
    ]


def each(value: Any) -> list[Any]:
    """Order comparisons look into an array, as JSON paths do."""
    return value if isinstance(value, list) else [value]


def between(value: Any) -> bool:
    numbers = [v for v in each(value) if is_number(v)]
    return any(v >= 5 for v in numbers) and any(v <= 6 for v in numbers)


JSON = [
    *json_tests("metadata.a", lambda r: at(r["metadata"], "a")),
    *json_tests("metadata.a.b", lambda r: at(r["metadata"], "a", "b")),
    *json_tests("metadata.a.0", lambda r: at(r["metadata"], "a", "0")),
    *json_tests("metadata.a.0.b", lambda r: at(r["metadata"], "a", "0", "b")),
    *json_tests("metrics.n", lambda r: at(r["metrics"], "n")),
    *json_tests("inputs.a", lambda r: at(r["inputs"], "a")),
    *json_tests("input.a.b", lambda r: at(r["inputs"], "a", "b")),
    *json_tests("inputs.a.0", lambda r: at(r["inputs"], "a", "0")),
    ("inputs.a.b:gold", lambda r: str(at(r["inputs"], "a", "b")).lower() == "gold"),
    # A name that has a column of its own may still have been left in metadata, as what a column cannot hold is.
    ("metadata.environment = Gold", lambda r: "Gold" in (r["environment"], at(r["metadata"], "environment"))),
    ("metadata.environment = 5", lambda r: is_five(at(r["metadata"], "environment"))),
    ("metadata.environment IS NULL", lambda r: r["environment"] == "" and at(r["metadata"], "environment") is MISSING),
    (
        "metadata.environment != prod",
        lambda r: "prod" not in (r["environment"], at(r["metadata"], "environment")),
    ),
]

SEARCHES: list[tuple[str, Test]] = [
    ("gold", lambda r: "gold" in (r["search_text"] or "").lower()),
    ('"say gold"', lambda r: "say gold" in (r["search_text"] or "").lower()),
    ("a%b", lambda r: "a%b" in (r["search_text"] or "")),
    ("s*gold", lambda r: like("*s*gold*", r["search_text"] or "", star=True)),
    ("inputs = gold", lambda r: r["inputs"] == "gold"),
    ("inputs IS NULL", lambda r: r["inputs"] is None),
]


def current(slug: str) -> Callable[[Row], Row | None]:
    return lambda r: next((score for score in r["scores"][slug] if score["is_current"]), None)


def value_of(slug: str, name: str) -> Callable[[Row], Any]:
    return lambda r: (current(slug)(r) or {}).get(name)


def metric_tests() -> Iterator[tuple[str, Test]]:
    for slug in ("accuracy", "safe", "tone", "note"):
        now = current(slug)
        for word in ("pass", "fail", "none", "pending", "errored", "skipped"):

            def has(r: Row, now: Any = now, word: str = word) -> bool:
                return now(r) is not None and outcome(now(r)) == word

            def newest(r: Row, slug: str = slug, word: str = word) -> bool:
                return bool(r["scores"][slug]) and outcome(r["scores"][slug][0]) == word

            yield f"metric.{slug}.status:{word}", has
            yield f"metric.{slug}.status != {word}", lambda r, has=has: not has(r)
            yield f"metric.{slug}.latest:{word}", newest
            yield f"metric.{slug}.latest != {word}", lambda r, newest=newest: not newest(r)
        yield f"metric.{slug}.status IS NULL", lambda r, now=now: now(r) is None
        yield f"metric.{slug}.version = 2", lambda r, slug=slug: value_of(slug, "version_no")(r) == 2
        yield f"metric.{slug}.source:llm", lambda r, now=now: now(r) is not None
    in_any = lambda r, word: any(s["is_current"] and outcome(s) == word for x in r["scores"].values() for s in x)  # noqa: E731
    yield "metric.status:fail", lambda r: in_any(r, "fail")
    yield "metric.status:(fail OR errored)", lambda r: in_any(r, "fail") or in_any(r, "errored")
    yield "metric.status != pass", lambda r: not in_any(r, "pass")
    yield "metric.safe:true", lambda r: value_of("safe", "boolean_value")(r) is True
    yield "metric.safe != true", lambda r: value_of("safe", "boolean_value")(r) is not True
    yield "metric.safe IS NULL", lambda r: value_of("safe", "boolean_value")(r) is None
    for choice in CHOICES:
        has_choice = lambda r, choice=choice: choice in (value_of("tone", "categorical_value")(r) or [])  # noqa: E731
        yield f"metric.tone:{choice}", has_choice
        yield f"metric.tone != {choice}", lambda r, has_choice=has_choice: not has_choice(r)
    yield (
        "metric.tone:(rude OR angry)",
        lambda r: bool({"rude", "angry"} & set(value_of("tone", "categorical_value")(r) or [])),
    )
    yield "metric.note:good", lambda r: "good" in (value_of("note", "string_value")(r) or "").lower()
    yield "metric.note = bad", lambda r: value_of("note", "string_value")(r) == "bad"
    yield "evaluator:judge", lambda r: any(s["evaluator"].lower() == "judge" for x in r["scores"].values() for s in x)
    yield (
        "evaluator:judge*",
        lambda r: any(s["evaluator"].lower()[:5] == "judge" for x in r["scores"].values() for s in x),
    )
    yield "evaluator IS NULL", lambda r: not any(s["evaluator"] for x in r["scores"].values() for s in x)


def seconds(column: str) -> Callable[[Row], float | None]:
    return lambda r: None if r[column] is None else r[column] / 1000


LEAVES = st.one_of(
    text_leaf("model", "model"),
    text_leaf("span.name", "name"),
    text_leaf("customer", "customer"),
    text_leaf("experiment", "experiment"),
    text_leaf("error", "error"),
    number_leaf("latency", seconds("latency_ms"), ["0", "0.29", "0.5", "0.2905", "1", "1.001", "-1", "1e3"]),
    number_leaf("metrics.latency", seconds("latency_ms"), ["0.29", "0.5"]),
    number_leaf("tokens", lambda r: own_or_trace(r, "tokens"), ["0", "5", "5.5", "100", "999999999999999"]),
    number_leaf("cost", lambda r: own_or_trace(r, "cost"), ["0", "0.5", "5", "5.5"]),
    number_leaf("metric.accuracy", value_of("accuracy", "numerical_value"), ["0", "0.25", "0.3", "1"]),
    choice_leaf("status", lambda r: RecordStatus(r["status"]).label, [x.label for x in RecordStatus]),
    choice_leaf("source", lambda r: Source(r["source"]).label, [x.label for x in Source]),
    choice_leaf("kind", lambda r: r["kind"], ["llm", "tool", "other"]),
    st.sampled_from([*TIMES, *TAGS, *JSON, *SEARCHES, *metric_tests()]),
)


def joined(leaves: st.SearchStrategy[tuple[str, Test]]) -> st.SearchStrategy[tuple[str, Test]]:
    both = st.tuples(leaves, leaves)
    return st.one_of(
        both.map(lambda p: (f"({p[0][0]}) ({p[1][0]})", lambda r: p[0][1](r) and p[1][1](r))),
        both.map(lambda p: (f"({p[0][0]}) or ({p[1][0]})", lambda r: p[0][1](r) or p[1][1](r))),
        leaves.map(lambda p: (f"NOT ({p[0]})", lambda r: not p[1](r))),
        leaves.map(lambda p: (f"-({p[0]})", lambda r: not p[1](r))),
    )


LISTED = [*TIMES, *TAGS, *JSON, *SEARCHES, *metric_tests()]


def test_every_listed_condition_finds_what_brute_force_finds(world: Any) -> None:
    project_id, rows, vocabulary = world
    wrong = []
    for text, true in LISTED:
        wanted = ids([row for row in rows if true(row)])
        got = found(project_id, text, vocabulary)
        if got != wanted or found(project_id, f"NOT ({text})", vocabulary) != ids(rows) - wanted:
            sample = [row for row in rows if row["id"] in got ^ wanted][:2]
            wrong.append((text, len(got), len(wanted), sample))
    assert not wrong, "\n".join(f"{text}: {got} for {wanted}" for text, got, wanted, _ in wrong)


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.recursive(LEAVES, joined, max_leaves=5))
def test_a_filter_finds_what_brute_force_finds(world: Any, condition: tuple[str, Test]) -> None:
    text, true = condition
    project_id, rows, vocabulary = world
    wanted = ids([row for row in rows if true(row)])
    assert found(project_id, text, vocabulary) == wanted, text
    assert found(project_id, f"NOT ({text})", vocabulary) == ids(rows) - wanted, text
    tree = parse(text, vocabulary)
    assert parse(to_text(tree), vocabulary) == tree
