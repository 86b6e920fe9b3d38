"""Guessing passwords is slow, at every door, and shuts nobody out for long."""

import pytest
import redis
from django.test import override_settings

from evalhub import throttle
from evalhub.models import AuditEvent
from tests import factories


@pytest.fixture(autouse=True)
def queue(settings):
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
        yield client
        client.flushdb()


def tried(client, name: str, password: str, **more: object):
    return client.post("/sign-in", {"username": name, "password": password}, **more)


def test_after_five_wrong_passwords_even_the_right_one_waits(client, db, queue):
    user = factories.user("ann")
    for _ in range(5):
        assert tried(client, "Ann" if _ else "ann", "wrong").status_code in (422, 429)
    waiting = tried(client, "ann", "secret")
    assert waiting.status_code == 429 and 0 < int(waiting["Retry-After"]) <= throttle.LAST
    assert "Too many attempts. Try again in 15 minutes." in waiting.content.decode()
    assert "sessionid" not in client.cookies
    # Another address may, and another name from this one; so may she when the time is over.
    assert tried(client, user.username, "secret", REMOTE_ADDR="10.0.0.2").status_code == 302
    client.logout()
    factories.user("bob")
    assert tried(client, "bob", "secret").status_code == 302
    client.logout()
    (line,) = AuditEvent.objects.filter(action="signin.slowed")
    assert (line.actor, line.target, line.detail) == ("ann", "127.0.0.1", {"by": "pair", "failures": 5})
    for key in queue.scan_iter("evalhub:signin:*"):
        queue.delete(key)
    assert tried(client, "ann", "secret").status_code == 302


def test_a_right_password_forgets_the_wrong_ones_before_it(client, db):
    factories.user("ann")
    for _ in range(3):
        for _ in range(4):
            tried(client, "ann", "wrong")
        assert tried(client, "ann", "secret").status_code == 302
        client.logout()


def test_the_administration_has_no_door_of_its_own(client, db):
    assert client.get("/admin/", follow=True).redirect_chain[-1] == ("/sign-in?next=%2Fadmin%2F", 302)
    assert client.post("/admin/login/", {"username": "root", "password": "secret"}).status_code == 405
    client.force_login(factories.user())
    assert client.get("/admin/", follow=True).status_code == 403


def test_one_address_cannot_try_many_names(client, db, monkeypatch):
    monkeypatch.setitem(throttle.MOST, "address", 3)
    for n in range(3):
        tried(client, f"nobody{n}", "wrong")
    factories.user("ann")
    assert tried(client, "ann", "secret").status_code == 429
    assert AuditEvent.objects.get(action="signin.slowed").actor == "somebody unknown"


def test_behind_a_proxy_the_address_is_what_the_proxy_says_last(rf):
    request = rf.get("/", headers={"X-Forwarded-For": "1.2.3.4, 203.0.113.7"})
    assert throttle.address_of(request) == "127.0.0.1"
    with override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")):
        assert throttle.address_of(request) == "203.0.113.7"


def test_without_redis_one_may_sign_in(client, db):
    factories.user("ann")
    with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
        assert tried(client, "ann", "wrong").status_code == 422
        assert tried(client, "ann", "secret").status_code == 302


@pytest.mark.parametrize("password", ["short-pw1", "1234567890123", "password123", "ann-smith-1"])
def test_weak_passwords_are_refused(client, db, password):
    user = factories.user("ann-smith")
    client.force_login(user)
    sent = {"old_password": "secret", "new_password1": password, "new_password2": password}
    assert client.post("/profile/password", sent).status_code == 422
