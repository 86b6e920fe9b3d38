"""The calls on experiments: begun, watched, claimed and submitted, steered."""

import pytest

from evalhub.models import AuditEvent, Scope
from experiments.models import Experiment
from experiments.running import working
from tests import factories
from tests.experiments.running.begun import add_cases, begin, dataset, prompt, provider, questions, rows, turned
from tests.records.api.calls import call, key
from tests.scoring.running import exact, sent

pytestmark = pytest.mark.usefixtures("rung")


@pytest.fixture
def its(project, server):
    """A key, and names of what can be run."""
    exact(project, text="Answer")
    made = prompt(project, provider(project, server))
    cases = dataset(project, {"question": "x" * 2_000}, {"question": "Short?"}, slug="cases")
    return key(project), {"name": "First try", "type": "prompt", "dataset_id": cases.slug, "prompt_id": made.slug}


def worked(slug: str) -> None:
    working.take_turn(Experiment.objects.get(slug=slug).pk, 5)


def test_one_is_estimated_begun_listed_read_changed_and_deleted(its, project):
    ci, said = its
    dry = call(ci, "POST", "/experiments", said | {"evaluators": ["exact"], "dry_run": True})
    assert dry.status == 200 and dry.body["experiment"] is None
    assert (dry.body["estimate"]["rows"], dry.body["estimate"]["judging_calls"]) == (2, 2)
    assert not Experiment.objects.exists()
    begun = call(ci, "POST", "/experiments", said | {"evaluators": ["exact"]})
    assert begun.status == 202 and begun.body["estimate"]["calls"] == 2
    its_json = begun.body["experiment"]
    assert (its_json["slug"], its_json["state"], its_json["prompt_version"]) == ("first-try", "pending", 1)
    assert its_json["sets"][0]["evaluators"][0]["slug"] == "exact" and its_json["created_by"] == "key ci"
    worked("first-try")
    read = call(ci, "GET", "/experiments/first-try").body
    assert (read["state"], read["states"], read["cost"]) == ("completed", {"scored": 2}, pytest.approx(0.004))
    assert [one["slug"] for one in call(ci, "GET", "/experiments?dataset=cases").body["items"]] == ["first-try"]
    assert call(ci, "GET", "/experiments?dataset=other").body["items"] == []
    changed = call(ci, "PATCH", "/experiments/first-try", {"description": "Why"})
    assert (changed.body["description"], changed.body["name"]) == ("Why", "First try")
    assert call(ci, "PATCH", "/experiments/first-try", {"baseline": "gone"}).fields.keys() == {"baseline"}
    assert call(ci, "POST", "/experiments", said | {"slug": "first-try"}).status == 409
    assert call(ci, "DELETE", "/experiments/first-try").status == 204
    assert call(ci, "GET", "/experiments/first-try").status == 404
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"experiment.start", "experiment.change", "experiment.delete"} <= actions


def test_a_repeat_under_the_same_idempotency_key_begins_and_claims_nothing_more(project):
    dataset(project, *questions(3), slug="cases")
    ci = key(project)
    said = {"name": "Once", "type": "custom", "dataset": "cases"}
    answers = [call(ci, "POST", "/experiments", said, idempotency_key="a") for _ in range(2)]
    assert Experiment.objects.count() == 1 and answers[0].body == answers[1].body
    claims = [call(ci, "POST", "/experiments/once/claim", {"limit": 1}, idempotency_key="b") for _ in range(2)]
    assert claims[0].body == claims[1].body and claims[0].body["items"][0]["case_id"] == "case-1"


def test_an_unknown_evaluator_is_a_400_and_nothing_has_begun(its):
    ci, said = its
    refused = call(ci, "POST", "/experiments", said | {"evaluators": ["gone"]})
    assert (refused.status, "no evaluator" in refused.fields["evaluators"]) == (400, True)
    assert call(ci, "POST", "/experiments", said | {"type": "magic"}).status == 400
    assert call(ci, "POST", "/experiments", said | {"surprise": 1}).status == 400
    assert "existing" in call(ci, "POST", "/experiments", said | {"q": ""}).fields["q"]
    assert not Experiment.objects.exists()


def test_lists_carry_previews_and_the_detail_everything_with_the_span_tree(its):
    ci, said = its
    call(ci, "POST", "/experiments", said | {"evaluators": ["exact"]})
    pending = call(ci, "GET", "/experiments/first-try/records").body["items"]
    assert [(one["state"], one["record"], one["inputs"]["truncated"]) for one in pending] == [
        ("pending", None, True), ("pending", None, False),
    ]  # fmt: skip
    worked("first-try")
    page = call(ci, "GET", "/experiments/first-try/records?limit=1").body
    (first,) = page["items"]
    assert first["inputs"]["truncated"] is True and len(first["inputs"]["preview"]) == 300
    assert first["outputs"] == {"preview": "Answer.", "truncated": False}
    assert (first["scores"][0]["evaluator"], first["scores"][0]["passed"], first["finish"]) == ("exact", True, "stop")
    rest = call(ci, "GET", f"/experiments/first-try/records?limit=1&cursor={page['next_cursor']}").body
    assert [one["case_id"] for one in rest["items"]] == ["case-2"] and rest["next_cursor"] is None
    assert call(ci, "GET", "/experiments/first-try/records?state=errored").body["items"] == []
    assert call(ci, "GET", "/experiments/first-try/records?state=odd").status == 400
    whole = call(ci, "GET", f"/experiments/first-try/records/{first['record']}").body
    assert whole["record"]["inputs"] == {"question": "x" * 2_000} and whole["case_id"] == "case-1"
    names = [span["name"] for span in whole["record"]["spans"][0]["spans"]]
    assert names == ["load_prompt", "completion", "evaluator.exact"]
    other = str(sent(Experiment.objects.get().project, 1)[0])
    assert call(ci, "GET", f"/experiments/first-try/records/{other}").status == 404


def test_a_summary_keeps_making_and_judging_apart(its):
    ci, said = its
    call(ci, "POST", "/experiments", said | {"evaluators": ["exact"]})
    worked("first-try")
    told = call(ci, "GET", "/experiments/first-try/summary").body
    assert (told["generating"]["tokens"], told["judging"]["cost"], told["states"]) == (240, 0, {"scored": 2})
    assert told["generating"]["latency_p50"] is not None
    assert [(one["n"], one["passed"]) for one in told["metrics"]] == [(2, 2)]


def test_a_client_claims_submits_and_sees_the_end(project):
    exact(project, text="42")
    cases = dataset(project, *questions(3))
    ci = key(project)
    call(ci, "POST", "/experiments", {"name": "Mine", "type": "custom", "dataset": cases.slug, "evaluators": ["exact"]})
    claimed = call(ci, "POST", "/experiments/mine/claim", {"limit": 2}).body
    assert [one["case_id"] for one in claimed["items"]] == ["case-1", "case-2"] and claimed["waiting"] == 1
    assert set(claimed["items"][0]) == {"case_id", "epoch", "inputs", "metadata", "tags"}
    results = [{"case_id": one["case_id"], "epoch": one["epoch"], "outputs": "42"} for one in claimed["items"]]
    posted = call(ci, "POST", "/experiments/mine/submit", {"results": [*results, {"case_id": "no", "outputs": 1}]}).body
    assert [one["case_id"] for one in posted["accepted"]] == ["case-1", "case-2"]
    assert posted["refused"][0]["index"] == 2
    again = call(ci, "POST", "/experiments/mine/submit", results[0]).body["accepted"][0]
    assert (again["repeat"], again["record"]) == (True, posted["accepted"][0]["record"])
    bad = call(ci, "POST", "/experiments/mine/submit", [{"case_id": "no", "outputs": 1}])
    assert (bad.status, list(bad.fields)) == (400, ["results.0.case_id"])
    assert call(ci, "POST", "/experiments/mine/submit", [{}] * 1001).status == 413
    assert call(ci, "POST", "/experiments/mine/submit", 3).status == 400
    worked("mine")
    assert call(ci, "GET", "/experiments/mine").body["states"] == {"scored": 2, "pending": 1}


def test_only_custom_ones_are_claimed_and_an_over_one_says_so(its):
    ci, said = its
    call(ci, "POST", "/experiments", said)
    assert "of type prompt" in call(ci, "POST", "/experiments/first-try/claim", {}).error["message"]
    assert "of type prompt" in call(ci, "POST", "/experiments/first-try/submit", []).error["message"]


def test_cancel_retry_rescore_and_resume(its):
    ci, said = its
    call(ci, "POST", "/experiments", said)
    assert "not stopped" in call(ci, "POST", "/experiments/first-try/resume").error["message"]
    assert (
        "no output yet"
        in call(ci, "POST", "/experiments/first-try/rescore", {"evaluators": ["exact"]}).error["message"]
    )
    assert call(ci, "POST", "/experiments/first-try/cancel").body["state"] == "cancelled"
    retried = call(ci, "POST", "/experiments/first-try/retry")
    assert (retried.status, retried.body["rows"], retried.body["experiment"]["state"]) == (202, 2, "running")
    worked("first-try")
    made = call(ci, "POST", "/experiments/first-try/rescore", {"evaluators": ["exact"], "name": "Again"})
    assert (made.status, made.body["number"], made.body["name"]) == (202, 2, "Again")
    assert call(ci, "POST", "/experiments/first-try/rescore", {"evaluators": ["gone"]}).status == 400
    assert call(ci, "POST", "/experiments/first-try/retry").status == 400


def test_existing_records_by_filter_or_ids(project):
    exact(project, text="1")
    ids = sent(project, 3)
    ci = key(project)
    said = {"name": "Old ones", "type": "existing", "evaluators": ["exact"]}
    assert call(ci, "POST", "/experiments", said).status == 400
    assert call(ci, "POST", "/experiments", said | {"q": "inputs.n < 2", "ids": ["r1"]}).status == 400
    assert call(ci, "POST", "/experiments", said | {"q": "nosuchfield: 1"}).error["pos"] == 0
    by_filter = call(ci, "POST", "/experiments", said | {"q": "inputs.n < 2"}).body["experiment"]
    assert by_filter["rows"] == 2
    by_id = call(ci, "POST", "/experiments", said | {"ids": ["r1", str(ids[2])]}).body["experiment"]
    assert (by_id["rows"], by_id["slug"]) == (2, "old-ones-2")


def test_keys_reach_their_own_projects_experiments_with_their_scopes(its, project):
    ci, said = its
    call(ci, "POST", "/experiments", said)
    assert call(key(factories.project()), "GET", "/experiments/first-try").status == 404
    assert call(key(project, Scope.READ), "POST", "/experiments/first-try/cancel").status == 403
    assert call(key(project, Scope.INGEST), "GET", "/experiments").status == 403
    assert call(key(project, Scope.WRITE), "DELETE", "/experiments/first-try").status == 403


def test_the_list_goes_on_behind_its_cursor(project):
    cases = dataset(project, *questions(1))
    for name in "abc":
        begin(project, "custom", name=name, dataset=cases.slug)
    ci = key(project)
    first = call(ci, "GET", "/experiments?limit=2").body
    rest = call(ci, "GET", f"/experiments?limit=2&cursor={first['next_cursor']}").body
    assert [one["slug"] for one in first["items"] + rest["items"]] == ["c", "b", "a"]
    add_cases(cases, {"question": "More?"}, first=5)
    assert rows(turned(begin(project, "custom", name="d", dataset=cases.slug, revision=1)))[0].case_id == "case-1"
