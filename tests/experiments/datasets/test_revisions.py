"""Every change of a dataset is a revision, and each one can be listed for ever as it was."""

import orjson
import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from evalhub.models import AuditEvent
from experiments.datasets import exporting, revisions
from experiments.datasets.drafts import read_draft
from experiments.datasets.listing import ItemFilter, count, items_of, page
from experiments.datasets.making import breaking, change_dataset, create_dataset
from experiments.datasets.revisions import DatasetFull, Refused, put_items, remove_items, restore_revision
from experiments.models import DatasetItem

SCHEMA = {"type": "object", "required": ["q"], "properties": {"q": {"type": "string"}}}


@pytest.fixture
def dataset(project):
    return create_dataset(project, "ada", name="Support questions")


def put(dataset, *items, **options):
    rows = [(number, read_draft(item)) for number, item in enumerate(items, 1)]
    return put_items(dataset, "ada", rows, "by a test", **options)


def listed(dataset, revision=None):
    return [(item.case_id, item.inputs, item.expected) for item in items_of(dataset, revision)]


def test_a_new_dataset_is_empty_and_its_slug_is_made_of_its_name(dataset):
    assert (dataset.slug, dataset.revision, dataset.size) == ("support-questions", 0, 0)
    assert listed(dataset) == []


def test_an_old_revision_is_listed_as_it_was(dataset):
    put(dataset, {"id": "a", "inputs": {"q": "1"}}, {"id": "b", "inputs": {"q": "2"}, "split": "test", "tags": ["x"]})
    put(dataset, {"id": "a", "expected": "yes"}, {"id": "c", "inputs": {"q": "3"}})
    change = remove_items(dataset, "bob", ["b", "nobody"], "Deleted b")

    assert change.removed == 1 and dataset.revision == 3 and dataset.size == 2
    assert listed(dataset, 1) == [("a", {"q": "1"}, None), ("b", {"q": "2"}, None)]
    assert listed(dataset, 2) == [("a", {"q": "1"}, "yes"), ("b", {"q": "2"}, None), ("c", {"q": "3"}, None)]
    assert listed(dataset) == [("a", {"q": "1"}, "yes"), ("c", {"q": "3"}, None)]
    told = list(dataset.revisions.values_list("number", "added", "changed", "removed", "size", "splits", "tags"))
    assert told == [
        (3, 0, 0, 1, 2, {"": 2}, {}),
        (2, 1, 1, 0, 3, {"": 2, "test": 1}, {"x": 1}),
        (1, 2, 0, 0, 2, {"": 1, "test": 1}, {"x": 1}),
    ]
    assert AuditEvent.objects.filter(action="dataset.revise").count() == 3


def test_an_export_goes_on_in_the_revision_in_which_it_began(dataset, monkeypatch):
    monkeypatch.setattr(exporting, "BATCH", 1)
    put(dataset, {"id": "a", "inputs": {"n": 1}}, {"id": "b", "inputs": {"n": 2}}, {"id": "c", "inputs": {"n": 3}})
    lines = exporting.jsonl(items_of(dataset, dataset.revision))
    sent = [next(lines)]
    put(dataset, {"id": "b", "expected": "changed"})
    remove_items(dataset, "bob", ["c"], "Deleted c")
    items = [orjson.loads(line) for line in [*sent, *lines]]
    assert [(item["id"], item["expected"]) for item in items] == [("a", None), ("b", None), ("c", None)]


def test_what_says_the_same_makes_no_revision(dataset):
    put(dataset, {"id": "a", "inputs": {"n": 1}})
    change = put(dataset, {"id": "a", "inputs": {"n": 1}})
    assert (change.same, change.revision, dataset.revision) == (1, None, 1)
    assert put(dataset, {"id": "a", "inputs": {"n": True}}).changed == 1  # true is not 1


def test_a_case_with_a_number_past_64_bits_can_be_changed(dataset):
    put(dataset, {"id": "a", "inputs": {"n": 1e30}, "metadata": {"n": 1e30}})
    assert put(dataset, {"id": "a", "expected": "yes"}).changed == 1
    put(dataset, {"id": "a", "inputs": {"n": 2}})
    restore_revision(dataset, "bob", 2)
    assert listed(dataset) == [("a", {"n": 10**30}, "yes")]


def test_a_case_twice_in_one_change_is_as_the_last_row_says(dataset, monkeypatch):
    monkeypatch.setattr(revisions, "BATCH", 2)
    twice = [{"id": "a", "inputs": {"n": n}, "tags": [str(n)]} for n in range(5)]
    put(dataset, *twice)
    assert listed(dataset) == [("a", {"n": 4}, None)] and dataset.size == 1
    assert dataset.revisions.get().tags == {"4": 1}
    put(dataset, *[item | {"expected": "e"} for item in twice])
    assert listed(dataset) == [("a", {"n": 4}, "e")] and listed(dataset, 1) == [("a", {"n": 4}, None)]


def test_a_refused_row_is_told_by_its_number_and_the_others_are_taken(dataset):
    change_dataset(dataset, "ada", inputs_schema=SCHEMA)
    change = put(dataset, {"inputs": {"q": "fine"}}, {"inputs": {"q": 1}}, {"id": "x", "expected": "?"})
    assert change.added == 1 and len(change.taken) == 1
    assert [(number, str(problem)) for number, problem in change.refused] == [
        (2, "inputs.q: 1 is not of type 'string'"),
        (3, "inputs: Is missing: there is no item x to change, and a new one needs it."),
    ]
    with pytest.raises(Refused):
        put(dataset, {"inputs": {"q": "two"}}, {"inputs": {}}, whole=True)
    assert dataset.size == items_of(dataset).count() == 1


def test_a_schema_that_items_break_says_which(dataset):
    put(dataset, {"id": "bad", "inputs": {"n": 1}}, {"id": "ok", "inputs": {"q": "x"}})
    change_dataset(dataset, "ada", inputs_schema=SCHEMA)
    broken, tried, first = breaking(dataset)
    assert (broken, tried) == (1, 2) and first.startswith("bad: 'q' is a required property")
    with pytest.raises(ValidationError, match="no JSON schema"):
        change_dataset(dataset, "ada", inputs_schema={"type": "nonsense"})


def test_an_older_revision_can_be_taken_up_again(dataset):
    put(dataset, {"id": "a", "inputs": {"n": 1}}, {"id": "b", "inputs": {"n": 2}})
    put(dataset, {"id": "a", "inputs": {"n": 9}}, {"id": "c", "inputs": {"n": 3}})
    remove_items(dataset, "ada", ["b"], "Deleted b")
    change = restore_revision(dataset, "bob", 1)
    assert listed(dataset) == listed(dataset, 1)
    assert (change.added, change.changed, change.removed, dataset.size) == (1, 1, 1, 2)
    assert listed(dataset, 3) == [("a", {"n": 9}, None), ("c", {"n": 3}, None)]


def test_a_dataset_has_bounds(dataset, monkeypatch):
    monkeypatch.setattr(revisions, "MAX_ITEMS", 2)
    with pytest.raises(DatasetFull, match="at most 2 items"):
        put(dataset, *[{"inputs": {"n": n}} for n in range(3)])
    monkeypatch.setattr(revisions, "MAX_TAGS", 1)
    with pytest.raises(DatasetFull, match="different tags"):
        put(dataset, {"inputs": {"n": 1}, "tags": ["a", "b"]})
    assert dataset.revision == 0


def test_a_text_is_looked_up_and_an_item_that_was_changed_is_found_by_what_it_says_now(dataset):
    put(dataset, {"id": "a", "inputs": {"q": "before"}}, {"id": "a", "expected": "twice in one change"})
    assert [ItemFilter(word).of(dataset, items_of(dataset)).count() for word in ("before", "twice")] == [1, 1]
    put(dataset, {"id": "a", "inputs": {"q": "afterwards"}})
    found = {word: items_of(dataset, asked=ItemFilter(word)) for word in ("before", "terw")}
    assert [items.count() for items in found.values()] == [0, 1]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")  # which three rows would be read by
    assert "dataset_item_grams" in ItemFilter("terw").of(dataset, DatasetItem.objects.all()).explain()


def test_items_are_searched_by_text_split_and_tag_and_paged(dataset):
    put(dataset, *[{"id": f"c{n}", "inputs": {"q": f"Order {n}"}, "split": "test" if n % 2 else ""} for n in range(5)])
    put(dataset, {"id": "c3", "expected": "100%_Sure", "tags": ["hard"]})

    def ids(**asked):
        return [item.case_id for item in items_of(dataset, asked=ItemFilter(**asked))]

    assert ids(text="ORDER 3") == ids(text="100%_s") == ids(tag="hard") == ids(text="c3") == ["c3"]
    assert ids(text="order%") == [] and ids(split="test") == ["c1", "c3"]
    assert ids(text="rde") == ids(text="r") == [f"c{n}" for n in range(5)] and ids(text="der 4") == ["c4"]
    first, after = page(items_of(dataset), "", 2)
    rest, end = page(items_of(dataset), after, 3)
    assert [item.case_id for item in [*first, *rest]] == ["c0", "c1", "c2", "c3", "c4"] and end == ""
    assert count(items_of(dataset, asked=ItemFilter(split="test"))) == (2, True)
