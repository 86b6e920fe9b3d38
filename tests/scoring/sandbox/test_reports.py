"""Where people read whether code evaluators run: /readyz, and the page that says why not."""

import pytest
import redis
from django.core.management import call_command
from django.test import override_settings
from django.urls import reverse

from scoring.sandbox import SandboxReport, reports
from scoring.sandbox.selftest import SelfTest, off
from tests import factories


@pytest.fixture
def queue(settings):
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
        yield client
        client.flushdb()


def tell(queue, report: SandboxReport) -> None:
    queue.set(f"{reports.KEY}{report.machine}", report.to_json())


WELL = SandboxReport(
    "CPython", True, [], [SelfTest("Opening a file", "is refused", "PermissionError", True)], {}, "alpha"
)
OFF = SandboxReport("CPython", False, ["A wall has a <hole>."], [], {}, "beta")


def page(client) -> str:
    client.force_login(factories.user())
    return client.get(reverse("scoring:sandbox")).content.decode()


def test_the_sweeper_tells_what_its_machine_proved(client, db, queue):
    call_command("sweep", "--once")
    (report,) = reports.told()
    assert report.active and 0 < queue.ttl(f"{reports.KEY}{report.machine}") <= 2 * reports.EVERY
    assert client.get("/readyz").json()["sandbox"] == "ok"
    html = page(client)
    assert report.machine in html and "An endless loop" in html and html.count("passed") == len(report.tests)


def test_one_machine_without_a_sandbox_is_a_warning_and_the_page_says_why(client, db, queue):
    tell(queue, WELL)
    tell(queue, OFF)
    answer = client.get("/readyz")
    assert answer.status_code == 200 and answer.json()["sandbox"] == "off"
    assert "Code evaluators are off on 1 of 2 machines; the page /sandbox says why." in answer.json()["warnings"]
    assert "beta" not in answer.content.decode(), "it is read without signing in"
    html = page(client)
    assert "A wall has a &lt;hole&gt;." in html and html.index("alpha") < html.index("beta")


def test_before_a_sweeper_ran_nothing_is_claimed(client, db, queue):
    assert client.get("/readyz").json()["sandbox"] == "unknown"
    assert "No machine has tried its sandbox yet" in page(client)


def test_without_redis_the_page_says_so(client, db, tmp_path):
    with override_settings(REDIS_URL=f"unix://{tmp_path}/none.sock"):
        assert reports.health() == ("unknown", [])
        assert "Redis does not answer" in page(client)
        assert reports.test_and_tell().active, "a test that cannot be told is no failure"


def test_a_machine_that_cannot_start_it_says_so():
    report = off("it needs Linux, and this is Darwin")
    assert not report.active and report.reasons == ["The sandbox does not start: it needs Linux, and this is Darwin."]
