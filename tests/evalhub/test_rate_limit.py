"""A key may ask so often a minute, whoever of the web processes answers; then it is told when to come back."""

import pytest
import redis
from django.conf import settings as django_settings

from evalhub import ratelimit
from tests import factories
from tests.records.api.calls import call, key


@pytest.fixture(autouse=True)
def three_a_minute(settings, monkeypatch):
    settings.REQUESTS_PER_MINUTE = 3
    monkeypatch.setattr(ratelimit, "time", lambda: 6_000_015.0)  # 45 s before a minute's end
    monkeypatch.setattr(ratelimit, "_unavailable_until", 0.0)
    with redis.Redis.from_url(django_settings.REDIS_URL) as client:
        client.flushdb()
        yield
        client.flushdb()


def test_a_key_that_asks_too_often_is_told_when_to_ask_again(project, monkeypatch):
    k = key(project)
    assert [call(k, "GET", "/metrics").status for _ in range(4)] == [200, 200, 200, 429]
    refused = call(k, "GET", "/metrics")
    assert (refused.error["code"], refused.headers["Retry-After"]) == ("too_often", "45")
    assert call(key(project), "GET", "/metrics").status == 200, "each key for itself"
    monkeypatch.setattr(ratelimit, "time", lambda: 6_000_060.0)
    assert call(k, "GET", "/metrics").status == 200, "a new minute"


def test_exporters_are_limited_too_and_know_when_to_send_again(project, client):
    headers = {"authorization": f"Bearer {key(project)}"}
    sent = [client.post("/v1/traces", "{}", content_type="application/json", headers=headers) for _ in range(4)]
    assert [answer.status_code for answer in sent] == [200, 200, 200, 429]
    assert sent[-1]["Retry-After"] == "45" and sent[-1].json()["code"] == 8


def test_without_a_valid_key_nothing_is_counted(project):
    assert [call("ehk_aaaaaaaa_" + "b" * 32, "GET", "/metrics").status for _ in range(5)] == [401] * 5


def test_zero_is_no_limit(project, settings):
    settings.REQUESTS_PER_MINUTE = 0
    k = key(project)
    assert {call(k, "GET", "/metrics").status for _ in range(5)} == {200}


def test_where_redis_is_away_nobody_is_held_up(settings, tmp_path, db, caplog):
    settings.REDIS_URL = f"unix://{tmp_path}/none.sock"
    k = key(factories.project())
    assert {call(k, "GET", "/metrics").status for _ in range(5)} == {200}
    assert caplog.text.count("not limited") == 1, "and the next requests do not wait for it either"
