"""Whatever somebody types is a result or a refusal with a place: never a crash, never SQL from outside."""

from datetime import UTC
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalhub.models import Project
from records.filterlang import FilterError, Vocabulary, compile_sql, in_words, parse, to_text
from records.models import Record
from records.vocabulary import vocabulary_of
from tests import factories
from tests.records.filterlang.names import NOW, VOCABULARY
from tests.records.filterlang.rows import metrics

GROUPS: dict[str, list[str]] = {
    "functions": ["pg_sleep(10)", "model = pg_sleep(10)", "model:lower(x)", "model IN (now())", "COALESCE(a, b)"],
    "subqueries": ["model IN (SELECT 1)", "id = (SELECT id FROM record)", "EXISTS (SELECT 1)", "(SELECT 1) = 1"],
    "union": ["model = 'a' UNION SELECT 1", "' UNION SELECT 1 --", "model:a) UNION (SELECT 1"],
    "casts": ["id::text = 'a'", "model = 'a'::uuid", "CAST(x AS int) = 1", "latency = '1'::int"],
    "comments": ["model = 'a' -- x", "model /* x */ = 'a'", "model = 'a' # x", "/**/", "--", "a --"],
    "statements": ["model = 'a'; DROP TABLE record", ";", "'; DROP TABLE record; --'", "model:';DELETE FROM record'"],
    "quotes": ["'", '"', "'''", "''''", '"\\"', "model = 'it''s'", "model = 'a\\'b'", '"\\\\"', "model:'\\'", "''''''"],
    "placeholders": [
        "%s",
        "%(a)s",
        "model:%s",
        "model LIKE '%s'",
        "{0.__class__}",
        "{}",
        "$1",
        "model:$1",
        "metadata.%s = %s",
        'metadata."%(x)s" > 1',
        "%",
        "%%",
        "model:%*",
        "inputs:'100%'",
        "tag:%s*",
        "metadata.{x}:{y}",
    ],
    "json paths": [
        "metadata.$ = 1",
        "metadata.a[*] > 1",
        'metadata."a\\"b" > 1',
        'metadata."\') ? (@ == 1" > 1',
        "metadata.@ > 1",
        'metadata."$v" > 1',
        "metadata.a.* > 1",
        "metadata.{a,b} > 1",
        'metadata."" > 1',
        'metadata."a\\\\" = 1',
        "metadata.-1 = 1",
        "metadata.0 = 1",
        "metadata.99999999999999999999 = 1",
        "inputs.-1:a",
    ],
    "wildcards": [
        "model:" + "*" * 3000,
        "*" * 4000,
        "model:" + "*a" * 1500,
        "tag:" + "*a" * 1900,
        "inputs:" + "a*" * 1900,
    ],
    "backslashes": ["model LIKE 'a\\'", "model LIKE '\\\\'", "model LIKE '\\\\\\\\'", "model:\\", "model:\\*", "\\"],
    "depth": [
        "(" * 2000,
        "(" * 30 + "a" + ")" * 30,
        "NOT " * 999 + "a",
        "-" * 3000 + "a",
        "- - - a",
        "(((a)",
        "-(-(-(a)))",
    ],
    "lists": [
        f"model IN ({', '.join(['a'] * 1300)})",
        "model IN ()",
        "model:()",
        "model IN (,)",
        "model IN (a,)",
        "model IN (a b)",
    ],
    "conditions": ["a " * 101, "a OR " * 100 + "a", "model:a " * 100],
    "a megabyte": ["a" * 1_000_000, "(" * 1_000_000, "'" + "a" * 1_000_000],
    "operators": [
        "= 5",
        "model =",
        "model = = a",
        "model > < a",
        "AND",
        "OR",
        "NOT",
        "a AND",
        "a OR OR b",
        "a NOT",
        "model NOT",
        "model NOT a",
        "IN (a)",
        "BETWEEN 1 AND 2",
        "model BETWEEN a",
        "model IS",
        "model IS NOT",
        ":",
        "a:",
        ":a",
        ",",
        "model:,",
        "!",
        "<>",
    ],
    "lucene": [
        "*:*",
        "model:[a TO b]",
        "model:{a TO b}",
        "model:/a.*b/",
        "model:a~2",
        "model:a^4",
        "+model:a",
        'model:"a b"~5',
        "_exists_:model",
        "a && b",
        "a || b",
        "!a",
    ],
    "numbers": [
        "latency:NaN",
        "latency:Infinity",
        "latency:1e999",
        "latency:-1e-99",
        "latency:0x10",
        "latency:1_000",
        "latency:9" + "9" * 30,
        "tokens:1e99",
        "tokens:-1e99",
        "cost:1e99",
        "cost:1e-99",
        "metadata.n:1e99",
        "metadata.n > 1e99",
        "metadata.n:999999999999999",
        "metric.accuracy:1e99",
        "metric.accuracy.version:1e99",
        "latency:١٢",
        "latency:.",
        "latency:-",
        "latency:--1",
        "scoring_run:1e9",
        "metrics.tokens_per_second:>1e99",
        "metadata.prompt_version_number:1e99",
    ],
    "dates": [
        "created:0000-00-00",
        "created:9999-12-31",
        "created:0001-01-01",
        "created:2026-02-30",
        "created:>-99999w",
        "created:-99999d",
        "created:-0s",
        "created:'2026-01-01T25:00'",
        "created:'9999-12-31T23:59:59+14:00'",
        "created:'2026-01-01T00:00:00+99:00'",
        "created:2026-W01-1",
        "created:20260101",
        "created:'2026-03-29T02:30'",
        "created:1e5",
        "created BETWEEN -1d AND -2d",
    ],
    "characters": [
        "a\x00b",
        "model:\x00",
        "'\x00'",
        "a\ud800b",
        "\udfff",
        "'\ud83d'",
        "\u202emodel:a",
        "model:\u202e",
        "ｍｏｄｅｌ:a",
        "mоdel:a",
        "model\u2028:a",
        "a\u2028b\u2029c",
        "\ufeffmodel:a",
        "model：a",
        "model\u200b:a",
        "a\u0301",
        "\U0001f600",
        "model:\U0001f600*",
        "\x7f\x01\x1b[31m",
        "\u00a0model:a",
    ],
}
ALL = [(group, text) for group, texts in GROUPS.items() for text in texts]


@pytest.fixture
def searched(project: Project) -> tuple[Project, Vocabulary]:
    metrics(project)
    factories.record(
        project, {"a": "b"}, "out", model="gpt", tags=["ci"], latency_ms=5, cost=1, metadata={"n": 5, "a": {"$": [1]}},
        metrics={"tokens_per_second": "many"},
    )  # fmt: skip
    return project, vocabulary_of(project)


def run(project: Project, vocabulary: Vocabulary, text: str) -> list[Any] | FilterError:
    """The rows or the refusal; anything else is raised."""
    try:
        node = parse(text, vocabulary)
        condition = compile_sql(node, vocabulary, NOW, UTC, text)
    except FilterError as error:
        assert 0 <= error.pos <= len(text)
        assert error.pos < error.end
        assert len(error.message) < 2_000
        error.pretty().encode()
        return error
    assert parse(to_text(node), vocabulary) == node
    in_words(node, UTC).encode()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '5s'")
        cursor.execute(
            f"SELECT r.id, {condition.column} FROM record r WHERE r.project_id = %s AND {condition.sql}",
            [*condition.params, project.id, *condition.params],
        )
        return cursor.fetchall()


@pytest.mark.parametrize("group", GROUPS)
def test_a_hostile_filter_is_a_result_or_a_refusal(group: str, searched: Any) -> None:
    for text in GROUPS[group]:
        run(*searched, text)
        run(*searched, f"NOT ({text[:3990]})")
    assert Record.objects.count() == 1


REFUSED = ["functions", "subqueries", "union", "statements", "a megabyte"]


@pytest.mark.parametrize("text", [t for g, t in ALL if g in REFUSED and not t.startswith(("'", "model:'"))])
def test_what_is_sql_and_not_a_filter_is_refused(text: str) -> None:
    with pytest.raises(FilterError):
        compile_sql(parse(text, VOCABULARY), VOCABULARY, NOW, UTC)


PIECES = st.sampled_from(
    ["model", "metadata.a", "metric.accuracy", "metric.status", "created", "latency", "tag", "inputs.a", "id", "root",
     "AND", "OR", "NOT", "IN", "IS", "NULL", "BETWEEN", "LIKE", "CONTAINS", "TRUE", "(", ")", ",", ":", "=", "!=", "<",
     ">", "-", "*", "'", '"', "%s", "\\", "5", "-7d", "2026-01-31", "gpt*", "fail", "'x y'", ";", "--", "\u2028", "{}"]
)  # fmt: skip


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(PIECES, max_size=25), st.sampled_from(["", " "]))
def test_pieces_of_the_language_in_any_order_are_a_result_or_a_refusal(
    searched: Any, pieces: list[str], gap: str
) -> None:
    run(*searched, gap.join(pieces))
