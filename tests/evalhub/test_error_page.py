"""The page of an error on our side."""

import psycopg
import pytest
from django.db import OperationalError
from django.urls import reverse

from evalhub.views import projects
from tests import factories

MANIFEST = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"


@pytest.fixture
def answer(client, db, monkeypatch):
    """What the browser of somebody who is signed in gets where a view fails."""
    client.force_login(factories.user())
    client.raise_request_exception = False
    monkeypatch.setattr(projects, "projects_of", lambda user: 1 / 0)
    return lambda: client.get(reverse("projects"))


def test_it_looks_like_every_page_and_tells_nothing_of_the_error(answer):
    page = answer()
    assert page.status_code == 500
    text = page.content.decode()
    assert "Something broke on our side" in text and "tokens.css" in text and "ZeroDivision" not in text


def test_it_comes_without_the_files_of_the_release_too(answer, settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": MANIFEST}}
    settings.DEBUG = False
    page = answer()
    assert page.status_code == 500
    text = page.content.decode()
    assert "Something broke on our side" in text and "stylesheet" not in text and "<style" not in text


def test_while_the_database_is_away_a_page_asks_for_another_try(answer, monkeypatch):
    def away(user: object) -> None:
        raise OperationalError("connection failed") from psycopg.OperationalError("connection failed")

    monkeypatch.setattr(projects, "projects_of", away)
    page = answer()
    assert (page.status_code, page["Retry-After"]) == (503, "5")
    assert "The database does not answer" in page.content.decode()
