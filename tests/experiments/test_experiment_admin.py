"""Experiments in the admin: looked at, called differently, never begun or deleted there."""

import pytest
from django.urls import reverse

from evalhub.models import Role
from experiments.models import Experiment
from tests import factories
from tests.experiments.running.begun import begin, dataset, questions
from tests.scoring.running import exact

pytestmark = pytest.mark.usefixtures("rung")


@pytest.fixture
def its(project):
    exact(project)
    return begin(project, "custom", name="First", dataset=dataset(project, *questions(2)).slug, evaluators=["exact"])


def admin_of(client, project, role=Role.EDITOR):
    person = factories.member(project, role)
    person.is_staff = True
    person.save()
    client.force_login(person)


def test_an_editor_reads_what_was_run_and_may_change_its_name_and_baseline(client, project, its):
    admin_of(client, project)
    assert "First" in client.get(reverse("admin:experiments_experiment_changelist")).content.decode()
    address = reverse("admin:experiments_experiment_change", args=[its.pk])
    page = client.get(address).content.decode()
    assert "exact v1" in page and "2 pending" in page and f"/p/{project.slug}/experiments/first/" in page
    other = begin(project, "custom", name="Other", dataset=its.dataset.slug)
    frozen = {f"evaluators-{name}": 0 for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    sent = {"name": "Better name", "description": "", "baseline": other.pk, "slug": "sneaky", "state": "completed"}
    assert client.post(address, sent | frozen).status_code == 302
    its.refresh_from_db()
    assert (its.name, its.baseline, its.slug, its.state) == ("Better name", other, "first", "pending")


def test_nobody_begins_or_deletes_one_there_and_others_see_none(client, project, its):
    admin_of(client, factories.project())
    assert "First" not in client.get(reverse("admin:experiments_experiment_changelist")).content.decode()
    assert client.get(reverse("admin:experiments_experiment_change", args=[its.pk])).status_code in (302, 404)
    admin_of(client, project, Role.ADMIN)
    assert client.get(reverse("admin:experiments_experiment_add")).status_code == 403
    assert client.post(reverse("admin:experiments_experiment_delete", args=[its.pk])).status_code == 403
    assert Experiment.objects.count() == 1
