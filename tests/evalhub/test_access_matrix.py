"""Every page of a project, with every method, as admin, editor, reviewer, viewer, outsider and anonymous."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.converters import IntConverter, SlugConverter, StringConverter, UUIDConverter
from django.urls.resolvers import RoutePattern

from evalhub.models import Role
from tests import access, factories

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
# Of things that do not exist: who may enter gets 404 for them, who may not gets 403 first.
ABSENT = {
    IntConverter: 2_000_000_000, SlugConverter: "no-such", StringConverter: "no-such", UUIDConverter: UUID(int=1),
}  # fmt: skip


def patterns(resolver: URLResolver, route: str = "", space: str = "") -> Iterator[tuple[str, str, URLPattern]]:
    """(route, full name, pattern) of every URL there is."""
    for entry in resolver.url_patterns:
        below = route + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry, below, f"{space}{entry.namespace}:" if entry.namespace else space)
        else:
            yield below, f"{space}{entry.name or ''}", entry


ALL = list(patterns(get_resolver()))
INSIDE = {name: route for route, name, _ in ALL if route.startswith("p/<slug:slug>/")}


def address(name: str, slug: str) -> str:
    converters = RoutePattern(INSIDE[name], is_endpoint=True).converters
    absent = {key: ABSENT[type(converter)] for key, converter in converters.items() if key != "slug"}
    return reverse(name, kwargs={"slug": slug} | absent)


def test_every_page_of_a_project_is_in_the_table():
    assert "" not in {name.rpartition(":")[2] for name in INSIDE}, "every URL has a name"
    assert set(INSIDE) == set(access.PAGES), "tests/access.py says who may do what"


def test_every_page_asks_for_a_session_but_the_public_ones():
    spaces = tuple(name for name in access.PUBLIC if name.endswith(":"))
    for route, name, pattern in ALL:
        if not getattr(pattern.callback, "login_required", True):
            assert name in access.PUBLIC or (spaces and name.startswith(spaces)), f"{route} is open to everybody"


@pytest.mark.parametrize("name", sorted(access.PAGES))
def test_each_role_may_do_what_the_table_says(client, project, name):
    people = {role: factories.member(project, role) for role in Role}
    outsider = factories.member(factories.project(), Role.ADMIN)
    url, needed = address(name, project.slug), access.PAGES[name]
    has_object = "<" in INSIDE[name].removeprefix("p/<slug:slug>/")

    for method in METHODS:
        client.logout()
        answer = client.generic(method, url)
        assert answer.status_code == 302 and answer.url.startswith("/sign-in"), f"anonymous {method}"
        client.force_login(outsider)
        assert client.generic(method, url).status_code == (404 if method in needed else 405), f"outsider {method}"
        for role, person in people.items():
            client.force_login(person)
            status = client.generic(method, url).status_code
            said = f"{role.label} {method}: {status}"
            if method not in needed:
                assert status == 405, said
            elif role < needed[method]:
                assert status == 403, said
            else:
                assert status < 500 and status not in (403, 405) and (has_object or status != 404), said


@pytest.mark.parametrize("name", sorted(name for name, needed in access.PAGES.items() if set(needed) - {"GET"}))
def test_every_change_needs_the_csrf_token(project, name):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(factories.member(project, Role.ADMIN))
    for method in set(access.PAGES[name]) - {"GET"}:
        assert client.generic(method, address(name, project.slug)).status_code == 403


def test_a_superuser_is_an_admin_everywhere(client, project):
    client.force_login(factories.user(is_superuser=True))
    assert client.get(reverse("project-members", args=[project.slug])).status_code == 200


def test_somebody_who_may_not_sign_in_any_more_is_out_at_once(client, project):
    person = factories.member(project, Role.ADMIN)
    client.force_login(person)
    person.is_active = False
    person.save()
    assert client.get(reverse("project-members", args=[project.slug])).url.startswith("/sign-in")


def test_every_page_beside_the_projects_is_in_the_table_and_open_to_whom_it_says(client, db):
    spaces = ("api:", "admin:")
    beside = {name for route, name, _ in ALL if not route.startswith("p/") and not name.startswith(spaces)}
    assert beside - access.PUBLIC == set(access.BESIDE), "tests/access.py says who may do what"
    people = {
        access.ANYBODY: factories.user(),
        access.STAFF: factories.user(is_staff=True),
        access.SUPERUSER: factories.user(is_superuser=True, is_staff=True),
    }
    for name, allowed in access.BESIDE.items():
        for method in METHODS:
            client.logout()
            answer = client.generic(method, reverse(name))
            assert answer.status_code == 302 and answer.url.startswith("/sign-in"), f"anonymous {method} {name}"
            for word, person in people.items():
                client.force_login(person)
                status = client.generic(method, reverse(name)).status_code
                said = f"{word} {method} {name}: {status}"
                if method not in allowed:
                    assert status in (405, 403), said
                elif [*people].index(word) < [*people].index(allowed[method]):
                    assert status == 403, said
                else:
                    assert status < 500 and status not in (403, 404, 405), said
