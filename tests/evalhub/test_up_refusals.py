"""Why `up` refuses to start: one sentence for the person at the terminal, exit code 1, and nothing left running."""

import os
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest
from django.core.management import call_command

from evalhub.embedded import programs
from evalhub.management.commands import up
from tests.evalhub.running import free_port

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs a second user")


@pytest.fixture
def home(settings, monkeypatch):
    """A data folder that the servers' user can reach, and the signals as they were."""
    with tempfile.TemporaryDirectory(prefix="eh-up-") as folder:
        settings.DATA_DIR = Path(folder)
        before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
        yield settings.DATA_DIR
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.fixture
def refusal(capsys):
    def refusal(**options: object) -> str:
        with pytest.raises(SystemExit) as ended:
            call_command("up", **{"port": free_port(), "no_demo": True} | options)
        assert ended.value.code == 1
        said = capsys.readouterr().err.strip()
        assert len(said.splitlines()) == 1
        return said

    return refusal


def running_on(home: Path) -> list[str]:
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(home) in line]


def test_a_taken_port(home, refusal):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refusal(port=port)
    assert said == f"Port {port} of 127.0.0.1 cannot be used (Address already in use): choose another with --port."
    assert not (home / "pg").exists()


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70_000), ("no.such.host.invalid", 0), ("203.0.113.1", 0)])
def test_an_address_that_cannot_be(home, refusal, host, port):
    assert refusal(host=host, port=port).endswith("choose another with --port.")


@pytest.mark.parametrize(
    ("version", "advice"), [("19", "update EvalHub"), ("16", "move its data with a dump"), ("", "move its data")]
)
def test_another_postgresql_s_data(home, refusal, version, advice):
    (home / "pg").mkdir()
    (home / "pg/PG_VERSION").write_text(f"{version}\n")
    said = refusal()
    assert said.startswith(f"{home}/pg was written by PostgreSQL {version}, this EvalHub brings 18: {advice}")
    assert not running_on(home)


def test_a_folder_that_is_no_database(home, refusal):
    (home / "pg").mkdir()
    assert refusal() == f"{home}/pg is not a PostgreSQL database: name another data folder with --data."


@as_root
def test_somebody_elses_data_folder(home, refusal):
    os.chown(home, 65534, 65534)
    said = refusal()
    assert said.startswith(f"The data folder {home} belongs to nobody: start EvalHub as that user, or name another")


@as_root
def test_a_data_folder_that_the_servers_user_cannot_reach(home, refusal, settings):
    (home / "closed").mkdir(mode=0o700)
    settings.DATA_DIR = home / "closed/data"
    assert "PostgreSQL runs as daemon, who cannot reach" in refusal()


def test_a_data_folder_that_is_a_file(home, refusal, settings):
    settings.DATA_DIR = home / "file"
    settings.DATA_DIR.touch()
    assert "cannot be used (File exists)" in refusal()


def test_no_redis_anywhere(home, refusal, monkeypatch):
    monkeypatch.setattr(programs.shutil, "which", lambda name: None)
    monkeypatch.setattr(programs, "find_spec", lambda name: None)
    assert refusal().startswith("No Redis was found: install redis-server or valkey-server")


def test_no_worker(home, refusal):
    assert "--workers must be at least 1" in refusal(workers=0)


def test_a_given_redis_that_does_not_answer(home, refusal, settings, monkeypatch):
    """With both servers given nothing is started; the password of the URL is not repeated."""
    settings.TRIAL = False
    settings.REDIS_URL = "redis://:hush@127.0.0.1:1/0"
    monkeypatch.setenv("REDIS_URL", settings.REDIS_URL)
    said = refusal()
    assert said.startswith("The Redis of REDIS_URL does not answer: ") and "hush" not in said


def test_listening_everywhere_this_machine_is_reached_by_its_names_alone(settings):
    names = up._environment("http://localhost:8000", up.ANYWHERE[0])["ALLOWED_HOSTS"].split(",")
    assert socket.gethostname() in names
    assert "*" not in names


def test_of_several_workers_the_first_scores_online_alone_and_the_last_takes_bulk_jobs_first():
    assert up._queues(1, 1) == ("online", "plan", "bulk", "default")
    assert [up._queues(number, 2) for number in (1, 2)] == [("online",), ("plan", "bulk", "default", "online")]
    assert [up._queues(number, 3)[0] for number in (1, 2, 3)] == ["online", "plan", "bulk"]
