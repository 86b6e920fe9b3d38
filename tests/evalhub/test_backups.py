"""Backups: what is lost comes back, and nothing is overwritten."""

import shutil
import tempfile
import zipfile
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from evalhub.backups import acts, archive, places, postgres
from evalhub.backups.archive import BackupProblem
from evalhub.backups.postgres import Database
from records.drafts import RecordDraft
from records.ingest import ingest
from records.models import Source
from tests import factories

KEY = "a secret of fifty characters"
silent = lambda words: None  # noqa: E731
# What a restored database must say as the first one does.
FACTS = (
    "SELECT md5(string_agg(r::text, '' ORDER BY id)) FROM record r",
    "SELECT md5(string_agg(p::text, '' ORDER BY record_id)) FROM payload p",
    "SELECT md5(string_agg(encode(data, 'hex'), '' ORDER BY sha256)) FROM blob",
    "SELECT string_agg(app || name, ',' ORDER BY id) FROM django_migrations",
    "SELECT string_agg(indexname, ',' ORDER BY indexname) FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT evalhub_sampled(id) FROM record ORDER BY id LIMIT 1",
)


def facts(database: Database) -> list:
    with database.connect() as db:
        return [db.execute(fact).fetchall() for fact in FACTS]


@pytest.fixture
def here(transactional_db) -> Database:
    """The tests' own database, which stands for one of somebody's, with a record in it."""
    ingest(
        factories.project("shop"), [RecordDraft("a", Source.API, timezone.now(), inputs="x" * 9000, outputs="ä")], "ci"
    )
    return Database.of(connection.get_connection_params())


@pytest.fixture
def empty(here):
    """An empty database beside it."""
    with here.connect() as db:
        db.execute("DROP DATABASE IF EXISTS restored")
        db.execute("CREATE DATABASE restored")
    params = connection.get_connection_params() | {"dbname": "restored"}
    yield Database.of(params)
    with here.connect() as db:
        db.execute("DROP DATABASE restored WITH (FORCE)")


@pytest.fixture
def home():
    """A data folder, within reach of the user that runs the servers."""
    with tempfile.TemporaryDirectory(prefix="eh-backup-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder) / "data"


def known() -> set[str]:
    from django.db.migrations.loader import MigrationLoader

    return {f"{app}.{name}" for app, name in MigrationLoader(None, ignore_no_migrations=True).disk_migrations}


def test_the_data_folder_is_lost_and_all_comes_back(here, empty, home, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    acts.back_up(first, here, home, KEY, True, silent)
    before = facts(here)
    with places.running(home, silent, make=True) as database:
        assert acts.restore(first, database, home, known(), True, silent)[1]
        assert facts(database) == before
    with places.running(home, silent) as database:  # started anew, as nothing else runs
        acts.back_up(second, database, home, KEY, True, silent)
    shutil.rmtree(home)
    with pytest.raises(BackupProblem, match="no database"), places.running(home, silent):
        pass
    with places.running(home, silent, make=True) as database:
        manifest, kept = acts.restore(second, database, home, known(), True, silent)
        assert facts(database) == before and kept
    assert (home / "secret_key").read_text() == KEY and (home / "secret_key").stat().st_mode & 0o777 == 0o600
    assert manifest.key == archive.digest_of(KEY)
    # And into a database of somebody's, whose key is in their keeping.
    assert acts.restore(second, empty, home, known(), False, silent)[1] is False
    assert facts(empty) == before


def test_nothing_is_overwritten(here, home, tmp_path):
    file = tmp_path / "backup"
    acts.back_up(file, here, home, KEY, False, silent)
    assert file.stat().st_mode & 0o777 == 0o600 and archive.SECRET not in zipfile.ZipFile(file).namelist()
    with pytest.raises(BackupProblem, match="is there already"):
        acts.back_up(file, here, home, KEY, False, silent)
    with pytest.raises(BackupProblem, match="not empty"):
        acts.restore(file, here, home, known(), False, silent)
    assert [path.name for path in tmp_path.iterdir()] == ["backup"]


def test_a_backup_of_a_newer_evalhub_is_refused_before_anything_is_changed(here, empty, home, tmp_path):
    file = tmp_path / "backup"
    acts.back_up(file, here, home, KEY, True, silent)
    with pytest.raises(BackupProblem, match="newer EvalHub"):
        acts.restore(file, empty, home, known() - {"records.0001_records_scores_and_rollups"}, True, silent)
    assert postgres.migrations_of(empty) == [] and not (home / "secret_key").exists()


def test_a_backup_cut_short_leaves_the_database_empty(here, empty, home, tmp_path):
    file = tmp_path / "backup"
    manifest = archive.Manifest("now", 18, [], "")
    whole = b"".join(postgres.dump(here, home))
    archive.write(file, manifest, [whole[: len(whole) // 2]], "")
    with pytest.raises(BackupProblem, match="pg_restore failed"):
        acts.restore(file, empty, home, known(), False, silent)
    assert postgres.migrations_of(empty) == []


def test_a_dump_that_fails_leaves_no_file(here, home, tmp_path):
    def broken():
        yield b"some"
        raise BackupProblem("pg_dump failed: the server went away")

    with pytest.raises(BackupProblem, match="went away"):
        archive.write(tmp_path / "backup", archive.Manifest("now", 18, [], ""), broken(), "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"rubbish", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_backup_is_refused(tmp_path, content):
    file = tmp_path / "backup"
    file.write_bytes(content)
    with pytest.raises(BackupProblem, match="not a whole backup"), archive.opened(file):
        pass
    with pytest.raises(BackupProblem, match="cannot be read"), archive.opened(tmp_path / "nothing"):
        pass


def test_a_password_stands_in_no_command_line():
    database = Database.of({"host": "db", "user": "eh", "password": "pass word", "dbname": "evalhub", "context": None})
    assert "pass" not in database.conninfo and database.password == "pass word"
    assert psycopg.conninfo.conninfo_to_dict(database.conninfo) == {"host": "db", "user": "eh", "dbname": "evalhub"}
