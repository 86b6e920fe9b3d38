"""Two web servers, three workers and two sweepers, each a process of its own, over one PostgreSQL and one Redis."""

import http.cookiejar
import json
import os
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from dataclasses import dataclass
from time import time
from typing import Any
from urllib.parse import quote, urlencode

import psycopg
import pytest
import redis
import yaml
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection

from evalhub import apikeys, ratelimit
from evalhub.models import Role, Scope
from evalhub.supervisor import Child
from records.models import Outbox, Record, Score, ScoreStatus
from tests import factories
from tests.evalhub.running import clean_environment, free_port, wait_until
from tests.records.recount import recount
from tests.scoring.rules.online import rule
from tests.scoring.running import exact

pytestmark = pytest.mark.django_db  # reads what the processes have committed; what they are to see the fixture makes
QUEUES = (("online",), ("plan", "bulk", "default", "online"), ("bulk", "default", "plan", "online"))


@dataclass
class Several:
    ports: list[int]
    environment: dict[str, str]
    project: Any
    rule: Any
    key: Any
    secret: str

    def post(self, port: int, records: list[dict]) -> dict:
        headers = {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"}
        address = f"http://127.0.0.1:{port}/api/v1/records"
        request = urllib.request.Request(address, json.dumps(records).encode(), headers)  # noqa: S310
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
            return json.load(answer)


def manage(*words: object) -> list[object]:
    return [sys.executable, settings.BASE_DIR / "manage.py", *words]


def web(port: int) -> list[object]:
    return [
        sys.executable, "-m", "granian", "evalhub.wsgi:application", "--interface", "wsgi", "--no-ws", "--host",
        "127.0.0.1", "--port", port, "--workers", 1, "--blocking-threads", 2, "--log-level", "warning",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def several(django_db_setup, django_db_blocker):
    """On a copy of the test database, in which they see what is committed."""
    place, before = connection.settings_dict, connection.settings_dict["NAME"]
    folder, copy = os.environ["EVALHUB_TEST_SOCKETS"], f"{before}_several"
    number = 16 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    with django_db_blocker.unblock():
        connection.close()
        with psycopg.connect(host=folder, user="evalhub", dbname="postgres", autocommit=True) as db:
            db.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{before}"')
        place["NAME"] = copy
        ports = [free_port(), free_port()]
        environment = clean_environment(
            DATABASE_URL=f"postgresql://evalhub@/{copy}?host={quote(folder, safe='')}",
            REDIS_URL=f"unix://{folder}/redis.sock?db={number}",
            SECRET_KEY=settings.SECRET_KEY, EVALHUB_URL="http://127.0.0.1", DJANGO_SETTINGS_MODULE="evalhub.settings",
            EVALHUB_DEBUG="true",  # static files need not be collected
        )  # fmt: skip
        commands = [web(port) for port in ports]
        commands += [manage("rqworker", *names, "--worker-ttl", 60, "-v", 0, "--skip-checks") for names in QUEUES]
        children = [
            Child(f"process {n}", command, {"cwd": settings.BASE_DIR, "env": environment})
            for n, command in enumerate(commands)
        ]
        try:
            for child in children:
                child.start()
            project = factories.project("shared")
            person = factories.member(project, Role.ADMIN, "ina")
            person.password = PBKDF2PasswordHasher().encode("secret", "salt", iterations=1)  # not the tests' hasher
            person.save()
            made = rule(project, "Every", [exact(project)])
            key, secret = apikeys.create(project, "load", [Scope.INGEST])
            for port in ports:
                wait_until(lambda port=port: _answers(port), "the web servers answer")
            yield Several(ports, environment, project, made, key, secret)
        finally:
            for child in children:
                child.ask_to_stop()
            for child in children:
                child.wait()
            connection.close()
            place["NAME"] = before
            with psycopg.connect(host=folder, user="evalhub", dbname="postgres", autocommit=True) as db:
                db.execute(f'DROP DATABASE "{copy}" WITH (FORCE)')
            with redis.Redis.from_url(environment["REDIS_URL"]) as client:
                client.flushdb()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:  # noqa: S310
            return answer.status == 200
    except OSError:
        return False


def at_once(*calls) -> list:
    """What each returns, called at the same time."""
    found: dict[int, Any] = {}
    threads = [
        threading.Thread(target=lambda n=n, call=call: found.update({n: call()})) for n, call in enumerate(calls)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[n] for n in range(len(calls))]


def test_the_same_batches_through_both_web_servers_are_stored_and_scored_once(several):
    batches = [[{"id": f"{b}-{n}", "outputs": "1"} for n in range(20)] for b in range(6)]
    sent = [lambda port=port, batch=batch: several.post(port, batch) for batch in batches for port in several.ports]
    answers = at_once(*sent)
    for one, other in zip(answers[::2], answers[1::2], strict=True):
        assert [a["id"] for a in one["accepted"]] == [a["id"] for a in other["accepted"]]
    assert sum(answer["created"] for answer in answers) == Record.objects.count() == 120

    scores = Score.objects.filter(project=several.project)
    wait_until(lambda: scores.filter(status=ScoreStatus.COMPLETED).count() == 120, "the workers score them")
    assert not Outbox.objects.exists()
    assert scores.count() == scores.values("record_id").distinct().count() == 120
    assert not any(recount(several.project.id).values())


def test_a_keys_requests_are_counted_over_both(several):
    with redis.Redis.from_url(several.environment["REDIS_URL"]) as client:
        window = int(time() // ratelimit.WINDOW)
        for minute in range(window, window + 10):  # whenever they come
            client.set(f"evalhub:rate:{several.key.pk}:{minute}", settings.REQUESTS_PER_MINUTE - 1)
        several.post(several.ports[0], [{"id": "0-0", "outputs": "1"}])
        with pytest.raises(urllib.error.HTTPError) as refused:
            for _ in range(2):  # the second, where a new minute began in between
                several.post(several.ports[1], [{"id": "0-0", "outputs": "1"}])
        assert refused.value.code == 429
        client.delete(*client.keys(f"evalhub:rate:{several.key.pk}:*"))


def test_who_signs_in_at_one_is_known_to_the_other_and_may_send_the_ones_forms_there(several):
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    first, second = (f"http://127.0.0.1:{port}" for port in several.ports)

    def get(address: str) -> str:
        with browser.open(address, timeout=120) as answer:
            return answer.read().decode()

    def token(page: str) -> str:
        return re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]

    sent = {"username": "ina", "password": "secret", "csrfmiddlewaretoken": token(get(f"{first}/sign-in"))}
    with browser.open(f"{second}/sign-in", urlencode(sent).encode(), timeout=120) as answer:
        assert answer.url == f"{second}/"
    assert "ina" in get(f"{first}/profile")

    page = get(f"{first}/p/shared/records/")
    news = re.search(r'hx-get="(/p/shared/records/news[^"]*)"', page)[1].replace("&amp;", "&")
    several.post(several.ports[1], [{"id": "late", "outputs": "1"}])
    assert "1 new" in get(first + news), "what came to one is news at the other"


def test_of_two_sweepers_at_the_same_time_both_end_well(several):
    def sweep() -> subprocess.CompletedProcess:
        return subprocess.run(manage("sweep", "--once"), env=several.environment, capture_output=True, text=True)

    ended = at_once(sweep, sweep)
    assert [done.returncode for done in ended] == [0, 0], [done.stderr for done in ended]
    assert not any("Traceback" in done.stderr for done in ended), [done.stderr for done in ended]
    assert not any(recount(several.project.id).values())


def test_the_health_check_of_the_compose_file_finds_the_web_server(several):
    services = yaml.safe_load((settings.BASE_DIR / "evalhub/deploy/compose.yaml").read_text())["services"]
    _, _, option, script = services["web"]["healthcheck"]["test"]
    for port, code in ((several.ports[0], 0), (free_port(), 1)):
        there = script.replace("8000", str(port))
        done = subprocess.run([sys.executable, option, there], env=several.environment, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
