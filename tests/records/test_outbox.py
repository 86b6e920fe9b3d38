from datetime import timedelta

from django.utils import timezone

from records.ids import uuid7
from records.models import Outbox
from records.outbox import expire
from tests import factories


def test_only_rows_that_came_before_expire_and_only_the_projects_own(project):
    other, now = factories.project(), timezone.now()
    old = int((now - timedelta(days=8)).timestamp() * 1000)
    for owner, at in ((project, old), (project, None), (other, old)):
        Outbox.objects.create(project=owner, id=uuid7(at), ids=[])
    assert expire(project.id, now - timedelta(days=7)) == 1
    assert Outbox.objects.filter(project=project).count() == 1
    assert Outbox.objects.filter(project=other).count() == 1
