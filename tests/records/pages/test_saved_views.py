import json

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from evalhub.models import Role
from records.models import SavedView
from records.saved_views import MOST
from tests import factories
from tests.records.pages.test_record_list import HOSTILE, listed, sent


@pytest.fixture
def enter(client, project):
    def enter(role: Role = Role.VIEWER):
        person = factories.member(project, role)
        client.force_login(person)
        return person

    return enter


def save(client, project, query: str = "", **fields: object):
    url = reverse("records:view-new", args=[project.slug])
    return client.post(f"{url}?{query}", {"name": "Failing"} | fields, headers={"HX-Request": "true"})


def change(client, view: SavedView, **fields: object):
    return client.post(reverse("records:view", args=[view.project.slug, view.pk]), {"name": view.name} | fields)


def view(project, **fields: object) -> SavedView:
    return SavedView.objects.create(project=project, **{"name": "Failing"} | fields)


def nav(page) -> str:
    return page.content.decode().partition('id="views"')[2].partition("</nav>")[0]


def test_a_view_keeps_filter_spans_sort_and_columns_under_a_name(client, project, enter):
    owner = enter()
    answer = save(
        client, project, "q=model:gpt*&spans=all&sort=cost&columns=id,model&after=x&open=y", with_columns="on"
    )
    saved = SavedView.objects.get()
    assert saved.query == "q=model%3Agpt%2A&spans=all&sort=cost&columns=id%2Cmodel"
    assert (saved.project, saved.owner, saved.shared, saved.is_default) == (project, owner, False, False)
    assert json.loads(answer["HX-Location"])["path"].endswith(f"?view={saved.pk}&{saved.query}")


def test_a_view_is_a_tab_and_says_when_the_list_is_no_longer_it(client, project, enter):
    sent(project)
    saved = view(project, owner=enter(), query="q=model%3Agpt%2A")
    as_saved = nav(listed(client, project, q="model:gpt*", view=str(saved.pk)))
    assert ">Failing" in as_saved and "changed, not saved" not in as_saved
    assert "changed, not saved" in nav(listed(client, project, q="model:claude", view=str(saved.pk)))
    assert f"?view={saved.pk}&amp;q=model%3Agpt%2A" in as_saved and 'aria-current="page">Failing' in as_saved
    assert 'aria-current="page">All records' in nav(listed(client, project, q=""))
    assert 'aria-current="page">Failing' in nav(listed(client, project, q="model:gpt*"))


def test_a_link_that_names_a_view_alone_leads_to_what_it_asks_for(client, project, enter):
    saved, url = view(project, owner=enter(), query="q=latency%3A%3E5s"), reverse("records:list", args=[project.slug])
    assert client.get(f"{url}?view={saved.pk}").url == f"{url}?view={saved.pk}&{saved.query}"
    for unknown in (saved.pk + 1, "x", ""):
        assert client.get(f"{url}?view={unknown}").status_code == 404


def test_private_views_are_their_owners_alone(client, project, enter):
    saved = view(project, owner=enter())
    assert "Failing" in nav(listed(client, project))
    enter(Role.ADMIN)
    assert "Failing" not in nav(listed(client, project))
    assert change(client, saved, name="Mine").status_code == 404
    assert client.post(reverse("records:view-delete", args=[project.slug, saved.pk])).status_code == 404


def test_another_projects_views_are_not_there(client, project, enter):
    other = view(factories.project(), owner=enter(), shared=True)
    assert "Failing" not in nav(listed(client, project))
    assert client.get(reverse("records:view", args=[project.slug, other.pk])).status_code == 404


@pytest.mark.parametrize(
    "role, field, allowed",
    [
        (Role.VIEWER, "shared", False), (Role.REVIEWER, "shared", True),
        (Role.REVIEWER, "is_default", False), (Role.EDITOR, "is_default", True),
    ],
)  # fmt: skip
def test_sharing_asks_for_a_reviewer_and_the_default_for_an_editor(client, project, enter, role, field, allowed):
    enter(role)
    assert save(client, project, **{field: "on"}).status_code == (200 if allowed else 403)
    assert SavedView.objects.filter(shared=True).exists() == allowed


def test_a_shared_view_is_changed_by_its_owner_and_by_editors(client, project, enter):
    saved = view(project, owner=enter(Role.REVIEWER), shared=True)
    assert change(client, saved, name="Renamed", shared="on").status_code == 302
    enter(Role.REVIEWER)
    assert "Renamed" in nav(listed(client, project))
    assert change(client, saved, name="Taken").status_code == 403
    enter(Role.EDITOR)
    assert client.post(reverse("records:view-delete", args=[project.slug, saved.pk])).status_code == 302
    assert not SavedView.objects.exists()


def test_the_page_begins_with_the_default_view_and_all_records_are_a_click_away(client, project, enter):
    sent(project)
    enter(Role.EDITOR)
    first = view(project, shared=True, is_default=True, query="q=model%3Aclaude")
    save(client, project, "q=model:gpt*", name="Second", is_default="on")
    second = SavedView.objects.get(is_default=True)
    assert second.pk != first.pk
    bare = client.get(reverse("records:list", args=[project.slug]))
    assert bare.status_code == 302 and bare.url.endswith(f"?view={second.pk}&q=model%3Agpt%2A")
    assert "Question 2?" in listed(client, project, q="").content.decode()
    assert "?q=" in nav(listed(client, project, q=""))


def test_the_last_chip_removed_leaves_all_records_and_not_the_default_view(client, project, enter):
    enter()
    assert 'href="?q="' in listed(client, project, q="model:gpt*").content.decode()


def test_a_view_is_replaced_by_what_the_list_has_become(client, project, enter):
    saved = view(project, owner=enter(), query="q=model%3Agpt%2A")
    save(client, project, f"view={saved.pk}&q=model:claude", name="", replace=str(saved.pk))
    assert SavedView.objects.get().query == "q=model%3Aclaude"
    assert SavedView.objects.get().name == "Failing"


def test_what_cannot_be_saved_is_said(client, project, enter):
    owner = enter()
    view(project, owner=owner)
    for said, query, fields in (
        ("named failing already", "", {"name": "failing"}),
        ("This field is required", "", {"name": " "}),
        ("cannot be read", "q=modle:x", {"name": "New"}),
        ("at most 60 characters", "", {"name": "x" * 61}),
    ):
        answer = save(client, project, query, **fields)
        assert answer.status_code == 422 and said in answer.content.decode(), said
    SavedView.objects.bulk_create([SavedView(project=project, owner=owner, name=f"v{n}") for n in range(MOST)])
    assert "delete one first" in save(client, project, name="One more").content.decode()


def test_a_hostile_name_stays_text(client, project, enter):
    sent(project)
    enter()
    save(client, project, "q=" + "model:gpt*", name=HOSTILE)
    assert HOSTILE not in listed(client, project).content.decode()


def test_a_project_has_one_default_and_it_is_shared(project):
    view(project, shared=True, is_default=True)
    for fields in ({"shared": True, "name": "b"}, {"shared": False, "name": "c"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            view(project, is_default=True, **fields)
