"""Scores without an id: what is said again at once is a repeat; after something else it is news."""

import pytest
from django.utils import timezone

from records.drafts import RecordDraft, ScoreDraft
from records.ingest import ingest
from records.models import Score, Source
from tests import factories
from tests.records.recount import recount


@pytest.fixture
def send(project):
    factories.metric(project, "m")
    factories.metric(project, "n")

    def send(*values: float, metric: str = "m", sender: str = "ci", record: str = "a", **fields) -> None:
        scores = [ScoreDraft(metric, {"numerical_value": value}, **fields) for value in values]
        ingest(project, [RecordDraft(record, Source.API, timezone.now(), scores=scores)], sender)

    return send


def values(project, metric="m") -> list[float]:
    return list(
        Score.objects.filter(project=project, metric__slug=metric).order_by("id").values_list("value", flat=True)
    )


def current(project, metric="m") -> float:
    return Score.objects.get(project=project, metric__slug=metric, is_current=True).value


def test_a_value_that_comes_back_is_a_new_score_and_counts(project, send):
    for value in (1, 1, 0, 0, 1, 1, 1):
        send(value)
    assert values(project) == [1, 0, 1]
    assert current(project) == 1
    assert not any(recount(project.id).values())


def test_several_in_one_post_are_all_kept_and_the_post_may_be_repeated(project, send):
    for _ in range(3):
        send(1, 0, 1)
    assert values(project) == [1, 0, 1]
    send(0, 1)
    send(1, 0, 1)
    assert values(project) == [1, 0, 1, 0, 1, 1, 0, 1]
    send(1, 0)
    assert current(project) == 0


@pytest.mark.parametrize(
    "other", [{"sender": "ci:m"}, {"metric": "n"}, {"record": "b"}, {"sender": "c"}, {"metric": "n", "record": "b"}]
)
def test_what_others_say_of_other_things_comes_not_in_between(project, send, other):
    send(1)
    send(0, **other)
    send(1)
    assert values(project).count(1) == 1


@pytest.mark.parametrize("said", [{"reasoning": "Hm."}, {"scorer": "ann"}])
def test_another_reason_or_scorer_is_another_statement(project, send, said):
    send(1)
    send(1, **said)
    send(1, **said)
    assert values(project) == [1, 1]


def test_the_senders_own_id_alone_decides_where_there_is_one(project, send):
    for value in (1, 0, 1):
        send(value, key="s-1")
    send(0, key="s-2")
    assert values(project) == [1, 0]


def test_pieces_of_a_record_in_one_batch_say_one_thing_after_the_other(project):
    factories.metric(project, "m")
    drafts = [
        RecordDraft("a", Source.API, timezone.now(), scores=[ScoreDraft("m", {"numerical_value": value})])
        for value in (1, 0, 1)
    ]
    for _ in range(2):
        ingest(project, drafts, "ci")
    assert values(project) == [1, 0, 1]
