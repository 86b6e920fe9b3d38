"""Nothing of another project is reached: not by its address, not through one's own project's, not by a list or page.

Each test walks all URLs with one project beside another, both with one of everything (tests/furnished.py).
"""

from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib import admin
from django.db.models import Model
from django.urls import reverse
from django.urls.resolvers import RoutePattern

from evalhub.models import Project, Role, User
from tests import access, factories
from tests.evalhub.test_access_matrix import ALL, INSIDE
from tests.evalhub.test_api_access import PARTS, address, least_body
from tests.furnished import NO_OBJECT, furnish, named
from tests.records.api.calls import call

OWN, STRANGE = "ownone", "strangeone"


@pytest.fixture
def world(db) -> SimpleNamespace:
    return SimpleNamespace(mine=furnish(OWN, number=1), theirs=furnish(STRANGE))


def rows_of(project: Project) -> dict[str, object]:
    """All that the database holds of it, but when its keys were used."""
    found = {}
    for model in apps.get_models():
        if any(field.name == "project" for field in model._meta.fields):
            fields = [field.attname for field in model._meta.concrete_fields if field.attname != "last_used_at"]
            found[model._meta.label] = sorted(map(str, model._default_manager.filter(project=project).values(*fields)))
    return found


def parts(name: str) -> list[str]:
    """What of its address names an object, the outermost first."""
    found = RoutePattern(INSIDE[name], is_endpoint=True).converters
    return [part for part in found if part != "slug" and (name, part) not in NO_OBJECT]


# What shows nothing of an object that is there but plain: which part is asked for, spans and people who differ.
WANTS_MORE = {"experiments:item-part", "records:part", "records:spans", "scoring:adjudication", "scoring:rule-past"}
WITH_OBJECTS = [name for name in sorted(access.PAGES) if parts(name)]


def strange(names: list[str], space: str, world: SimpleNamespace):
    """What to put into an address: all of theirs; and of two, the outer one mine and the inner theirs."""
    for own in {0, len(names) - 1}:
        owners = [*[world.mine] * own, *[world.theirs] * (len(names) - own)]
        yield {part: named(space, part, owner) for part, owner in zip(names, owners, strict=True)}


@pytest.mark.parametrize("who", ["an admin", "a superuser"])
def test_what_is_another_projects_is_not_found_within_ones_own(client, world, who):
    """Nor the inner of two, below an outer one that is one's own: an item of theirs in a dataset of mine."""
    mine = world.mine.project
    client.force_login(factories.user(is_superuser=True) if "super" in who else factories.member(mine, Role.ADMIN))
    before, reached, n = rows_of(world.theirs.project), [], 0
    for name in WITH_OBJECTS:
        for kwargs in strange(parts(name), name, world):
            url = reverse(name, kwargs={"slug": mine.slug} | kwargs)
            for method in access.PAGES[name]:
                n += 1
                answer = client.post(url, {"role": 1}) if method == "POST" else client.generic(method, url)
                if answer.status_code == 302 and answer.url.startswith(f"/p/{OWN}/") and method == "GET":
                    continue  # away from what is not there, to the own thing that it was looked for in
                if answer.status_code != 404 or STRANGE.encode() in answer.content.replace(url.encode(), b""):
                    reached.append((name, method, url, answer.status_code))
    assert not reached and n > 100
    assert rows_of(world.theirs.project) == before


def test_the_objects_are_there_for_those_whose_they_are(client, world):
    """Or the other tests would find nothing wherever they look."""
    client.force_login(factories.member(world.theirs.project, Role.ADMIN))
    missing = []
    for name in WITH_OBJECTS:
        if "GET" in access.PAGES[name]:
            kwargs = {part: named(name, part, world.theirs) for part in parts(name)}
            status = client.get(reverse(name, kwargs={"slug": STRANGE} | kwargs)).status_code
            missing += [(name, status)] if status >= 400 and name not in WANTS_MORE else []
    for path, names in PARTS.items():
        if "GET" in access.CALLS[path]:
            space = f"api:{path.partition('/')[0]}"
            url = address(path, {part: named(space, part, world.theirs) for part in names})
            status = call(world.theirs.plain, "GET", url).status
            missing += [(path, status)] if status >= 400 and "{number}" not in path else []
    assert not missing


def test_no_page_of_a_project_shows_anything_of_another(client, world):
    """Lists, counts, charts and forms; a member of both alone may see that there are two."""
    client.force_login(factories.member(world.mine.project, Role.ADMIN))
    shown = []
    for name in sorted(access.PAGES):
        if "GET" in access.PAGES[name]:
            kwargs = {part: named(name, part, world.mine) for part in parts(name)}
            rest = {"facet": {"key": "model"}, "monitor-part": {"part": "numbers"}}.get(name.partition(":")[2], {})
            if len(RoutePattern(INSIDE[name]).converters) == 1 + len(kwargs) + len(rest):
                answer = client.get(reverse(name, kwargs={"slug": OWN} | kwargs | rest))
                shown += [(name, answer.status_code)] if STRANGE.encode() in b"".join(answer) else []
    for name in access.BESIDE:
        if "GET" in access.BESIDE[name]:
            shown += [name] if STRANGE.encode() in client.get(reverse(name)).content else []
    for path, calls in access.CALLS.items():
        if "GET" in calls:
            space = f"api:{path.partition('/')[0]}"
            url = address(path, {part: named(space, part, world.mine) for part in PARTS.get(path, [])})
            shown += [path] if STRANGE.encode() in b"".join(call(world.mine.plain, "GET", url).response) else []
    assert not shown


def test_a_key_reaches_nothing_of_another_project(world):
    before, reached, n = rows_of(world.theirs.project), [], 0
    for path, names in PARTS.items():
        for kwargs in strange(names, f"api:{path.partition('/')[0]}", world):
            for method in access.CALLS[path]:
                n += 1
                body = least_body(path, method)
                if path.endswith("/rescore"):
                    body |= {"evaluators": [world.mine.evaluator.slug]}  # which are looked for first
                status = call(world.mine.plain, method, address(path, kwargs), body).status
                if status != 404:
                    reached.append((method, path, status))
    assert not reached and n > 80
    assert rows_of(world.theirs.project) == before


# The administration.

ADMIN_OBJECTS = {"evalhub.project": "project", "evalhub.membership": "membership", "evalhub.apikey": "key"}
ADMIN_OBJECTS |= {"evalhub.auditevent": "event", "evalhub.user": "member"}


def admin_object(model: type[Model], its: SimpleNamespace) -> Model:
    label = model._meta.label_lower
    return getattr(its, ADMIN_OBJECTS.get(label, label.partition(".")[2]))


def admin_urls(its: SimpleNamespace):
    """(model, address) of each page of an object in the administration."""
    for model in admin.site._registry:
        label = model._meta.label_lower
        if label in ("django_rq.dashboard", "records.modelprice"):
            continue  # of no project, and for superusers alone
        start = f"admin/{model._meta.app_label}/{model._meta.model_name}/"
        for route, name, _ in ALL:
            if route.startswith(start) and "<" in route and not name.endswith(":") and "errand" not in route:
                converters = RoutePattern(route, is_endpoint=True).converters
                kwargs = {part: its.number if part == "number" else admin_object(model, its).pk for part in converters}
                yield label, reverse(name, kwargs=kwargs)


def staff(project: Project, role: Role) -> User:
    person = factories.member(project, role)
    person.is_staff = True
    person.save()
    return person


def test_the_administration_shows_each_role_what_the_table_says(client, world):
    registered = {model._meta.label_lower for model in admin.site._registry}
    assert registered == set(access.ADMINISTRATION), "tests/access.py says who may see what"
    people = {role: staff(world.mine.project, role) for role in Role}
    nobody = factories.member(world.mine.project, Role.ADMIN)  # whom nobody has made staff
    chief = factories.user(is_staff=True, is_superuser=True)
    wrong = []
    for label, weakest in access.ADMINISTRATION.items():
        url = reverse(f"admin:{label.replace('.', '_')}_changelist")
        client.logout()
        wrong += [(url, "anonymous")] if client.get(url).status_code != 302 else []
        for role, person in people.items():
            client.force_login(person)
            answer = client.get(url, follow=True)
            allowed = weakest is not None and role >= weakest
            if answer.status_code != (200 if allowed else 403) or STRANGE.encode() in answer.content:
                wrong.append((url, role, answer.status_code))
        client.force_login(nobody)
        wrong += [(url, "not staff")] if client.get(url, follow=True).status_code != 403 else []
        client.force_login(chief)
        wrong += [(url, "superuser")] if client.get(url, follow=True).status_code != 200 else []
    assert not wrong


def test_the_administration_opens_no_row_of_another_project(client, world):
    chief, boss = factories.user(is_staff=True, is_superuser=True), staff(world.mine.project, Role.ADMIN)
    before, reached, there = rows_of(world.theirs.project), [], 0
    urls = list(admin_urls(world.theirs))
    client.force_login(boss)
    for label, url in urls:
        for method in ("GET", "POST"):
            answer = client.generic(method, url)
            if answer.status_code not in (302, 403, 404, 405) or STRANGE.encode() in answer.content:
                reached.append((label, method, url, answer.status_code))
    assert not reached and len(urls) > 40
    assert rows_of(world.theirs.project) == before
    client.force_login(chief)
    for _, url in urls:
        there += url.endswith("/change/") and client.get(url).status_code == 200
    assert there > 12
