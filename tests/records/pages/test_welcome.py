"""What a project without records shows: commands that send the first one, tried here as they are copied."""

import os
import re
import subprocess
from datetime import timedelta
from html import unescape
from urllib.parse import urlsplit

import pytest
from django.urls import reverse
from django.utils import timezone

from evalhub import apikeys
from evalhub.models import Role
from records.drafts import RecordDraft
from records.ingest import ingest
from records.models import Record, Source
from tests import factories
from tests.records.pages.test_record_list import listed, sent


@pytest.fixture
def empty(transactional_db, client):
    project = factories.project()
    client.force_login(factories.member(project, Role.ADMIN))
    return project


@pytest.mark.parametrize(("command", "name"), [("first-curl", ""), ("first-span", "first span")])
def test_the_command_that_is_shown_sends_a_record(client, live_server, empty, command, name):
    host = urlsplit(live_server.url).netloc
    page = client.get(reverse("records:list", args=[empty.slug]), headers={"host": host}).content.decode()
    shown = unescape(re.search(rf'<pre id="{command}"[^>]*>(.*?)</pre>', page, re.DOTALL)[1])
    _, plain = apikeys.create(empty, "first", ["ingest"], created_by=None)
    done = subprocess.run(
        ["bash", "-c", shown], env=os.environ | {"EVALHUB_KEY": plain}, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    record = Record.objects.get(project=empty)
    assert (record.name, record.model) == (name, "gpt-4o-mini"), done.stdout


def test_the_page_turns_into_the_table_once_a_record_is_there(client, empty):
    url = reverse("records:arrived", args=[empty.slug])
    assert 'hx-trigger="every 3s"' in listed(client, empty).content.decode()
    assert client.get(url).status_code == 204
    sent(empty, 1)
    assert client.get(url)["HX-Refresh"] == "true"
    assert "Waiting for the first record" not in listed(client, empty).content.decode()


def test_two_weeks_of_a_project_at_a_glance(client, empty):
    url = reverse("records:pulse", args=[empty.slug])
    text = client.get(url).content.decode()
    assert "no records in 14 days" in text and text.count("<rect") == 14
    now = timezone.now()
    at = [now, now, now - timedelta(days=3), now - timedelta(days=40)]
    ingest(empty, [RecordDraft(f"r{n}", Source.API, moment) for n, moment in enumerate(at)], "ci")
    text = client.get(url).content.decode()
    assert "3 records in 14 days" in text and text.count('height="24"') == 2  # the picture's and today's
