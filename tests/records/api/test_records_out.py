"""Records found, read, changed and deleted through the API."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from evalhub.models import AuditEvent, Scope
from records import export
from records.api import records as records_api
from records.api.schemas import RecordDetail, RecordList
from records.models import Record, RecordRollup, Score, ScoreSource, ScoreStatus
from records.scores import ScoreResult, Task, claim, complete, plan_scores
from records.search import SearchTimeout
from records.values import read_value
from tests import factories
from tests.records.api.calls import call, key

pytestmark = pytest.mark.django_db

START = datetime(2026, 3, 1, tzinfo=UTC)


def post(k: str, *items: dict) -> list[str]:
    answer = call(k, "POST", "/records", list(items))
    assert answer.status == 200 and not answer.body["refused"], answer.body
    return [accepted["id"] for accepted in answer.body["accepted"]]


def at(n: int, **said: object) -> dict:
    return {"name": f"r{n}", "created_at": (START + timedelta(minutes=n)).isoformat()} | said


def test_the_list_is_newest_first_with_previews(project):
    k = key(project)
    post(k, at(1, inputs={"question": "q" * 3000}, metadata={"tier": "gold"}), at(2, outputs="short", tags=["a"]))
    answer = call(k, "GET", "/records")
    assert answer.status == 200
    RecordList.model_validate(answer.body)
    newest, older = answer.body["items"]
    assert (newest["name"], newest["tags"], newest["source"], newest["status"]) == ("r2", ["a"], "api", "unscored")
    assert newest["outputs"] == {"preview": "short", "truncated": False}
    assert newest["inputs"] is None
    assert older["inputs"] == {"preview": "q" * 1000, "truncated": True}
    assert older["metadata"] == {"tier": "gold"}
    assert older["created_at"] == "2026-03-01T00:01:00Z"
    assert answer.body["next_cursor"] is None


def test_an_empty_project_has_an_empty_list(project):
    assert call(key(project), "GET", "/records").body == {"items": [], "next_cursor": None, "searched_back_to": None}


@pytest.mark.parametrize("sort", ["-created", "created", "-latency", "cost"])
def test_every_record_is_met_once_while_others_come_and_go(project, sort):
    k = key(project)
    post(k, *(at(n, latency=n % 3 + 1, cost=0.01 * (n % 4 + 1)) for n in range(20)))
    seen, cursor, gone = [], "", None
    while True:
        page = call(k, "GET", f"/records?limit=6&sort={sort}&cursor={cursor}").body
        seen += [item["name"] for item in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
        if gone is None:  # a row already seen goes, and new ones come at both ends
            gone = page["items"][-1]["id"]
            assert call(k, "DELETE", f"/records/{gone}").status == 204
            post(k, at(-5, latency=0.5, cost=0.001, id="x"), at(50, latency=9, cost=9, id="y"))
    old = [name for name in seen if name not in ("r-5", "r50")]
    assert sorted(old) == sorted(f"r{n}" for n in range(20))
    assert len(seen) == len(set(seen))


def test_the_filter_language_narrows_and_a_wrong_filter_says_where(project):
    k = key(project)
    post(k, at(1, metadata={"tier": "gold"}, model="gpt-1"), at(2, metadata={"tier": "tin"}), at(3, error="boom"))
    names = lambda q: [i["name"] for i in call(k, "GET", f"/records?q={q}").body["items"]]  # noqa: E731
    assert names("metadata.tier:gold") == ["r1"]
    assert names("NOT metadata.tier:gold") == ["r3", "r2"]
    assert names("error IS NOT NULL model:gpt*") == []
    answer = call(k, "GET", "/records?q=name:a modle:gpt")
    assert (answer.status, answer.error["code"]) == (400, "invalid_filter")
    assert (answer.error["pos"], answer.error["end"]) == (7, 12)
    assert "did you mean 'model'" in answer.error["message"]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "sort=name", "roots=perhaps", "cursor=%00", "cursor=abc"])
def test_a_wrong_parameter_is_refused_by_name(project, query):
    answer = call(key(project), "GET", f"/records?{query}")
    assert (answer.status, list(answer.fields)) == (400, [query.split("=")[0]])


def test_roots_are_listed_unless_all_spans_are_asked_for(project):
    k = key(project)
    post(k, at(1, spans=[{"name": "child"}]))
    assert [i["name"] for i in call(k, "GET", "/records").body["items"]] == ["r1"]
    assert {i["name"] for i in call(k, "GET", "/records?roots=false").body["items"]} == {"r1", "child"}
    assert call(k, "GET", "/records").body["items"][0]["trace"]["spans"] == 2


def test_a_record_is_read_whole_under_the_unified_names(project):
    k = key(project)
    (id,) = post(k, {
        "id": "mine", "start_time": "2026-03-01T00:00:00Z", "inputs": ["q" * 3000], "outputs": {"a": 1}, "expected": 0,
        "prompt_tokens": 10, "completion_tokens": 20, "latency": 2, "metrics": {"routing_time": 0.1},
        "environment": "prod", "metadata": {"temperature": 0.5},
    })  # fmt: skip
    answer = call(k, "GET", f"/records/{id}")
    RecordDetail.model_validate(answer.body)
    body = answer.body
    assert (body["inputs"], body["outputs"], body["expected"]) == (["q" * 3000], {"a": 1}, 0)
    assert body["metrics"] == {
        "start_time": "2026-03-01T00:00:00Z", "timestamp": "2026-03-01T00:00:02Z", "prompt_tokens": 10,
        "completion_tokens": 20, "total_request_tokens": 30, "latency": 2.0, "tokens_per_second": 10.0,
        "routing_time": 0.1,
    }  # fmt: skip
    assert body["metadata"] == {"environment": "prod", "temperature": 0.5}
    assert call(k, "GET", "/records/mine").body == body


def test_the_span_tree_holds_spans_and_the_evaluators_that_judged_them(project):
    k = key(project)
    (id,) = post(k, at(1, spans=[{"name": "search", "spans": [{"name": "fetch"}]}, {"name": "answer"}]))
    metric = factories.metric(project, "factuality")
    record = Record.objects.get(project=project, id=id)
    task = Task(metric.id, "run:1:1:1", ScoreSource.LLM, evaluator="judge", version_no=3, run_id=1)
    plan_scores(project.id, [record.id], [task])
    (claimed,) = claim(project.id, 1, 10, 60)
    value = read_value(metric, {"numerical_value": 0.2})
    complete(project.id, [
        ScoreResult(claimed.id, record.id, claimed.attempts, ScoreStatus.COMPLETED, value, 1, "Vague.", scorer="m-1"),
    ])  # fmt: skip
    body = call(k, "GET", f"/records/{id}").body
    (root,) = body["spans"]
    names = lambda node: (node["name"], [names(child) for child in node["spans"]])  # noqa: E731
    assert names(root) == (
        "r1", [("search", [("fetch", [])]), ("answer", []), ("evaluator.judge", [])],
    )  # fmt: skip
    assert root["spans"][-1]["score"] == {
        "metric": "factuality", "numerical_value": 0.2, "passed": False, "status": "completed", "reasoning": "Vague.",
    }  # fmt: skip
    assert [(s["evaluator"], s["evaluator_version"], s["is_current"]) for s in body["scores"]] == [("judge", 3, True)]


def test_a_trace_deeper_than_json_goes_is_still_read(project):
    k = key(project)
    (id, *_) = post(k, *(
        {"trace_id": "t", "span_id": str(n), "parent_id": str(n - 1) if n else "", "name": f"s{n}"} for n in range(500)
    ))  # fmt: skip
    body = call(k, "GET", f"/records/{id}").body
    RecordDetail.model_validate(body)
    waiting, names = list(body["spans"]), set()
    while waiting:
        node = waiting.pop()
        names.add(node["name"])
        waiting += node["spans"]
    assert names == {f"s{n}" for n in range(500)}


def test_a_change_replaces_values_merges_objects_and_keeps_the_counts_right(project):
    k = key(project)
    (id,) = post(k, at(1, id="mine", inputs="q", outputs="a", tags=["x"], metadata={"a": 1}, cost=1))
    other = key(project, name="other")
    answer = call(other, "PATCH", "/records/mine", {
        "tags": ["y", "z"], "expected": "e", "metadata": {"b": 2, "customer_identifier": "c"}, "cost": 3,
    })  # fmt: skip
    assert answer.status == 200, answer.body
    body = answer.body
    assert (body["id"], body["tags"], body["inputs"], body["expected"]) == (id, ["y", "z"], "q", "e")
    assert body["metadata"] == {"a": 1, "b": 2, "customer_identifier": "c", "span_name": "r1"}
    assert (body["created_by"], body["created_at"]) == ("ci", "2026-03-01T00:01:00Z")
    (rollup,) = RecordRollup.objects.filter(project=project, n__gt=0)
    assert (rollup.n, rollup.cost) == (1, 3)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"id": "new"}, "id"),
        ({"created_at": "2026-01-01T00:00:00Z"}, "created_at"),
        ({"trace_id": "t"}, "trace_id"),
        ({"span_parent_id": "t"}, "span_parent_id"),
        ({"source": "trace"}, "source"),
        ({"scores": []}, "scores"),
        ({"spans": []}, "spans"),
        ({"colour": "red"}, "colour"),
        ({"latency": "slow"}, "latency"),
        ({"tags": "a"}, "tags"),
        ({}, None),
        ([], None),
    ],
)
def test_a_change_of_what_is_fixed_unknown_or_wrong_is_refused(project, body, path):
    k = key(project)
    post(k, at(1, id="mine"))
    before = call(k, "GET", "/records/mine").body
    answer = call(k, "PATCH", "/records/mine", body)
    assert answer.status == 400
    assert path is None or path in answer.fields
    assert call(k, "GET", "/records/mine").body == before


def test_deleting_a_record_takes_its_scores_and_counts_with_it(project):
    k = key(project)
    (id,) = post(k, at(1, scores=[{"metric": "ok", "boolean_value": True}]))
    assert call(k, "DELETE", f"/records/{id}").status == 204
    assert call(k, "GET", f"/records/{id}").status == 404
    assert call(k, "DELETE", f"/records/{id}").status == 404
    assert not Score.objects.exists()
    assert not RecordRollup.objects.filter(n__gt=0).exists()
    assert AuditEvent.objects.get(action="record.delete").target == id


def test_another_projects_records_do_not_exist(project):
    k, stranger = key(project), key(factories.project())
    (id,) = post(k, at(1, id="mine"))
    for method, body in (("GET", None), ("PATCH", {"tags": ["theirs"]}), ("DELETE", None)):
        for name in (id, "mine"):
            assert call(stranger, method, f"/records/{name}", body).status == 404
    assert call(stranger, "GET", "/records?roots=false").body["items"] == []
    assert call(stranger, "GET", f"/records?q=id:{id}").body["items"] == []
    assert call(k, "GET", "/records/mine").body["tags"] == []


def test_a_cursor_of_another_project_shows_only_ones_own(project):
    k = key(project)
    post(k, *(at(n) for n in range(3)))
    stranger = factories.project()
    cursor = call(k, "GET", "/records?limit=1").body["next_cursor"]
    assert call(key(stranger), "GET", f"/records?cursor={cursor}").body["items"] == []


def test_each_call_needs_its_scope(project):
    post(key(project), at(1, id="mine"))
    calls = [
        ("GET", "/records", None, Scope.READ), ("GET", "/records/mine", None, Scope.READ),
        ("PATCH", "/records/mine", {"tags": []}, Scope.WRITE), ("DELETE", "/records/mine", None, Scope.ADMIN),
    ]  # fmt: skip
    keys = {scope: key(project, scope, name=scope) for scope in Scope}
    for method, path, body, needed in calls:
        for scope in Scope:
            assert (call(keys[scope], method, path, body).status != 403) == (scope == needed), (method, path, scope)


def streamed(answer) -> str:
    return b"".join(answer.response.streaming_content).decode()


def test_everything_that_matches_is_streamed_as_json_lines(project):
    k = key(project)
    post(k, *(at(n, inputs="q" * 2000, scores=[{"metric": "ok", "boolean_value": n > 3}]) for n in range(7)))
    answer = call(k, "GET", "/records?q=-name:r5&limit=2", accept="application/x-ndjson")
    assert answer.headers["Content-Type"].startswith("application/x-ndjson")
    lines = [json.loads(line) for line in streamed(answer).splitlines()]
    assert [line["name"] for line in lines] == ["r6", "r4", "r3", "r2", "r1", "r0"]
    assert {len(line["inputs"]) for line in lines} == {2000}
    assert [line["scores"][0]["boolean_value"] for line in lines] == [True, True, False, False, False, False]


def test_a_table_is_streamed_in_which_nothing_is_a_formula(project):
    k = key(project)
    post(k, at(1, inputs="=1+1", outputs="@x", custom_id="-1", scores=[{"metric": "note", "string_value": "+1"}]))
    answer = call(k, "GET", "/records", accept="text/csv")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{project.slug}.csv"'
    heading, row = csv.reader(io.StringIO(streamed(answer)))
    cells = dict(zip(heading, row, strict=True))
    assert (cells["inputs"], cells["outputs"], cells["custom_id"], cells["metric.note"]) == (
        "'=1+1",
        "'@x",
        "'-1",
        "'+1",
    )
    assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_a_stream_with_a_wrong_filter_is_refused_and_not_cut_off(project):
    answer = call(key(project), "GET", "/records?q=modle:x", accept="text/csv")
    assert (answer.status, answer.error["code"]) == (400, "invalid_filter")


@pytest.mark.parametrize(("accept", "writer"), [("application/x-ndjson", "jsonl"), ("text/csv", "csv_lines")])
def test_a_stream_that_breaks_off_says_so_in_its_last_line(project, monkeypatch, accept, writer):
    k = key(project)
    post(k, at(1), at(2), at(3))
    whole = getattr(export, writer)

    def failing(*given):
        yield from list(whole(*given))[:2]
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr(export, writer, failing)
    lines = streamed(call(k, "GET", "/records", accept=accept)).splitlines()
    assert len(lines) == 3 and lines[-1].startswith("# The export broke off here") and "disk" not in lines[-1]


@pytest.mark.parametrize("accept", ["application/x-ndjson", "text/csv"])
def test_a_stream_whose_search_runs_out_of_time_is_refused_and_not_cut_off(project, monkeypatch, accept):
    def slow(*given):
        raise SearchTimeout
        yield

    monkeypatch.setattr(records_api, "batches", slow)
    answer = call(key(project), "GET", "/records", accept=accept)
    assert (answer.status, answer.error["code"]) == (503, "query_timeout")


@pytest.mark.parametrize("id", ["runs/7", "/a//b/", "a/scores/b", "x?y#z %2F/ü", "scores"])
def test_an_id_with_slashes_is_an_address_too(project, id):
    factories.metric(project, "accuracy")
    k, at = key(project), f"/records/{quote(id, safe='')}"
    call(k, "POST", "/records", {"id": id, "name": "mine"})
    assert call(k, "GET", at).body["name"] == "mine"
    assert call(k, "PATCH", at, {"name": "yours"}).body["name"] == "yours"
    assert call(k, "POST", f"{at}/scores", {"metric": "accuracy", "numerical_value": 1}).status == 201
    assert len(call(k, "GET", f"{at}/scores").body["items"]) == 1
    assert call(k, "DELETE", at).status == 204
    assert call(k, "GET", at).status == 404
