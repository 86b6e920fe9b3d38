"""What each form of the language compiles to: the forms that indexes serve, and every value bound."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from records.filterlang import Vocabulary, compile_score_value, compile_sql, parse
from tests.records.filterlang.names import NOW, VOCABULARY, compiled

PAYLOAD = "EXISTS (SELECT FROM payload y WHERE y.project_id = r.project_id AND y.record_id = r.id AND {})"
SCORE = "EXISTS (SELECT FROM score s WHERE s.project_id = r.project_id AND s.record_id = r.id AND {})"
MAY_31 = datetime(2026, 5, 31, tzinfo=UTC)

CASES: list[tuple[str, str, list[Any]]] = [
    ("", "TRUE", []),
    ("  ", "TRUE", []),
    # The words of choices become their codes.
    ("status:completed", "(r.status = %s)", [2]),
    ("status != Completed", "((r.status = %s) IS NOT TRUE)", [2]),
    ("status IS NOT completed", "((r.status = %s) IS NOT TRUE)", [2]),
    ("source:(api OR trace)", "(r.source = ANY(%s))", [[1, 4]]),
    ("span.kind = LLM", "(r.kind = %s)", ["llm"]),
    # `:` ignores case by the index on lower(); `=` adds the exact comparison.
    ("model:GPT-4o", "(lower(r.model) = lower(%s::text))", ["GPT-4o"]),
    ("model = GPT", "(r.model = %s::text AND lower(r.model) = lower(%s::text))", ["GPT", "GPT"]),
    ("model:gpt*", "(r.model ILIKE %s::text AND r.model <> '')", ["gpt%"]),
    ('model:"gpt*"', "(lower(r.model) = lower(%s::text))", ["gpt*"]),
    ("customer = a", "(r.customer = %s::text)", ["a"]),
    ("customer IN (a, 'b c')", "(r.customer = ANY(%s::text[]))", [["a", "b c"]]),
    ("customer:(a OR b)", "(lower(r.customer) = ANY(ARRAY[lower(%s::text), lower(%s::text)]))", ["a", "b"]),
    ("customer contains 50%_", "(r.customer ILIKE %s::text AND r.customer <> '')", ["%50\\%\\_%"]),
    ("customer LIKE 'a%'", "(r.customer LIKE %s::text AND r.customer <> '')", ["a%"]),
    ("customer IS NULL", "(r.customer = '')", []),
    # A partial index is used where its predicate is repeated.
    ("experiment:x", "(lower(r.experiment) = lower(%s::text) AND r.experiment <> '')", ["x"]),
    ("run:x", "(lower(r.experiment) = lower(%s::text) AND r.experiment <> '')", ["x"]),
    ("root:true", "r.is_root", []),
    ("root = false", "(NOT r.is_root)", []),
    # Seconds become milliseconds, and a whole number stays one, or its index is lost.
    ("latency:<0.5", "(r.latency_ms < %s)", [500]),
    ("latency < 0.0005", "(r.latency_ms < %s)", [1]),
    ("latency:>0.0005", "(r.latency_ms > %s)", [0]),
    ("latency = 0.0005", "(FALSE)", []),
    ("ttft BETWEEN 1 AND 2", "(r.ttft_ms >= %s AND r.ttft_ms <= %s)", [1000, 2000]),
    ("tokens.input IN (1, 2)", "((r.tokens_in = %s OR r.tokens_in = %s))", [1, 2]),
    ("tokens < 1e99", "((r.tokens < %s) OR r.tokens IS NULL AND (r.trace_tokens < %s))", [2**63 - 1] * 2),
    ("cost <= 0.1", "((r.cost <= %s) OR r.cost IS NULL AND (r.trace_cost <= %s))", [0.1, 0.1]),
    ("thread IS NOT NULL", "(r.thread <> '')", []),
    ("cost IS NOT NULL", "((r.cost IS NULL AND r.trace_cost IS NULL) IS NOT TRUE)", []),
    # Times: `:` is "since"; a date is its whole day.
    ("created:>-7d", "(r.created_at > %s)", [datetime(2026, 5, 25, 12, tzinfo=UTC)]),
    ("created:-30m", "(r.created_at >= %s)", [datetime(2026, 6, 1, 11, 30, tzinfo=UTC)]),
    ("created:2026-05-31", "(r.created_at >= %s)", [MAY_31]),
    ("created = 2026-05-31", "((r.created_at >= %s AND r.created_at < %s))", [MAY_31, NOW.replace(hour=0)]),
    ("created <= 2026-05-31", "(r.created_at < %s)", [NOW.replace(hour=0)]),
    ("created > 2026-05-31", "(r.created_at >= %s)", [NOW.replace(hour=0)]),
    ("started < '2026-05-31T00:00:00Z'", "(r.started_at < %s)", [MAY_31]),
    # Ids.
    ("id:0198C0DE-0000-7000-8000-000000000000", "(r.id = %s::uuid)", ["0198C0DE000070008000000000000000"]),
    ("trace:abc", "(r.trace_id = %s::text AND r.trace_id <> '')", ["abc"]),
    # Tags.
    ("tag = ci", "(r.tags && %s::text[])", [["ci"]]),
    ("tag IN (ci, gold)", "(r.tags && %s::text[])", [["ci", "gold"]]),
    ("tag IS NULL", "(r.tags = '{}')", []),
    # JSON: equality is containment; what is ordered has its value bound, and a type mismatch is false.
    ("metadata.customer.tier = 'gold'", "(r.metadata @> %s::jsonb)", ['{"customer": {"tier": "gold"}}']),
    ("metadata.n = 5", "(r.metadata @> %s::jsonb OR r.metadata @> %s::jsonb)", ['{"n": 5}', '{"n": "5"}']),
    ("metadata.n = '5'", "(r.metadata @> %s::jsonb)", ['{"n": "5"}']),
    ('metadata."a.b" = x', "(r.metadata @> %s::jsonb)", ['{"a.b": "x"}']),
    (
        "metadata.n > 5",
        "jsonb_path_exists(r.metadata #> %s::text[], '$ ? (@ > $v)', %s::jsonb, TRUE)",
        [["n"], '{"v": 5}'],
    ),
    ("metadata.x IS NULL", "((r.metadata #>> %s::text[]) IS NULL)", [["x"]]),
    (
        "metrics.routing_time = 5",
        "(r.metrics @> %s::jsonb OR r.metrics @> %s::jsonb)",
        ['{"routing_time": 5}', '{"routing_time": "5"}'],
    ),
    # Sent measurements and metadata under their senders' names.
    ("metrics.latency:<0.5", "(r.latency_ms < %s)", [500]),
    ("metrics.time_to_first_token:<0.5", "(r.ttft_ms < %s)", [500]),
    (
        "metrics.total_request_tokens = 5",
        "((r.tokens = %s) OR r.tokens IS NULL AND (r.trace_tokens = %s))",
        [5, 5],
    ),
    ("metrics.prompt_cache_hit_tokens = 5", "(r.tokens_cached = %s)", [5]),
    ("metrics.start_time < 2026-05-31", "(r.started_at < %s)", [MAY_31]),
    ("metrics.timestamp < 2026-05-31", "(r.ended_at < %s)", [MAY_31]),
    (
        "metadata.thread_identifier:x",
        "((lower(r.thread) = lower(%s::text)) OR (r.metadata @> %s::jsonb))",
        ["x", '{"thread_identifier": "x"}'],
    ),
    ("metadata.prompt_version_number = v3", "(r.metadata @> %s::jsonb)", ['{"prompt_version_number": "v3"}']),
    # Payloads and text.
    ("refund", PAYLOAD.format("y.search_text ILIKE %s::text"), ["%refund%"]),
    ("'100% of_it'", PAYLOAD.format("y.search_text ILIKE %s::text"), ["%100\\% of\\_it%"]),
    ("inputs:'say \"hi\"'", PAYLOAD.format("y.inputs::text ILIKE %s::text"), ['%say \\\\"hi\\\\"%']),
    ("output.q ILIKE '%a%'", PAYLOAD.format("((y.outputs #>> %s::text[]) ILIKE %s::text)"), [["q"], "%a%"]),
    # Scores.
    ("metric.status:fail", SCORE.format("s.is_current AND s.outcome = %s"), [2]),
    (
        "metric.factuality.status:(pass OR none)",
        SCORE.format("s.is_current AND s.metric_id = %s AND s.outcome = ANY(%s)"),
        [1, [1, 5]],
    ),
    ("metric.factuality:<0.5", SCORE.format("s.is_current AND s.metric_id = %s AND (s.value < %s)"), [1, 0.5]),
    (
        "metric.factuality IS NULL",
        f"(NOT {SCORE.format('s.is_current AND s.metric_id = %s AND s.value IS NOT NULL')})",
        [1],
    ),
    ("metric.safe:true", SCORE.format("s.is_current AND s.metric_id = %s AND s.boolean_value"), [2]),
    (
        "metric.tone:(rude OR angry)",
        SCORE.format("s.is_current AND s.metric_id = %s AND s.categorical_value && %s::text[]"),
        [3, ["Rude", "angry"]],
    ),
    ("metric.tone.source:human", SCORE.format("s.is_current AND s.metric_id = %s AND s.source = %s"), [3, 3]),
    ("metric.tone.version > 2", SCORE.format("s.is_current AND s.metric_id = %s AND (s.version_no > %s)"), [3, 2]),
    (
        "metric.tone.reasoning:polite",
        SCORE.format("s.is_current AND s.metric_id = %s AND s.reasoning ILIKE ANY(%s::text[])"),
        [3, ["%polite%"]],
    ),
    ("evaluator:judge", SCORE.format("(lower(s.evaluator) = lower(%s::text))"), ["judge"]),
    ("scoring_run:12", SCORE.format("(lower(s.run_no::text) = lower(%s::text))"), ["12"]),
    ("assigned:me", SCORE.format("s.status = 0 AND s.source = 3 AND s.assignee_id = %s::bigint"), [9]),
    (
        "assigned:(me OR alice)",
        SCORE.format("s.status = 0 AND s.source = 3 AND s.assignee_id = ANY(%s::bigint[])"),
        [[9, 7]],
    ),
    # Only NOT compiles specially; AND is implicit; OR is weaker; two negations are none.
    ("root:true tag IS NULL", "(r.is_root AND (r.tags = '{}'))", []),
    ("root:true and tag is null or root:false", "((r.is_root AND (r.tags = '{}')) OR (NOT r.is_root))", []),
    ("root:true (tag IS NULL OR root:false)", "(r.is_root AND ((r.tags = '{}') OR (NOT r.is_root)))", []),
    ("-root:true", "(r.is_root IS NOT TRUE)", []),
    ("NOT -root:true", "r.is_root", []),
    ("NOT (root:true OR NOT tag IS NULL)", "((r.is_root OR ((r.tags = '{}') IS NOT TRUE)) IS NOT TRUE)", []),
]


@pytest.mark.parametrize(("text", "sql", "params"), CASES, ids=[case[0] for case in CASES])
def test_a_filter_compiles_to(text: str, sql: str, params: list[Any]) -> None:
    condition = compiled(text)
    assert (condition.sql, condition.params) == (sql, params)
    assert condition.sql.count("%s") == len(condition.params)


def test_dates_are_read_in_the_zone_given() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    condition = compile_sql(parse("created:2026-01-31", VOCABULARY), VOCABULARY, NOW, berlin)
    assert condition.params == [datetime(2026, 1, 31, tzinfo=berlin)]
    in_autumn = compile_sql(parse("created = 2026-10-25", VOCABULARY), VOCABULARY, NOW, berlin)
    start, end = (at.astimezone(UTC) for at in in_autumn.params)
    assert (end - start).total_seconds() == 25 * 3600


def test_a_condition_can_be_a_column_that_is_never_null() -> None:
    assert compiled("latency:>1").column == "(((r.latency_ms > %s)) IS TRUE)"


def test_a_condition_on_a_metric_speaks_of_the_score_alone_for_a_search_driven_from_scores() -> None:
    condition = compile_score_value(parse("metric.factuality:<0.5", VOCABULARY), VOCABULARY, NOW, UTC)
    assert (condition.sql, condition.params) == ("(s.value < %s)", [0.5])


def test_nothing_that_a_user_typed_stands_in_the_sql() -> None:
    mark = "zq7"
    for text in [
        f"model:{mark} {mark} '{mark}' metadata.{mark}.x > {mark} metadata.\"{mark}\" = 1 inputs.{mark}:{mark}",
        f"outputs.{mark} LIKE {mark} tag:{mark}* metric.note:{mark} evaluator:({mark} OR {mark}*) trace IN ({mark})",
        f"metadata.model:({mark} OR {mark}*) custom_id BETWEEN {mark} AND {mark} metrics.{mark} IS NULL",
    ]:
        assert mark not in compiled(text).sql


def test_an_unknown_vocabulary_knows_every_field_that_needs_none() -> None:
    assert compiled("metric.status:fail model:x", Vocabulary()).params == [2, "x"]
