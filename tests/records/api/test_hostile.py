"""Whatever is sent, the answer is a result or a refusal in the one shape: never a 500, never half a batch."""

from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from records.drafts import Sender
from records.json_drafts import NAMES, BadRecord, drafts_from_json
from records.models import Record
from records.unified import METADATA, METRICS
from tests import factories
from tests.records.api.calls import call, key

TEXT = st.text(max_size=20) | st.sampled_from(
    ["\0", "1e999", "-1", "9" * 400, "2026-01-01", "0001-01-01", "'", "%s", "🤖"]
)
LEAF = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
ANY = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6
)
SCORE = st.dictionaries(
    st.sampled_from(["metric", "numerical_value", "boolean_value", "categorical_value", "string_value", "id"]), LEAF
)
UNIFIED = st.dictionaries(st.sampled_from(sorted({*METRICS, *METADATA})), LEAF, max_size=4)
RECORD = st.recursive(
    st.dictionaries(
        st.sampled_from(sorted(NAMES)) | TEXT,
        ANY
        | st.dictionaries(st.sampled_from(sorted({*METRICS, *METADATA})), LEAF, max_size=4)
        | st.lists(SCORE, max_size=2),
        max_size=6,
    ),
    lambda inner: st.builds(lambda item, spans: item | {"spans": spans}, inner, st.lists(inner, max_size=2)),
    max_leaves=3,
)


@given(RECORD | ANY)
@settings(max_examples=150, deadline=None)
def test_any_json_is_drafts_or_named_problems(item):
    try:
        drafts = drafts_from_json(item, Sender("k", datetime(2026, 3, 1, tzinfo=UTC)))
    except BadRecord as bad:
        assert bad.problems and all(what for _, what in bad.problems)
    else:
        assert len({draft.external_id for draft in drafts}) >= 1
        assert all(draft.trace_id == drafts[0].trace_id for draft in drafts)


@pytest.mark.django_db
@given(st.lists(RECORD | ANY, min_size=1, max_size=4))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_batch_is_answered_item_by_item(items):
    project = factories.project()
    k = key(project)
    answer = call(k, "POST", "/records", items)
    if answer.status == 400:
        assert answer.error["code"] == "invalid" and answer.fields
        return
    assert answer.status == 200, answer.body
    said = [a["index"] for a in answer.body["accepted"]] + [r["index"] for r in answer.body["refused"]]
    assert sorted(said) == list(range(len(items)))
    ids = {id for a in answer.body["accepted"] for id in (a["id"], *a["spans"])}
    assert Record.objects.filter(project=project, id__in=ids).count() == len(ids)
    for accepted in answer.body["accepted"]:
        assert call(k, "GET", f"/records/{accepted['id']}").status == 200


NASTY = [
    "\0", "'", "%", "%s", "%(p)s", "../..", "{0.__class__}", "\ud83d", "\u202e", "＜", "a" * 5000,
    "1; DROP TABLE record", "0198c0de-0000-7000-8000-00000000000", "null", "[]", "🤖",
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("text", NASTY)
def test_nasty_addresses_and_queries_are_refused_or_answered(project, text):
    k, said = key(project), quote(text.encode("utf-8", "surrogatepass"), safe="")
    for method, path in (
        ("GET", f"/records/{said}"), ("PATCH", f"/records/{said}"), ("DELETE", f"/records/{said}"),
        ("GET", f"/records/{said}/scores"), ("GET", f"/scores/{said}"), ("GET", f"/metrics/{said}"),
        ("GET", f"/records?q={said}"), ("GET", f"/records?cursor={said}"), ("GET", f"/records?sort={said}"),
        ("GET", f"/records?limit={said}"), ("GET", f"/records?q=name:{said}"), ("GET", f"/records?roots={said}"),
    ):  # fmt: skip
        answer = call(k, method, path, {"tags": []} if method == "PATCH" else None)
        assert answer.status in (200, 400, 404), (method, path, answer.status)
        assert answer.status == 200 or answer.error["message"]
