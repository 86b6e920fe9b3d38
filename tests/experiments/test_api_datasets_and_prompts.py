"""Datasets and prompts over the API."""

import json

import pytest

from evalhub import apikeys
from evalhub.models import Role, Scope
from experiments.datasets import importing
from experiments.models import Dataset, DatasetImport, FilePart, Prompt
from tests import factories

ITEMS = [
    {"id": "a/1", "input": {"question": "Where?"}, "expected_output": "Here.", "split": "test"},
    {"inputs": [{"role": "user", "content": "Hi"}], "tags": ["chat"]},
]
VERSION = {
    "messages": [{"role": "user", "content": "{{ name }}: {{ issue }}"}],
    "model": "m",
    "parameters": {"seed": 1},
}


class Api:
    def __init__(self, client, project, scopes):
        owner = factories.member(project, Role.ADMIN)
        self.client = client
        self.headers = {"Authorization": f"Bearer {apikeys.create(project, 'ci', scopes, created_by=owner)[1]}"}

    def __call__(self, method, path, body=None, kind="application/json", status=200):
        sent = body if isinstance(body, str) or body is None else json.dumps(body)
        answer = self.client.generic(method, f"/api/v1{path}", sent or "", content_type=kind, headers=self.headers)
        said = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert answer.status_code == status, said.decode()[:2000]
        return said.decode() if answer.streaming else json.loads(said)


@pytest.fixture
def api(client, project):
    return Api(client, project, [Scope.READ, Scope.WRITE])


@pytest.fixture
def support(api):
    return api("POST", "/datasets", {"name": "Support", "items": ITEMS}, status=201)


def test_a_dataset_is_made_read_changed_and_put_away(api, support):
    assert (support["slug"], support["revision"], support["items"]) == ("support", 1, 2)
    assert support["splits"] == {"": 1, "test": 1}
    changed = api("PATCH", "/datasets/support", {"description": "x", "inputs_schema": {"type": ["object", "array"]}})
    assert changed["description"] == "x" and changed["inputs_schema"] == {"type": ["object", "array"]}
    assert api("PATCH", "/datasets/support", {"inputs_schema": None})["inputs_schema"] is None
    assert api("POST", "/datasets", {"name": "x", "slug": "support"}, status=409)["error"]["code"] == "conflict"
    assert api("DELETE", "/datasets/support")["archived"] is True
    assert api("GET", "/datasets")["items"] == [] and len(api("GET", "/datasets?archived=true")["items"]) == 1
    assert api("POST", "/datasets/support/items", ITEMS[0], status=409)["error"]["code"] == "archived"
    assert api("POST", "/datasets/support/restore")["archived"] is False
    api("GET", "/datasets/nothing", status=404)


def test_a_dataset_with_a_bad_item_is_not_made(api):
    error = api("POST", "/datasets", {"name": "Bad", "items": [ITEMS[0], {"inputs": 1}]}, status=400)["error"]
    assert error["fields"][0]["path"] == "items.1.inputs" and not Dataset.objects.exists()


def test_many_items_are_put_in_with_a_report_on_each(api, support):
    sent = [{"id": "a/1", "split": "train"}, {"id": "a/1", "surprise": 1}, {"inputs": {"n": 1}}, {"id": "new"}]
    report = api("POST", "/datasets/support/items", sent)
    assert (report["revision"], report["added"], report["changed"], report["refused"]) == (2, 1, 1, 2)
    assert [bool(row["error"]) for row in report["items"]] == [False, True, False, True]
    assert report["items"][0]["id"] == "a/1" and report["items"][2]["id"]
    wrong = api("POST", "/datasets/support/items?all_or_none=true", {"items": sent}, status=400)["error"]
    assert [field["path"] for field in wrong["fields"]] == ["items.1.surprise", "items.3.inputs"]
    assert api("POST", "/datasets/support/items", {"inputs": "x"}, status=400)["error"]["fields"][0]["path"] == "inputs"
    api("POST", "/datasets/support/items", [], status=400)
    assert api("GET", "/datasets/support")["revision"] == 2


def test_items_are_listed_by_revision_and_a_cursor_stays_in_its_own(api, support):
    first = api("GET", "/datasets/support/items?limit=1")
    assert [item["id"] for item in first["items"]] == ["a/1"] and first["revision"] == 1
    assert api("PATCH", "/datasets/support/items/a/1", {"expected": 7})["expected"] == 7
    api("POST", "/datasets/support/items", {"id": "later", "inputs": {"n": 1}})
    rest = api("GET", f"/datasets/support/items?limit=9&cursor={first['next_cursor']}")
    assert len(rest["items"]) == 1 and rest["revision"] == 1 and rest["next_cursor"] is None
    assert len(api("GET", "/datasets/support/items")["items"]) == 3
    assert api("GET", "/datasets/support/items/a/1?revision=1")["expected"] == "Here."
    assert [item["id"] for item in api("GET", "/datasets/support/items?q=HERE&revision=1")["items"]] == ["a/1"]
    assert api("DELETE", "/datasets/support/items/a/1") == {"revision": 4, "removed": 1}
    api("GET", "/datasets/support/items/a/1", status=404)
    assert api("POST", "/datasets/support/items/delete", {"ids": ["later", "x"]}) == {"revision": 5, "removed": 1}
    assert [one["number"] for one in api("GET", "/datasets/support/revisions?limit=2")["items"]] == [5, 4]
    for query in ("cursor=x", "cursor=WzEsLTFd", "revision=9", "limit=0", "limit=201"):
        api("GET", f"/datasets/support/items?{query}", status=404 if "revision" in query else 400)


@pytest.mark.parametrize("name", ["q", "split", "tag"])
def test_a_filter_with_a_nul_character_matches_nothing(api, support, name):
    assert api("GET", f"/datasets/support/items?{name}=%00")["items"] == []
    assert api("GET", f"/datasets/support/export?{name}=a%00") == ""


def test_a_large_value_is_cut_in_the_list_and_whole_by_itself(api, support):
    text = "long " * 20_000
    api("PATCH", "/datasets/support/items/a/1", {"expected": text})
    listed = api("GET", "/datasets/support/items")["items"][0]
    assert listed["truncated"] is True and len(listed["expected"]) < len(text)
    assert api("GET", "/datasets/support/items/a/1")["expected"] == text


def test_a_file_is_imported_and_exported(api, support):
    file = "id,q,ideal\na/1,New?,Yes\nb,Old?,No\nb2\n"
    done = api("POST", "/datasets/support/import", file, kind="text/csv", status=202)
    assert done["state"] == "completed" and done["mapping"] == {"id": "id", "q": "inputs.q", "ideal": "expected"}
    assert (done["added"], done["changed"], done["refused"], done["problems"][0]["row"]) == (1, 1, 1, 3)
    assert api("GET", f"/datasets/support/imports/{done['id']}") == done
    exported = [json.loads(line) for line in api("GET", "/datasets/support/export").splitlines()]
    assert exported[0]["inputs"] == {"q": "New?"} and len(exported) == 3
    assert api("GET", "/datasets/support/export?format=csv&revision=1").startswith("id,split,tags,expected,inputs")
    mapped = api(
        "POST", '/datasets/support/import?mapping={"q":"expected","id":"id"}', file, kind="text/csv", status=202
    )
    assert mapped["changed"] == 2
    wrong = api("POST", '/datasets/support/import?mapping={"zz":"id"}', file, kind="text/csv", status=400)
    assert "no column 'zz'" in wrong["error"]["message"]
    api("POST", '/datasets/support/import?mapping={"q":"nonsense"}', file, kind="text/csv", status=400)
    assert DatasetImport.objects.count() == 2 and not FilePart.objects.exists()
    api("POST", "/datasets/support/import", "", kind="text/csv", status=400)


def test_a_big_file_waits_for_a_worker(api, support, monkeypatch):
    monkeypatch.setattr(importing, "AT_ONCE_BYTES", 10)
    rows = "\n".join(json.dumps({"inputs": {"n": n}}) for n in range(1500))
    asked = api("POST", "/datasets/support/import", rows, kind="application/x-ndjson", status=202)
    assert asked["state"] == "pending"
    importing.run(asked["id"])
    done = api("GET", f"/datasets/support/imports/{asked['id']}")
    assert (done["state"], done["added"], done["rows"], done["revision"]) == ("completed", 1500, 1500, 2)
    importing.run(asked["id"])  # rung twice
    assert Dataset.objects.get().size == 1502


def test_an_import_that_was_given_up_or_cancelled_stores_nothing(api, support, monkeypatch):
    monkeypatch.setattr(importing, "AT_ONCE_BYTES", 0)
    key = api("POST", "/datasets/support/import", '[{"n": 1}]', status=202)["id"]
    storing = importing._store

    def elsewhere(asked, refused):
        DatasetImport.objects.filter(pk=key).update(attempt=99)
        storing(asked, refused)

    monkeypatch.setattr(importing, "_store", elsewhere)
    importing.run(key)
    assert Dataset.objects.get().size == 2 and DatasetImport.objects.get().state == "running"
    assert importing.cancel(DatasetImport.objects.get())
    importing.run(key)
    assert DatasetImport.objects.get().state == "cancelled" and Dataset.objects.get().revision == 1


def test_a_prompt_is_made_committed_deployed_and_rendered(api):
    made = api("POST", "/prompts", {"name": "Answer", **VERSION}, status=201)
    assert made["newest"]["state"] == "draft" and made["deployed"] is None
    assert [variable["name"] for variable in made["newest"]["variables"]] == ["name", "issue"]
    assert api("PATCH", "/prompts/answer/versions/1", {"model": "m2"})["model"] == "m2"
    assert api("POST", "/prompts/answer/versions/1/deploy", status=400)["error"]["fields"][0]["path"] == "state"
    two = api("POST", "/prompts/answer/versions", {"parameters": {"seed": 2}, "note": "Other seed"}, status=201)
    assert (two["number"], two["model"]) == (2, "m2")
    assert api("GET", "/prompts/answer/versions/1")["state"] == "committed"  # version 2 has committed version 1
    api("PATCH", "/prompts/answer/versions/1", {"model": "m3"}, status=409)
    assert api("POST", "/prompts/answer/versions/1/deploy")["deployed"] is True
    assert api("GET", "/prompts")["items"][0] | {"newest": 2, "deployed": 1} == api("GET", "/prompts")["items"][0]

    said = {"variables": {"name": "Ada", "issue": "late", "mood": "bad"}}
    done = api("POST", "/prompts/answer/render", said)
    assert done == {"version": 1, "messages": [{"role": "user", "content": "Ada: late"}], "unknown": ["mood"]}
    error = api("POST", "/prompts/answer/render", {"variables": {"name": "Ada"}}, status=400)["error"]
    assert (error["code"], error["fields"][0]["path"]) == ("missing_variables", "variables.issue")
    assert api("POST", "/prompts/answer/versions/2/commit")["state"] == "committed"
    assert api("PATCH", "/prompts/answer", {"name": "Reply"})["name"] == "Reply"
    assert api("DELETE", "/prompts/answer")["archived"] is True
    api("POST", "/prompts/answer/versions", VERSION, status=409)


def test_a_wrong_prompt_is_refused_by_field(api):
    wrong = {"name": "x", "messages": [{"role": "user", "content": "{{ x"}]}
    assert api("POST", "/prompts", wrong, status=400)["error"]["fields"][0]["path"] == "messages"
    api("POST", "/prompts", {"name": "x", **VERSION, "surprise": 1}, status=400)
    assert not Prompt.objects.exists()


def test_a_key_reads_or_writes_as_its_scopes_say_and_sees_its_own_project(client, project, api, support):
    reader = Api(client, factories.project(), [Scope.READ])
    reader("GET", "/datasets/support", status=404)
    reader("POST", "/datasets", {"name": "x"}, status=403)
    reader("POST", "/prompts", {"name": "x", **VERSION}, status=403)
    assert reader("GET", "/datasets")["items"] == reader("GET", "/prompts")["items"] == []


def test_the_api_page_has_examples(client, project):
    document = client.get("/api/openapi.json").json()
    shapes = document["components"]["schemas"]
    assert shapes["DatasetIn"]["example"]["items"] and shapes["PromptIn"]["example"]["messages"]
    assert "application/x-ndjson" in str(document["paths"]["/api/v1/datasets/{slug}/import"]["post"]["requestBody"])
