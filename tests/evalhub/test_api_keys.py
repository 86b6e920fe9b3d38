"""API keys: shown once, kept as an HMAC, refused when revoked, expired or altered."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from evalhub import apikeys
from evalhub.models import ApiKey, AuditEvent, Role
from tests import factories

BEARER = "Bearer {}".format


def test_a_key_opens_its_project(project):
    key, plain = apikeys.create(project, "ci", ["ingest", "read"])
    found = apikeys.authenticate(BEARER(plain))
    assert found == key and found.project == project and found.scopes == ["ingest", "read"]
    assert apikeys.authenticate(f"bearer {plain}") == key


def test_nothing_in_the_row_gives_the_key_away(project):
    key, plain = apikeys.create(project, "ci", ["read"])
    secret = plain.rsplit("_", 1)[1]
    assert plain == f"ehk_{key.lookup}_{secret}" and len(secret) == 32
    assert secret not in str(vars(ApiKey.objects.get())) and len(key.digest) == 64


def test_the_digest_depends_on_the_secret_key_of_the_installation(project, settings):
    _, plain = apikeys.create(project, "ci", ["read"])
    settings.SECRET_KEY = "another"
    assert apikeys.authenticate(BEARER(plain)) is None


def test_a_key_outlives_a_change_of_the_secret_key(project, settings):
    _, plain = apikeys.create(project, "ci", ["read"])
    _, unused = apikeys.create(project, "unused", ["read"])
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", ["other", settings.SECRET_KEY]
    assert apikeys.authenticate(BEARER(plain)).name == "ci"
    settings.SECRET_KEY_FALLBACKS = []
    assert apikeys.authenticate(BEARER(plain)).name == "ci", "used since, it is known by the new secret"
    assert apikeys.authenticate(BEARER(unused)) is None


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic abc", "Bearer ehk_short_x", "Bearer \x00", "Bearer ehk_äöüäöüäö_" + "a" * 32],
)
def test_what_is_no_key_costs_no_query(db, header, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert apikeys.authenticate(header) is None


def test_an_altered_secret_is_refused(project):
    _, plain = apikeys.create(project, "ci", ["read"])
    other = "a" if plain[-1] != "a" else "b"
    assert apikeys.authenticate(BEARER(plain[:-1] + other)) is None
    assert ApiKey.objects.get().last_used_at is None


def test_a_revoked_key_is_refused_and_audited_once(project):
    key, plain = apikeys.create(project, "ci", ["read"])
    admin = factories.member(project, Role.ADMIN)
    apikeys.revoke(key, admin)
    apikeys.revoke(key, admin)
    assert apikeys.authenticate(BEARER(plain)) is None
    assert AuditEvent.objects.filter(action="key.revoke", target="ci", actor=str(admin)).count() == 1


def test_an_expired_key_is_refused(project):
    _, plain = apikeys.create(project, "old", ["read"], expires_at=timezone.now() - timedelta(seconds=1))
    assert apikeys.authenticate(BEARER(plain)) is None
    _, plain = apikeys.create(project, "new", ["read"], expires_at=timezone.now() + timedelta(hours=1))
    assert apikeys.authenticate(BEARER(plain))


def test_its_use_is_written_at_most_once_a_minute(project, django_assert_num_queries):
    _, plain = apikeys.create(project, "busy", ["ingest"])
    with django_assert_num_queries(2):
        apikeys.authenticate(BEARER(plain))
    first = ApiKey.objects.get().last_used_at
    with django_assert_num_queries(1):
        apikeys.authenticate(BEARER(plain))
    ApiKey.objects.update(last_used_at=first - timedelta(minutes=2))
    apikeys.authenticate(BEARER(plain))
    assert ApiKey.objects.get().last_used_at >= first


@pytest.mark.parametrize("scopes", [[], ["everything"], ["read", "root"]])
def test_unknown_scopes_are_refused(project, scopes):
    with pytest.raises(ValueError, match="Scopes are"):
        apikeys.create(project, "ci", scopes)
    assert not ApiKey.objects.exists()


def test_the_command_prints_the_key_alone(project, capsys):
    call_command("create_api_key", project=project.slug, name="ci", scopes="ingest, read", expires=30)
    printed = capsys.readouterr().out.strip()
    key = apikeys.authenticate(BEARER(printed))
    assert key.scopes == ["ingest", "read"] and key.expires_at > timezone.now() + timedelta(days=29)
    assert AuditEvent.objects.get(action="key.create").actor == "command line"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"project": "nowhere"}, "There is no project 'nowhere'"),
        ({"scopes": "ingest,fly"}, "not fly"),
        ({"scopes": ""}, "Scopes are"),
        ({"expires": 0}, "number of days"),
        ({"name": " "}, "1 to 80 characters"),
    ],
)
def test_the_command_says_in_a_sentence_what_is_wrong(project, capsys, change, words):
    with pytest.raises(CommandError, match=words) as refusal:
        call_command("create_api_key", **({"project": project.slug, "name": "ci", "scopes": "read"} | change))
    assert refusal.value.returncode == 1 and capsys.readouterr().out == ""
    assert not ApiKey.objects.exists()


def test_the_command_refuses_a_name_that_was_used(project):
    apikeys.create(project, "ci", ["read"])
    with pytest.raises(CommandError, match="has, or had, a key named 'ci'"):
        call_command("create_api_key", project=project.slug, name="ci")
