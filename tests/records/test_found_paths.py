from hashlib import sha256

from records.drafts import RecordDraft
from records.found_paths import LOOKED_AT, MOST_BYTES, found_paths
from records.ingest import ingest
from records.models import Source
from tests import factories
from tests.records.pages.test_record_detail import spans
from tests.records.pages.test_record_list import START


def paths(project) -> dict[str, int]:
    return {found.key: found.share for found in found_paths(project.id)}


def test_the_paths_of_values_and_metadata_are_found_with_their_share(project):
    drafts = [
        RecordDraft(
            f"r{n}", Source.API, START, inputs={"question": "?", "user": {"locale": "it"}} if n % 2 else "plain",
            outputs={"items": [1, 2]}, metadata={"two words": {"x.y": None}},
        )
        for n in range(4)
    ]  # fmt: skip
    ingest(project, drafts, "ci")
    assert paths(project) == {
        "inputs.question": 50, "inputs.user.locale": 50, "outputs.items": 100, 'metadata."two words"."x.y"': 100,
    }  # fmt: skip


def test_only_the_last_records_of_this_project_are_looked_at(project):
    ingest(factories.project(), [RecordDraft("other", Source.API, START, inputs={"other": 1})], "ci")
    drafts = [RecordDraft(f"r{n}", Source.API, START, inputs={"new": 1}) for n in range(LOOKED_AT)]
    ingest(project, [RecordDraft("old", Source.API, START.replace(year=2020), inputs={"old": 1}), *drafts], "ci")
    assert paths(project) == {"inputs.new": 100}


def test_a_long_trace_does_not_hide_the_other_records(project):
    root = RecordDraft("question", Source.API, START, inputs={"question": "?"})
    ingest(project, [root, *spans(LOOKED_AT + 1)], "ci")
    assert "inputs.question" in paths(project)


def test_deep_and_large_values_are_left_alone(project):
    deep = {"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}
    large = {f"key {n}": sha256(bytes(n)).hexdigest() for n in range(MOST_BYTES // 40)}  # which compress badly
    ingest(project, [RecordDraft("r", Source.API, START, inputs=deep, outputs=large)], "ci")
    assert paths(project) == {"inputs.a.b.c.d": 100}


def test_a_project_without_records_offers_no_path(project):
    assert paths(project) == {}
