"""Every page outside the records answers whole, without an inline style or script, and under the strict policy."""

import re

import pytest

from evalhub.models import Role
from tests import factories

INSIDE = ["project-settings", "project-members", "project-keys", "project-audit"]


def paths(project):
    from django.urls import reverse

    return [reverse("projects"), reverse("profile"), reverse("change-password"), reverse("project-menu")] + [
        reverse(name, args=[project.slug]) for name in INSIDE
    ]


def test_pages_hold_no_inline_style_or_script(client, project):
    client.force_login(factories.member(project, Role.ADMIN))
    for path in paths(project):
        html = client.get(path).content.decode()
        assert not re.search(r"\sstyle=|\son\w+=|hx-on", html), path
        assert not re.search(r"<script(?![^>]*\bsrc=)", html), path


def test_the_policy_names_no_unsafe_word(client, project):
    client.force_login(factories.member(project, Role.ADMIN))
    for path in [*paths(project), "/sign-in", "/no-such-page"]:
        policy = client.get(path)["Content-Security-Policy"]
        assert "unsafe" not in policy and "default-src 'self'" in policy, path


def test_a_fragment_is_what_the_page_includes(client, project):
    client.force_login(factories.member(project, Role.ADMIN))
    for path in [f"/p/{project.slug}/settings/{name}/" for name in ("members", "keys", "audit")]:
        page, fragment = client.get(path), client.get(path, headers={"HX-Request": "true"})
        assert "<html" in page.content.decode() and "<html" not in fragment.content.decode()
        assert "HX-Request" in page["Vary"] and "HX-Request" in fragment["Vary"]
        assert "Cookie" in page["Vary"]


@pytest.mark.parametrize("path", ["/no-such-page", "/p/nothing-here/settings/"])
def test_an_unknown_address_says_so_in_our_own_page(client, db, path):
    client.force_login(factories.user())
    response = client.get(path)
    assert response.status_code == 404 and b"There is nothing here" in response.content


def test_the_page_for_broken_servers_needs_no_session_or_database(rf):
    from django.views.defaults import server_error

    assert b"Something broke on our side" in server_error(rf.get("/")).content
