"""What cannot be stored is refused with its place (JSON), or repaired (senders who cannot be asked again)."""

import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.drafts import RecordDraft
from records.ingest import ingest
from records.limits import MAX_JSON_DEPTH
from records.models import Payload, Source
from records.sanitize import Refused, clean, repaired
from tests.records.test_ingest import T0


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "path", "said"),
    [
        ({"a": ["ok", "nul\x00"]}, "a.1", "NUL"),
        ({"a": {"b": "\ud800"}}, "a.b", "surrogate"),
        ({"a": {"key\x00": 1}}, "a", "NUL"),
        ({"a": math.nan}, "a", "NaN"),
        ([math.inf], "0", "infinity"),
        ({"a": 2**64}, "a", "64 bits"),
        ({"a": -(2**63) - 1}, "a", "64 bits"),
        ({"a": nested(MAX_JSON_DEPTH)}, "a" + ".0" * (MAX_JSON_DEPTH - 1), str(MAX_JSON_DEPTH)),
    ],
)
def test_what_cannot_be_stored_is_refused_with_its_place(value, path, said):
    with pytest.raises(Refused) as refused:
        clean(value)
    assert refused.value.path == path and said in refused.value.message


@pytest.mark.parametrize(
    "value", [2**64 - 1, -(2**63), -1.5, "\U0001f600 \ufffd", nested(MAX_JSON_DEPTH), None, True, ""]
)
def test_the_largest_that_can_be_stored_is_kept_as_it_is(project, value):
    assert clean(value) == value and repaired(value) == value
    ingest(project, [RecordDraft("a", Source.API, T0, inputs=[value])], "ci")
    assert Payload.objects.get(project=project).inputs == [value]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec=None)), inner),
)


@given(JSON)
def test_whatever_is_repaired_can_be_stored(value):
    mended = repaired(value)
    assert clean(mended) == mended
    orjson.dumps(mended)


@given(JSON)
def test_what_is_not_refused_needs_no_repair(value):
    try:
        clean(value)
    except Refused:
        return
    assert repaired(value) == value
