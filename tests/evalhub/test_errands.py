"""What pages leave to a worker and ask for again: a trial, an estimate; for whoever asked, and nobody else."""

import re

import django_rq
import pytest
import redis
from django.conf import settings as django_settings
from django.urls import reverse
from rq import SimpleWorker

from evalhub import errands
from evalhub.models import Role
from records.models import ValueType
from scoring.views import rescore
from tests import factories
from tests.scoring.admin.forms import code as code_form
from tests.scoring.admin.forms import staff
from tests.scoring.running import exact, sent

pytestmark = pytest.mark.django_db
TRY = "/admin/scoring/evaluator/try/"
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def workers(monkeypatch):
    """As many as the list holds are said to be there; Redis is empty before and after."""
    there = [1]
    monkeypatch.setattr(errands, "workers_of", lambda queue: sum(there))
    with redis.Redis.from_url(django_settings.REDIS_URL) as client:
        client.flushdb()
        yield there
        client.flushdb()


@pytest.fixture
def left(django_capture_on_commit_callbacks):
    """`with left():` what is left to a worker within it is in the queue afterwards."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def work() -> None:
    queue = django_rq.get_queue(errands.QUEUE)
    SimpleWorker([queue], connection=queue.connection).work(burst=True, logging_level="ERROR")


def test_what_came_of_it_is_for_whoever_asked(left):
    ina, ben = factories.user("ina"), factories.user("ben")
    with left():
        id = errands.begin("builtins.sum", ina, [1, 2])
    assert errands.outcome(id, ina) == errands.Outcome(False)
    work()
    assert errands.outcome(id, ina) == errands.Outcome(True, 3)
    for other in (errands.outcome(id, ben), errands.outcome("errand-nobody", ina), errands.outcome("score-1-x", ina)):
        assert other.value is None and "ask again" in other.problem


def test_a_failure_is_told_without_its_cause(left):
    ina = factories.user("ina")
    with left():
        id = errands.begin("builtins.int", ina, "secret")
    work()
    found = errands.outcome(id, ina)
    assert found.done and found.value is None and found.problem == errands.FAILED


def test_without_a_worker_nothing_is_left_to_one(workers):
    workers.clear()
    assert errands.begin("builtins.sum", factories.user(), [1]) is None


def test_a_trial_runs_on_a_worker_while_its_fragment_asks(client, project, left):
    client.force_login(staff(project))
    metric = factories.metric(project, "brief", ValueType.BOOLEAN)
    record = factories.record(project, "q", "a good deal longer")
    with left():
        page = client.post(TRY, code_form(project, metric) | {"try-records": "5", "try-q": ""}, headers=HTMX)
    (address,) = re.findall(r'hx-get="(/admin/scoring/evaluator/tried/errand-\w+/?)"', page.content.decode())
    assert client.get(address).status_code == 204
    work()
    html = client.get(address).content.decode()
    assert "a good deal longer" in html and "fails" in html and "hx-get" not in html
    assert reverse("records:detail", args=[project.slug, record.id]) in html
    client.force_login(staff(project))
    assert "ask again" in client.get(address).content.decode()


def test_values_typed_in_go_along_and_what_cannot_be_saved_is_said_at_once(client, project, left):
    client.force_login(staff(project))
    metric = factories.metric(project, "brief", ValueType.BOOLEAN)
    sent_ = code_form(project, metric, builtin="exact_match") | {
        "try-records": "5", "try-q": "", "try-output": "same", "try-expected": "same",
    }  # fmt: skip
    with left():
        page = client.post(TRY, sent_, headers=HTMX).content.decode()
    work()
    (address,) = re.findall(r'hx-get="([^"]+tried/[^"]+)"', page)
    assert "passes" in client.get(address).content.decode()
    wrong = client.post(TRY, sent_ | {"builtin": "", "eval_code_snippet": "x = 1"}, headers=HTMX)
    assert "needs a function" in wrong.content.decode() and b"tried/" not in wrong.content


def test_an_estimate_that_a_moment_is_too_short_for_is_counted_on_by_a_worker(client, project, left, monkeypatch):
    client.force_login(factories.member(project, Role.REVIEWER))
    sent(project, 6)
    exact(project)
    monkeypatch.setattr(rescore, "MOMENT", -1)
    monkeypatch.setattr("scoring.runs.estimate._count_the_rest", lambda *args: None)
    with left():
        page = client.post(
            reverse("scoring:rescore-estimate", args=[project.slug]),
            {"matching": "1", "q": "", "mode": "all", "evaluator": "exact"},
            headers=HTMX,
        ).content.decode()
    assert "≥ 6" in page and "goes on counting" in page
    (address,) = re.findall(r'hx-get="([^"]+)"', page)
    assert client.get(address).status_code == 204
    work()
    done = client.get(address).content.decode()
    assert ">6<" in done and "≥" not in done and "hx-get" not in done


def test_without_a_worker_an_estimate_says_at_least(client, project, monkeypatch, workers):
    workers.clear()
    client.force_login(factories.member(project, Role.REVIEWER))
    sent(project, 4)
    exact(project)
    monkeypatch.setattr(rescore, "MOMENT", -1)
    monkeypatch.setattr("scoring.runs.estimate._count_the_rest", lambda *args: None)
    address = reverse("scoring:rescore-estimate", args=[project.slug])
    page = client.post(address, {"matching": "1", "q": "", "mode": "all", "evaluator": "exact"}).content.decode()
    assert "≥ 4" in page and "hx-get" not in page
