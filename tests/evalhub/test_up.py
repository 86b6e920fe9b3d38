"""`manage.py up` as a whole: started, hurt, killed, started again. One start serves many tests, hence their order."""

import contextlib
import json
import os
import shutil
import signal
import tempfile
import threading
import urllib.request
from pathlib import Path

import psycopg
import pytest

from evalhub.embedded import socket_dir
from tests.evalhub.running import Up, manage, wait_until


@pytest.fixture(scope="module")
def up(tmp_path_factory):
    # Not pytest's own folder: that one is closed to the user that runs the servers when we are root.
    home = Path(tempfile.mkdtemp(prefix="eh-up-"))
    it = Up(home, tmp_path_factory.mktemp("logs"))
    it.start()
    yield it
    if it.process.poll() is None:
        it.stop()
    shutil.rmtree(home)


def test_it_serves_pages_to_the_admin_whose_password_it_shows(up):
    assert up.get("/healthz") == (200, '{"status": "ok"}')
    assert up.sign_in(up.password()) == (200, f"{up.url}/")
    status, page = up.get("/")
    assert status == 200 and "/static/" in page


def test_it_runs_workers_and_a_sweeper(up):
    def all_there() -> bool:
        answer = json.loads(up.get("/readyz")[1])
        return answer["workers"] == 2 and answer["sweeper_age"] is not None and not answer["warnings"]

    wait_until(all_there, "the workers and the sweeper report")


def test_its_data_are_for_its_own_user_alone(up):
    assert (up.home / "secret_key").stat().st_mode & 0o777 == 0o600
    assert (up.home / "run").stat().st_mode & 0o777 == 0o700
    assert (up.home / "pg").stat().st_mode & 0o777 == 0o700


def test_other_commands_find_it_by_the_data_folder(up):
    words = (
        "from django.core.management import call_command; call_command('create_project', 'bakery'); "
        "call_command('create_api_key', '--project', 'bakery', '--name', 'loader')"
    )
    made = manage("shell", "--no-imports", "-c", words, EVALHUB_DATA=str(up.home))
    assert made.returncode == 0, made.stderr
    up.key = made.stdout.split()[-1]
    assert up.key.startswith("ehk_")


def test_a_killed_web_server_comes_back_and_nothing_acknowledged_is_lost(up):
    """The web server is killed while two clients post; every record that was acknowledged is in the database."""
    acknowledged: set[str] = set()
    enough, done = threading.Event(), threading.Event()

    def client(name: str) -> None:
        for number in range(100_000):
            if done.is_set():
                return
            records = [{"id": f"{name}-{number}-{i}", "input": "x", "output": "y"} for i in range(20)]
            request = urllib.request.Request(  # noqa: S310
                f"{up.url}/api/v1/records",
                json.dumps(records).encode(),
                {"Authorization": f"Bearer {up.key}", "Content-Type": "application/json"},
            )
            with contextlib.suppress(OSError, urllib.error.HTTPError):
                with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
                    taken = json.load(answer)["accepted"]
                acknowledged.update(record["external_id"] for record in taken)
                if len(acknowledged) >= 200:
                    enough.set()

    clients = [threading.Thread(target=client, args=(name,)) for name in ("a", "b")]
    for one in clients:
        one.start()
    assert enough.wait(120), "nothing was accepted"
    before = len(acknowledged)
    old = up.children()["Web server"]
    os.kill(old, signal.SIGKILL)
    wait_until(
        lambda: len(acknowledged) > before + 200 and up.children()["Web server"] != old, "it takes records again"
    )
    done.set()
    for one in clients:
        one.join()

    with psycopg.connect(host=str(socket_dir(up.home)), user="evalhub", dbname="evalhub") as db:
        stored = {id for (id,) in db.execute("SELECT external_id FROM record")}
    assert acknowledged <= stored
    assert "Web server ended (signal 9); starting it again" in up.output()


def test_killed_servers_and_workers_come_back(up):
    old = up.children()
    for name in ("PostgreSQL", "Redis", "Worker 1", "Worker 2", "Sweeper"):
        os.kill(old[name], signal.SIGKILL)
    wait_until(lambda: all(up.children()[name] != old[name] for name in old if name != "Web server"), "all come back")
    wait_until(up.is_healthy, "the pages work again")
    assert up.get("/")[0] == 200


def test_another_one_on_the_same_folder_is_refused(up):
    second = manage("up", "--data", up.home, "--port", "1")
    assert second.returncode == 1
    assert second.stderr.strip() == (
        f"Another EvalHub runs on {up.home}: stop it first, or name another folder with --data."
    )


def test_after_kill_9_of_everything_it_starts_again_where_it_was(up):
    victims = [up.process.pid, *up.processes()]
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    up.process.wait()
    up.start()
    assert up.password() is None
    assert "Preparing" not in up.output() and "Collecting" not in up.output()
    assert up.get("/profile")[0] == 200, "the old session holds: the secret key is the same"
    with psycopg.connect(host=str(socket_dir(up.home)), user="evalhub", dbname="evalhub") as db:
        assert db.execute("SELECT count(*) FROM record").fetchone()[0] >= 400


def test_its_children_die_with_it(up):
    with psycopg.connect(host=str(socket_dir(up.home)), user="evalhub", dbname="evalhub") as db:
        db.execute("DELETE FROM django_migrations WHERE app = 'admin' AND name LIKE '0003%'")  # see the next test
    living = up.processes()
    assert len(living) >= 6
    up.process.kill()
    up.process.wait()
    wait_until(lambda: not up.processes(), "the children of a killed supervisor end")


def test_a_database_that_is_behind_the_code_is_brought_up_to_it(up):
    """As after restoring a backup: what an earlier start has noted does not hold for it."""
    up.start()
    assert "Preparing the database (1 steps)" in up.output()


def test_sigterm_ends_every_process_in_order(up):
    journal = up.children()
    living = up.processes()
    assert up.stop() == 0
    assert up.output().rstrip().endswith("Stopped.")
    assert not any(os.path.exists(f"/proc/{pid}") for pid in living), journal
    assert "database system is shut down" in (up.home / "postgres.log").read_text()
