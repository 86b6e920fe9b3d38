"""Providers: what may be entered, who may use which, and that a key is never seen again."""

import pytest
from django.core.exceptions import ValidationError

from evalhub.models import AuditEvent
from scoring.models import Provider
from scoring.providers import (
    archive_provider,
    change_provider,
    create_provider,
    key_of,
    own_price,
    restore_provider,
    usable_by,
)
from tests import factories

KEY = "sk-very-secret"


def problems(call, *args, **fields) -> dict[str, list[str]]:
    with pytest.raises(ValidationError) as caught:
        call(*args, **fields)
    return caught.value.message_dict


def test_a_key_is_encrypted_kept_replaced_and_removed(project):
    provider = create_provider(project, "anna", key=KEY, name="Main")
    assert KEY not in provider.secret and key_of(provider) == KEY
    assert key_of(change_provider(provider, "anna", name="Other")) == KEY
    assert key_of(change_provider(provider, "anna", key="sk-2")) == "sk-2"
    assert change_provider(provider, "anna", key="").secret == ""
    trail = str(list(AuditEvent.objects.values()))
    assert KEY not in trail and "sk-2" not in trail and provider.secret not in trail
    assert AuditEvent.objects.filter(action="provider.change", detail__key="removed").count() == 1


def test_a_key_does_not_follow_to_another_address(project):
    provider = create_provider(project, "anna", key=KEY, name="Main", base_url="https://api.example.com/v1")
    assert "key" in problems(change_provider, provider, "eve", base_url="https://evil.example.com/v1")
    assert "key" in problems(change_provider, provider, "eve", base_url="http://api.example.com/v1")
    assert "key" in problems(change_provider, provider, "eve", kind="anthropic")
    assert key_of(change_provider(provider, "anna", base_url="https://api.example.com/v2")) == KEY
    assert key_of(change_provider(provider, "anna", base_url="https://new.example.com", key="sk-new")) == "sk-new"


def test_the_projects_own_and_shared_ones_can_be_used_while_they_are_not_archived(project):
    mine, shared = create_provider(project, "anna", name="a"), create_provider(None, "root", name="a")
    create_provider(factories.project(), "eve", name="a")
    assert set(usable_by(project.id)) == {mine, shared}
    archive_provider(mine, "anna")
    assert set(usable_by(project.id)) == {shared}
    restore_provider(mine, "anna")
    assert set(usable_by(project.id)) == {mine, shared}


def test_a_change_by_hand_ends_a_pause(project):
    provider = create_provider(project, "anna", name="a")
    Provider.objects.filter(pk=provider.pk).update(paused_reason="401: wrong key")
    assert change_provider(provider, "anna", key=KEY).paused_reason == ""


@pytest.mark.parametrize(
    "base_url", ["", "http://localhost:11434/v1", "https://api.example.com/v1/", "http://[::1]:8000"]
)
def test_an_address_of_ones_own_is_welcome(project, base_url):
    assert create_provider(project, "anna", name="a", base_url=base_url).base_url == base_url.rstrip("/")


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": ""}, "name"),
        ({"kind": "other"}, "kind"),
        ({"kind": "azure"}, "base_url"),
        ({"base_url": "ftp://example.com"}, "base_url"),
        ({"base_url": "example.com/v1"}, "base_url"),
        ({"base_url": "file:///etc/passwd"}, "base_url"),
        ({"base_url": "https://user:pw@example.com"}, "base_url"),
        ({"base_url": "https://example.com?key=1"}, "base_url"),
        ({"base_url": "https://example.com:99999"}, "base_url"),
        ({"base_url": "https://exa\nmple.com"}, "base_url"),
        ({"requests_per_minute": 0}, "requests_per_minute"),
        ({"concurrency": 0}, "concurrency"),
        ({"concurrency": 513}, "concurrency"),
        ({"prices": []}, "prices"),
        ({"prices": {"m": 1}}, "prices"),
        ({"prices": {"m": {"input": 1}}}, "prices"),
        ({"prices": {"m": {"input": 1, "output": -1}}}, "prices"),
        ({"prices": {"m": {"input": 1, "output": "free"}}}, "prices"),
        ({"prices": {"m": {"input": 1, "output": float("nan")}}}, "prices"),
        ({"prices": {"m": {"input": 1, "output": 1, "images": 1}}}, "prices"),
        ({"secret": "x"}, "secret"),
    ],
)
def test_wrong_fields_are_refused_by_name(project, fields, wrong):
    assert list(problems(create_provider, project, "anna", **{"name": "a"} | fields)) == [wrong]
    assert not Provider.objects.exists()


@pytest.mark.parametrize("key", ["two\nlines", "ümlaut", "x" * 4001])
def test_what_cannot_be_a_key_is_refused_without_repeating_it(project, key):
    found = problems(create_provider, project, "anna", key=key, name="a")
    assert list(found) == ["key"] and key not in str(found)


def test_a_name_is_taken_once_in_a_project_and_once_among_the_shared(project):
    create_provider(project, "anna", name="a"), create_provider(None, "root", name="a")
    assert problems(create_provider, project, "anna", name="a")
    assert problems(create_provider, None, "root", name="a")


def test_prices_of_ones_own_are_per_million_tokens(project):
    prices = {"m": {"input": 0.1, "output": 0.4}, "n": {"input": 1, "output": 2, "cached_input": 0.5}}
    provider = create_provider(project, "anna", name="a", prices=prices)
    assert {name: str(price) for name, price in own_price(provider, "m").items()} == {
        "input": "0.1", "output": "0.4", "cached_input": "0.1",
    }  # fmt: skip
    assert str(own_price(provider, "n")["cached_input"]) == "0.5"
    assert own_price(provider, "other") is None
