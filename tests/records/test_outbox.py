from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from records.drafts import RecordDraft
from records.ended import ENDED, has_ended
from records.ids import uuid7
from records.ingest import ingest
from records.models import Outbox, Source
from records.outbox import expire
from tests import factories

NOW = timezone.now()


def test_only_rows_that_came_before_expire_and_only_the_projects_own(project):
    other, now = factories.project(), timezone.now()
    old = int((now - timedelta(days=8)).timestamp() * 1000)
    for owner, at in ((project, old), (project, None), (other, old)):
        Outbox.objects.create(project=owner, id=uuid7(at), ids=[])
    assert expire(project.id, now - timedelta(days=7)) == 1
    assert Outbox.objects.filter(project=project).count() == 1
    assert Outbox.objects.filter(project=other).count() == 1


def draft(key: str = "a", **fields) -> RecordDraft:
    return RecordDraft(key, Source.TRACE, NOW, started_at=NOW, **fields)


def test_what_has_ended_before_is_announced_again_only_where_inputs_or_outputs_are_others(project):
    def announced(*drafts: RecordDraft) -> tuple[list, list]:
        result = ingest(project, drafts, "ci")
        row = Outbox.objects.filter(project=project).first()
        Outbox.objects.all().delete()
        names = dict(zip(result.ids, (d.external_id for d in drafts), strict=True))
        return ([names[id] for id in row.ids], [names[id] for id in row.changed]) if row else ([], [])

    assert announced(draft(inputs=1)) == ([], []), "it still runs"
    assert announced(draft(inputs=1, outputs=2)) == ([], [])
    assert announced(draft(ended_at=NOW), draft("b")) == (["a"], [])
    assert announced(draft(ended_at=NOW), draft("b")) == ([], [])
    assert announced(draft(metadata={"late": True}, error="late")) == ([], [])
    assert announced(draft(outputs=3), draft("b", ended_at=NOW)) == (["b"], ["a"])
    assert announced(draft(outputs=3), draft("b", ended_at=NOW)) == ([], [])


@pytest.mark.parametrize(
    ("fields", "ended"),
    [
        ({"source": Source.TRACE}, False),
        ({"source": Source.TRACE, "ended_at": NOW}, True),
        ({"source": Source.TRACE, "error": "boom"}, False),
        ({"source": Source.API}, False),
        ({"source": Source.API, "error": "boom"}, True),
        ({"source": Source.API, "latency_ms": 0}, True),
    ],
)
@pytest.mark.parametrize("outputs", [None, "", 0])
def test_a_row_and_a_draft_end_alike(project, fields, ended, outputs):
    record = factories.record(project, outputs=outputs, **fields)
    ended |= fields["source"] == Source.API and outputs is not None
    assert has_ended(record, outputs) == ended
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {ENDED} FROM record r WHERE r.id = %s", [record.id])
        assert cursor.fetchone() == (ended,)
