"""Sessions: which threads there are, what their records add up to, and what was said in them."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from records.conversation import Message, Part
from records.drafts import RecordDraft, ScoreDraft
from records.filterlang import parse
from records.ingest import ingest
from records.models import Payload, Source
from records.search import Search
from records.search.plan import plan_of
from records.sessions.finding import page
from records.sessions.talk import said, turns_of, unsaid
from records.sessions.totals import metrics_of, totals_of
from records.vocabulary import vocabulary_of
from tests import factories

BEGUN = timezone.now().replace(microsecond=0) - timedelta(days=2)


def at(minutes: float):
    return BEGUN + timedelta(minutes=minutes)


def turn(number: int, thread: str, minutes: float, **fields: object) -> RecordDraft:
    fields = {"inputs": f"question {number}", "outputs": f"answer {number}"} | fields
    return RecordDraft(f"{thread}-{number}", Source.API, at(minutes), thread=thread, **fields)


def span(thread: str, trace: str, id: str, parent: str = "", minutes: float = 0, **fields: object) -> RecordDraft:
    return RecordDraft(
        f"{trace}:{id}", Source.TRACE, at(minutes), trace_id=trace, span_id=id, parent_id=parent, thread=thread,
        **fields,
    )  # fmt: skip


def search(project, text: str = "") -> Search:
    vocabulary = vocabulary_of(project, None)
    now = timezone.now()
    return Search(project.id, parse(text, vocabulary), vocabulary, now, now.tzinfo, roots=False)


def walked(found: Search, size: int, **more: object) -> list[str]:
    threads, after = [], ""
    while True:
        part = page(found, after, size, **more)
        threads += [row.thread for row in part.rows]
        after = part.next
        if not after:
            return threads


def test_threads_come_with_the_newest_record_first_and_once_over_all_pages(project):
    drafts = [turn(n, f"t{n % 7}", n) for n in range(40)] + [RecordDraft("alone", Source.API, at(50), inputs=1)]
    ingest(project, drafts, "ci")
    ingest(factories.project(), [turn(0, "elsewhere", 60)], "ci")
    newest_first = ["t4", "t3", "t2", "t1", "t0", "t6", "t5"]
    for size in (1, 2, 3, 7, 50):
        assert walked(search(project), size) == newest_first


def test_more_records_than_one_search_looks_at_hide_no_thread(project, monkeypatch):
    monkeypatch.setattr("records.sessions.finding.AT_ONCE", 3)
    ingest(project, [turn(n, "busy", 10 + n / 10) for n in range(20)] + [turn(0, "quiet", 1)], "ci")
    assert walked(search(project), 10) == ["busy", "quiet"]
    assert walked(search(project), 1) == ["busy", "quiet"]


def test_a_filter_finds_the_sessions_in_which_a_record_matches(project):
    ingest(
        project, [turn(0, "a", 1, model="gpt"), turn(1, "a", 9), turn(0, "b", 5, model="gpt"), turn(0, "c", 7)], "ci"
    )
    assert walked(search(project, "model:gpt"), 1) == ["b", "a"]
    assert walked(search(project, "created:>-1h"), 5) == []


def test_a_walk_that_runs_out_of_time_says_how_far_it_came_and_goes_on(project):
    ingest(project, [turn(n, f"t{n}", n * 600) for n in range(5)], "ci")
    first = page(search(project, "outputs:answer"), budget=0.0)
    assert first.searched_back_to is not None and first.next
    assert walked(search(project, "outputs:answer"), 2, budget=0.0) == ["t4", "t3", "t2", "t1", "t0"]


def test_totals_are_of_all_turns(project):
    factories.metric(project, "quality")
    judged = [[ScoreDraft("quality", {"numerical_value": value})] for value in (0.9, 0.2)]
    ingest(project, [
        turn(0, "t", 0, latency_ms=1000, tokens=10, cost=Decimal("0.5"), scores=judged[0]),
        turn(1, "t", 5, latency_ms=3000, tokens=20, cost=Decimal("0.25"), error="broke", scores=judged[1]),
    ], "ci")  # fmt: skip
    found = totals_of(project.id, ["t", "no such"])
    assert list(found) == ["t"]
    total = found["t"]
    assert (total.records, total.turns, total.tokens, total.cost, total.failed) == (2, 2, 30, Decimal("0.75"), 1)
    assert (total.busy_ms, total.lasted_ms) == (4000, 303_000)
    assert (total.passed, total.judged, total.errored, total.cut) == (1, 2, 0, False)
    (quality,) = metrics_of(project.id, "t")
    assert (quality.judged, quality.passed, quality.scored, round(quality.mean, 2)) == (2, 1, 2, 0.55)


def test_a_trace_counts_once_whether_its_root_names_the_thread_or_only_spans_below_do(project):
    ingest(project, [
        span("t", "a", "root"), span("t", "a", "llm", "root", 0.1, tokens=7),
        span("", "a", "tool", "root", 0.2, tokens=1),
        span("", "b", "root", minutes=5, tokens=100), span("t", "b", "agent", "root", 5.1),
        span("t", "b", "llm", "agent", 5.2, tokens=5, error="late"),
    ], "ci")  # fmt: skip
    total = totals_of(project.id, ["t"])["t"]
    assert (total.records, total.turns, total.tokens, total.failed) == (4, 2, 8 + 5, 1)
    assert [turn.record.span_id for turn in turns_of(project.id, "t")[0]] == ["root", "agent"]


def test_a_thread_longer_than_is_counted_says_so(project):
    ingest(project, [turn(n, "t", n, tokens=1) for n in range(5)], "ci")
    total = totals_of(project.id, ["t"], most=3)["t"]
    assert (total.records, total.tokens, total.cut) == (3, 3, True)


USER, BOT, SYSTEM = ({"role": role, "content": role} for role in ("user", "assistant", "system"))


def texts(turn) -> list[str]:
    return [f"{message.role}: {part.text}" for message in turn.messages for part in message.parts]


def test_turns_are_read_in_order_over_pages_and_a_history_that_is_sent_again_is_not_shown_again(project):
    def history(n: int) -> list[dict[str, str]]:
        said = [{"role": role, "content": f"{role} {i}"} for i in range(n) for role in ("user", "assistant")]
        return [SYSTEM, *said, {"role": "user", "content": f"user {n}"}]

    ingest(project, [turn(n, "t", n, inputs=history(n), outputs=f"assistant {n}") for n in range(4)], "ci")
    expected = [["system: system", "user: user 0", "assistant: assistant 0"]] + [
        [f"user: user {n}", f"assistant: assistant {n}"] for n in range(1, 4)
    ]
    turns, more = turns_of(project.id, "t")
    assert [texts(turn) for turn in turns] == expected and not more
    assert [turn.repeated for turn in turns] == [0, 3, 5, 7]
    read, after = [], ""
    for _ in range(4):
        part, after = turns_of(project.id, "t", after, size=1)
        read += [texts(turn) for turn in part]
    assert read == expected and not after


def messages(*words: str) -> list[Message]:
    return [Message(word[0], (Part("text", word),)) for word in words]


@pytest.mark.parametrize(
    ("now", "asked", "answered", "left"),
    [
        (["u1"], [], [], ["u1"]),
        (["u1", "a1", "u2"], ["u1"], ["a1"], ["u2"]),
        (["u1", "a-other", "u2"], ["u1"], ["a1"], ["a-other", "u2"]),
        (["u1"], ["u1"], ["a1"], ["u1"]),  # the same question again
        (["u2"], ["u1"], ["a1"], ["u2"]),
        (["u1", "u9"], ["u1", "u2"], ["a1"], ["u1", "u9"]),  # another branch of the same beginning
    ],
)
def test_what_was_said_before_is_left_out(now, asked, answered, left):
    assert unsaid(messages(*now), messages(*asked), messages(*answered)) == messages(*left)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, []),
        ("hi", [("user", ["hi"])]),
        ({"question": "why?"}, [("user", ["why?"])]),
        ({"question": "why?", "k": 1}, [("user", ["why?", '{\n  "k": 1\n}'])]),
        ([1, 2], [("user", ["[\n  1,\n  2\n]"])]),
        ([USER, BOT], [("user", ["user"]), ("assistant", ["assistant"])]),
    ],
)
def test_any_value_reads_as_something_said(value, expected):
    assert [(m.role, [part.text for part in m.parts]) for m in said(value, "user")] == expected


def test_a_turn_whose_payload_is_gone_says_so_and_one_too_long_too(project, monkeypatch):
    ids = ingest(project, [turn(0, "t", 0), turn(1, "t", 1)], "ci").ids
    Payload.objects.filter(project=project, record_id=ids[0]).delete()
    monkeypatch.setattr("records.sessions.talk.STORED_BYTES", 1)
    gone, long = turns_of(project.id, "t")[0]
    assert (gone.has_payload, gone.messages) == (False, [])
    assert (long.has_payload, long.long, long.messages) == (True, True, [])


def test_threads_are_walked_along_their_indexes_whatever_is_asked_of_their_records(project):
    """With a filter too: along the time of all records, a thread's own would be found in the whole project."""
    wanted = search(project, "thread IS NOT NULL")
    plan = plan_of(wanted, drive=False)
    order = "ORDER BY r.created_at DESC, r.id DESC LIMIT 1"
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off")
        for more, index in ((["r.thread = 't'"], "record_thread "), ([], "record_thread_time ")):
            cursor.execute(f"EXPLAIN {plan.sql('r.id', more, order)}", plan.params)
            assert index in "\n".join(row[0] for row in cursor)
