"""The pages of datasets: made, filled by hand, by a file and from records, searched, exported and put away."""

import io
import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from evalhub.models import AuditEvent, Role
from experiments.datasets import from_records, importing, uploads
from experiments.datasets.columns import draft_of, guessed
from experiments.datasets.drafts import read_draft
from experiments.datasets.files import lines
from experiments.datasets.listing import items_of
from experiments.datasets.making import create_dataset
from experiments.datasets.revisions import put_items
from experiments.datasets.uploads import columns_of
from experiments.models import Dataset, DatasetImport, FilePart
from records.drafts import Sender
from records.intake import take
from records.models import ScoreSource, ValueType
from records.retention import forget_payloads
from records.scores import NewScore, add_scores
from records.values import read_value
from tests import factories

HTMX = {"HX-Request": "true"}


@pytest.fixture
def dataset(project):
    made = create_dataset(project, "ada", name="Support")
    items = [
        {"id": "a", "inputs": {"question": "Where is it?"}, "expected": "On its way.", "split": "test", "tags": ["x"]},
        {"id": "b", "inputs": {"question": "<script>alert(1)</script>", "n": 2}, "metadata": {"tier": "gold"}},
        {"id": "c", "inputs": [{"role": "user", "content": "Hi"}]},
    ]
    put_items(made, "ada", [(n, read_draft(item)) for n, item in enumerate(items, 1)], "by a test")
    return made


@pytest.fixture
def editor(client, project):
    client.force_login(factories.member(project, Role.EDITOR, "ed"))
    return client


def at(name, project, *args):
    return reverse(f"experiments:{name}", args=[project.slug, *args])


def cases(dataset):
    return {item.case_id: item for item in items_of(dataset)}


def upload(name, content):
    file = io.BytesIO(content.encode())
    file.name = name
    return file


def test_the_page_shows_items_and_costs_the_same_however_many_there_are(client, project, dataset, query_budget):
    client.force_login(factories.member(project, Role.VIEWER))
    page = client.get(at("dataset", project, "support")).content.decode()
    assert "question: Where is it?" in page and "&lt;script&gt;" in page and "<script>alert" not in page
    assert "user: Hi" in page and "Add item" not in page and page.count("data-item") == 3
    put_items(dataset, "ada", ((n, read_draft({"inputs": {"n": n}})) for n in range(60)), "more")
    with query_budget("dataset"):
        page = client.get(at("dataset", project, "support")).content.decode()
    assert page.count("data-item") == 50 and "Next page" in page


def test_the_list_costs_the_same_however_many_there_are(client, project, query_budget):
    client.force_login(factories.member(project, Role.VIEWER))
    for n in range(5):
        create_dataset(project, "ada", name=f"Set {n}")
    with query_budget("datasets"):
        assert b"Set 4" in client.get(at("datasets", project)).content


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("q=WHERE", "a"), ("split=test", "a"), ("tag=x", "a"), ("q=gold", "b"), ("revision=1", "abc"), ("q=none", ""),
    ],
)  # fmt: skip
def test_the_address_says_what_is_shown(editor, project, dataset, query, shown):
    put_items(dataset, "ada", [(1, read_draft({"id": "d", "inputs": {"n": 1}}))], "d")
    page = editor.get(f"{at('dataset', project, 'support')}?{query}", headers=HTMX).content.decode()
    assert "<html" not in page
    assert [case for case in "abcd" if f'aria-label="Edit {case}"' in page or f">{case}</a>" in page] == list(shown)


@pytest.mark.parametrize("query", ["revision=9", "revision=x", "after=x", "revision=99999999999"])
def test_an_address_that_was_changed_by_hand_is_refused(editor, project, dataset, query):
    assert editor.get(f"{at('dataset', project, 'support')}?{query}").status_code in (400, 404)


def test_an_empty_dataset_has_no_revision_to_look_at(editor, project):
    create_dataset(project, "ada", name="Empty")
    assert editor.get(at("revision", project, "empty", 0)).status_code == 404


def test_an_item_is_edited_in_its_row(editor, project, dataset):
    row = cases(dataset)["b"]
    address = at("item-edit", project, "support", row.pk)
    form = editor.get(address, headers=HTMX).content.decode()
    assert "<html" not in form and "&quot;n&quot;: 2" in form
    said = {"inputs": '{"question": "Why?"}', "expected": '"42"', "tags": 'a, "b, c"', "split": "train", "metadata": ""}
    answer = editor.post(address, said, headers=HTMX)
    now = cases(dataset)["b"]
    assert answer.status_code == 200 and f"item-{now.pk}" in answer.content.decode()
    assert "dataset-changed" in answer["HX-Trigger"]
    assert (now.inputs, now.expected, now.tags, now.split) == ({"question": "Why?"}, "42", ["a", "b, c"], "train")
    assert now.metadata == {} and now.created_by == "ed"
    again = editor.get(at("item-edit", project, "support", now.pk), headers=HTMX).content.decode()
    assert "&quot;42&quot;" in again and "a, &quot;b, c&quot;" in again
    assert editor.get(at("item", project, "support", row.pk)).status_code == 200  # the old row is there still


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"inputs": "{"}, "not valid JSON"),
        ({"inputs": "[1]"}, "Must be an object"),
        ({"inputs": '{"a": "\\u0000"}'}, "NUL"),
        ({"inputs": '{"a": 1}', "metadata": "[]"}, "Must be an object"),
        ({"inputs": '{"a": 1}', "case_id": "a"}, "There is an item of this id"),
    ],
)
def test_a_wrong_item_is_refused_and_nothing_typed_is_lost(editor, project, dataset, said, says):
    answer = editor.post(at("item-new", project, "support"), {"expected": "keep me", **said}, headers=HTMX)
    assert answer.status_code == 422
    assert says in answer.content.decode() and "keep me" in answer.content.decode()
    assert dataset.revisions.count() == 1


def test_two_who_edit_the_same_item_do_not_overwrite_each_other_unasked(editor, project, dataset):
    address = at("item-edit", project, "support", cases(dataset)["a"].pk)
    put_items(dataset, "bob", [(1, read_draft({"id": "a", "expected": "Bob's"}))], "Bob was faster")
    answer = editor.post(address, {"inputs": '{"q": 1}', "expected": "Mine"}, headers=HTMX)
    assert answer.status_code == 422 and "bob changed this item" in answer.content.decode()
    assert cases(dataset)["a"].expected == "Bob's"
    over = answer.context["over"]
    assert (
        editor.post(address, {"inputs": '{"q": 1}', "expected": "Mine", "over": over}, headers=HTMX).status_code == 200
    )
    assert cases(dataset)["a"].expected == "Mine"


def test_an_item_is_deleted_and_its_revision_stays(editor, project, dataset):
    editor.post(at("item-delete", project, "support", cases(dataset)["a"].pk), headers=HTMX)
    assert set(cases(dataset)) == {"b", "c"}
    page = editor.get(at("revision", project, "support", 2)).content.decode()
    assert "removed" in page and "<del>" in page
    editor.post(at("revision-restore", project, "support", 1))
    assert set(cases(dataset)) == {"a", "b", "c"}
    assert editor.get(at("revisions", project, "support")).content.decode().count("<tr>") == 4


def test_an_archived_dataset_is_read_and_not_changed(editor, project, dataset):
    editor.post(at("dataset-archive", project, "support"))
    assert b"None" not in editor.get(at("datasets", project) + "?archived=1").content
    assert editor.post(at("item-new", project, "support"), {"inputs": "{}"}).status_code == 403
    assert editor.post(at("revision-restore", project, "support", 1)).status_code == 403
    assert editor.get(at("import-new", project, "support")).status_code == 403
    assert editor.get(at("dataset", project, "support")).status_code == 200
    editor.post(at("dataset-archive", project, "support"))
    assert Dataset.objects.get().archived_at is None


def test_a_file_is_kept_mapped_looked_at_and_imported(editor, project, dataset):
    file = upload("cases.csv", "key,question,ideal,lang\na,New?,Yes,de\nz,Last?,No,en\n,,,\n")
    address = editor.post(at("import-new", project, "support"), {"file": file}).url
    assert FilePart.objects.count() == 1 and dataset.revisions.count() == 1
    page = editor.get(address).content.decode()
    assert "changes it" in page and 'value="question"' in page
    mapping = {
        "part-0": "id",
        "part-1": "inputs.",
        "key-1": "q",
        "part-2": "expected",
        "part-3": "metadata.",
        "key-3": "lang",
    }
    preview = editor.post(f"{address}preview", mapping).content.decode()
    assert "q: New?" in preview and "lang: de" in preview
    assert "Two columns" in editor.post(f"{address}preview", mapping | {"part-2": "id"}).content.decode()
    assert editor.post(address, mapping | {"part-1": ""}).status_code == 302  # known ids need no inputs
    made = DatasetImport.objects.get()
    assert editor.post(f"{address}preview", mapping)["HX-Redirect"] == address  # it has begun elsewhere
    assert (made.added, made.changed, made.refused, made.total) == (0, 1, 1, 2)
    assert "no item of this id" in editor.get(address).content.decode()
    assert FilePart.objects.count() == 0
    now = cases(dataset)["a"]
    assert (now.inputs, now.expected, now.metadata) == ({"question": "Where is it?"}, "Yes", {"lang": "de"})


def test_with_all_or_nothing_a_refused_row_keeps_the_others_out(editor, project, dataset):
    file = upload("cases.jsonl", '{"inputs": {"n": 1}}\n{"inputs": "x"}\n{"tags": 7, "inputs": {}}\n')
    address = editor.post(at("import-new", project, "support"), {"file": file}).url
    editor.post(address, {"part-0": "inputs", "part-1": "tags", "whole": "1"})
    made = DatasetImport.objects.get()
    assert made.state == "errored" and made.problems[0][0] == 3 and dataset.revisions.count() == 1


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", "", "empty"),
        ("a.json", "{", "Not valid JSON"),
        ("a.csv", "a,a\n", "twice"),
        ("a.jsonl", "1\n", "No row"),
        ("a.csv", "a,b\n", "No row"),
        ("a.json", json.dumps([{f"c{n}": n for n in range(500)}]), "more than 450 different columns"),
    ],
)
def test_a_file_that_is_none_is_refused_and_not_kept(editor, project, dataset, name, content, says):
    answer = editor.post(at("import-new", project, "support"), {"file": upload(name, content)})
    assert answer.status_code == 422 and says in answer.content.decode()
    assert not DatasetImport.objects.exists()


def test_no_column_is_lost_because_the_first_rows_have_nothing_in_it(editor, project, dataset):
    names = [f"c{n}" for n in range(100)]
    rows = [",".join(names), *[f"x{',' * 99}"] * uploads.LOOKED_AT, ",".join(["v"] * 100)]
    editor.post(at("import-new", project, "support"), {"file": upload("wide.csv", "\n".join(rows))})
    assert [column for column, _ in DatasetImport.objects.get().mapping] == names

    rows = [{"q": 1}] * uploads.LOOKED_AT + [{"q": 2, "expected": "late"}]
    address = editor.post(at("import-new", project, "support"), {"file": upload("a.json", json.dumps(rows))}).url
    editor.post(address, {"part-0": "inputs.", "key-0": "q"})
    told = DatasetImport.objects.latest("id")
    assert told.added == uploads.LOOKED_AT and "expected: The first rows have no such column" in told.problems[0][1]


def test_a_new_dataset_may_begin_with_a_file(editor, project):
    said = {"name": "Fresh", "inputs_schema": '{"required": ["q"]}', "file": upload("x.json", '[{"q": 1}, {"p": 2}]')}
    address = editor.post(at("dataset-new", project), said).url
    editor.post(address, {"part-0": "inputs.", "key-0": "q", "part-1": "inputs.", "key-1": "p"})
    made = Dataset.objects.get(slug="fresh")
    assert (made.size, made.revision) == (1, 1)
    assert "'q' is a required property" in DatasetImport.objects.get().problems[0][1]
    assert b"has a dataset fresh already" in editor.post(at("dataset-new", project), {"name": "Fresh"}).content


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_an_export_reads_back_as_what_it_was(editor, project, dataset, kind):
    odd = [
        {"id": "7", "inputs": {"f": "=1+1", "s": "42", "n": 42, "e": "", "z": None}, "expected": "null", "split": "9"},
        {"id": "o", "inputs": {"f": "'=x", "l": ["a"]}, "expected": {"a": 1}, "tags": ["=t"], "metadata": {"m": [1]}},
    ]
    put_items(dataset, "ada", [(n, read_draft(item)) for n, item in enumerate(odd, 1)], "odd ones")
    for query, expected in (("q=%3D", {"7", "o"}), ("revision=1", {"a", "b", "c"})):
        answer = editor.post(f"{at('dataset-export', project, 'support')}?{query}", {"format": kind})
        content = b"".join(answer.streaming_content).decode()
        if kind == "csv":
            assert not any(cell.startswith("=") for line in content.splitlines() for cell in line.split(","))
        address = editor.post(
            at("dataset-new", project), {"name": f"Back {query}", "file": upload(f"x.{kind}", content)}
        ).url
        guessed = DatasetImport.objects.order_by("id").last().mapping
        mapping = {}
        for number, (_, place) in enumerate(guessed):
            head, dot, key = place.partition(".")
            mapping |= {f"part-{number}": head + dot, f"key-{number}": key}
        editor.post(address, mapping)
        back = cases(Dataset.objects.order_by("id").last())
        then = {item.case_id: item for item in items_of(dataset, 1 if "revision" in query else None)}
        assert set(back) == expected
        for case, item in back.items():
            for field in ("inputs", "expected", "metadata", "tags", "split"):
                assert getattr(item, field) == getattr(then[case], field), (case, field)
    assert AuditEvent.objects.filter(action="dataset.export").count() == 2


@pytest.mark.parametrize(
    "inputs",
    [
        [[{"role": "user", "content": "Hi"}], [{"role": "user", "content": "Ho"}]],
        [{}, {}],
        [{" a": 1, "a": 2}, {"b;c;d;e;f;g;h;i": 3}],
        [{"a\nb": 1}, {"": 2}],
    ],
)
def test_a_table_has_the_inputs_whatever_they_are(editor, project, inputs):
    made = create_dataset(project, "ada", name="Odd")
    put_items(made, "ada", [(n, read_draft({"id": str(n), "inputs": one})) for n, one in enumerate(inputs)], "odd ones")
    answer = editor.post(at("dataset-export", project, "odd"), {"format": "csv"})
    back = list(lines(io.BufferedReader(io.BytesIO(b"".join(answer.streaming_content))), "csv"))
    mapping = guessed(columns_of(back))
    assert [draft_of(row, mapping).fields.get("inputs") for _, row in back] == inputs


def test_records_are_added_with_what_people_wrote_as_expected(editor, project, dataset):
    metric = factories.metric(project, "correction", ValueType.COMMENT)
    one = factories.record(project, {"q": 1}, "wrong")
    two = factories.record(project, "plain text", "fine", name="answer")
    none = factories.record(project, None, "x")
    value = read_value(metric, {"string_value": "right"})
    add_scores(project.id, [NewScore(one.id, metric, value, ScoreSource.HUMAN, sender="ada")])

    assert b"Add 3 records" in editor.get(at("add-to-dataset", project) + "?n=3").content
    said = {"dataset": dataset.pk, "expected": "metric:correction", "split": "test", "tags": "seen"}
    answer = editor.post(at("add-to-dataset", project), said | {"ids": [one.id, two.id, none.id]}, headers=HTMX)
    assert "2 added, 1 refused" in json.loads(answer["HX-Trigger"])["toast"]["words"]
    found = cases(dataset)
    assert (found[str(one.id)].inputs, found[str(one.id)].expected) == ({"q": 1}, "right")
    assert (found[str(two.id)].inputs, found[str(two.id)].expected) == ({"input": "plain text"}, None)
    assert found[str(two.id)].metadata == {"record": str(two.id), "name": "answer"}
    assert found[str(one.id)].tags == ["seen"] and found[str(one.id)].split == "test"

    editor.post(at("add-to-dataset", project), said | {"expected": "output", "ids": [two.id]}, headers=HTMX)
    assert cases(dataset)[str(two.id)].expected == "fine" and len(cases(dataset)) == 5


def test_a_record_whose_inputs_are_no_longer_kept_is_no_item(project):
    record = factories.record(project, {"question": "Why?"})
    forget_payloads(project.id, [record.id])
    ((number, problem),) = from_records.drafts(project, [record.id], from_records.OWN, "", [])
    assert number == 1 and "no longer kept" in str(problem)


def test_all_records_that_match_are_added_by_a_worker_to_a_new_dataset(editor, project):
    sent = [{"inputs": {"n": n}, "outputs": "x", "name": "seen" if n else "other"} for n in range(3)]
    take(project, sent, Sender("a test", timezone.now() - timedelta(minutes=1)))
    said = {"matching": "1", "q": "name:seen", "name": "From traffic", "expected": "own"}
    answer = editor.post(at("add-to-dataset", project), said, headers=HTMX)
    address = answer["HX-Redirect"]
    assert "Waiting" in editor.get(address).content.decode()
    importing.run(DatasetImport.objects.get().pk)
    assert [item.inputs for item in items_of(Dataset.objects.get())] == [{"n": 1}, {"n": 2}]
    assert editor.get(f"{address}progress").status_code == 286
    assert (
        editor.post(at("add-to-dataset", project), {"matching": "1", "name": "x", "expected": "own"}).status_code == 422
    )


def test_outsiders_things_are_not_found(editor, project, dataset):
    other = create_dataset(factories.project(), "eve", name="Support")
    put_items(other, "eve", [(1, read_draft({"id": "secret", "inputs": {"n": 1}}))], "x")
    row = items_of(other).get()
    assert editor.get(at("item", project, "support", row.pk)).status_code == 404
    assert editor.post(at("item-delete", project, "support", row.pk)).status_code == 404
    record = factories.record(other.project, {"q": 1}, "x")
    editor.post(at("add-to-dataset", project), {"dataset": dataset.pk, "expected": "own", "ids": [record.id]})
    assert str(record.id) not in cases(dataset)
