"""PostgreSQL is restarted in the middle of a scoring run: nothing is lost, nothing counts twice, and the run ends."""

import tempfile
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.db import DatabaseError, connection, connections

from evalhub.embedded import servers, socket_dir
from records.models import Score, ScoreStatus
from scoring.models import RunStatus
from scoring.runs import storing, working
from scoring.runs.healing import heal_runs
from scoring.runs.starting import start_run
from tests import factories
from tests.records.recount import recount
from tests.scoring.running import exact, sent, ticked
from tests.servers import FAST, copy_migrated_cluster

RECORDS = 60


@pytest.fixture
def server(django_db_blocker):
    """A PostgreSQL of this test's own, as `up` runs it: the one of the whole test run has other guests."""
    with tempfile.TemporaryDirectory(prefix="eh-restart-") as folder, django_db_blocker.unblock():
        home = Path(folder)
        servers.open_home(home)
        copy_migrated_cluster(home)
        child = servers.postgres(home, FAST)
        child.start()
        servers.wait_for_postgres(child, home)
        place = connections.settings["default"]
        before = {"HOST": place["HOST"], "NAME": place["NAME"]}
        connection.close()
        place.update(HOST=str(socket_dir(home)), NAME="evalhub")
        connection.settings_dict.update(place)
        try:

            def restart() -> None:
                child.ask_to_stop()
                child.wait()
                child.start()
                servers.wait_for_postgres(child, home)

            yield restart
        finally:
            connection.close()
            place.update(before)
            connection.settings_dict.update(before)
            child.ask_to_stop()
            child.wait()
            with redis.Redis.from_url(settings.REDIS_URL) as client:
                client.flushdb()


def test_a_restart_in_mid_run_loses_nothing_and_the_run_ends(server, monkeypatch):
    monkeypatch.setattr(working, "MOST_CLAIMED", 20)
    monkeypatch.setattr(working, "FLUSH_SIZE", 5)
    complete, calls = storing.complete, []

    def then_restart(project_id, results):
        """The third batch is written, and not yet committed."""
        stored = complete(project_id, results)
        calls.append(len(results))
        if len(calls) == 3:
            server()
        return stored

    monkeypatch.setattr(storing, "complete", then_restart)
    project = factories.project()
    run = start_run(ticked(project, sent(project, RECORDS)), [exact(project)], "anna")
    with pytest.raises(DatabaseError):
        working.take_turn(run.pk)
    connection.close()  # as the end of the job does
    run.refresh_from_db()
    pending = Score.objects.filter(project=project, status=ScoreStatus.PENDING)
    assert (run.status, run.completed, pending.count()) == (RunStatus.RUNNING, 10, RECORDS - 10)
    assert not pending.filter(lease_until__isnull=False).exists(), "given back as soon as the database answers again"

    while working.take_turn(run.pk):
        pass
    heal_runs()
    run.refresh_from_db()
    assert (run.status, run.completed, run.errored) == (RunStatus.FINISHED, RECORDS, 0)
    scores = Score.objects.filter(project=project)
    assert scores.filter(status=ScoreStatus.COMPLETED, is_current=True).count() == scores.count() == RECORDS
    assert not any(recount(project.id).values())
