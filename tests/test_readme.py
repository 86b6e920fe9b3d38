"""What the README says is true: its example is run, and its tables are compared with the code."""

import json
import re
import shlex
import urllib.request
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

from evalhub import apikeys
from evalhub.models import Scope
from experiments.gate.conditions import conditions
from records.models import Payload, Record
from tests import factories

README = (settings.BASE_DIR / "README.md").read_text()


def blocks() -> list[str]:
    return re.findall(r"```sh\n(.*?)```", README, re.DOTALL)


def section(title: str) -> str:
    return README.split(f"## {title}\n")[1].split("\n## ")[0]


def named(text: str) -> set[str]:
    """The words in code style in the first column of the section's table."""
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def post(command: str, url: str, key: str) -> dict:
    """Does what the curl line does, without needing curl."""
    command = command.replace("http://localhost:8000", url).replace("$EVALHUB_KEY", key)
    _, target, *rest = shlex.split(command.replace("\\\n", " "))
    options = list(zip(rest[::2], rest[1::2], strict=True))
    headers = dict(value.split(": ", 1) for option, value in options if option == "-H")
    (body,) = (value for option, value in options if option == "-d")
    with urllib.request.urlopen(urllib.request.Request(target, body.encode(), headers)) as answer:  # noqa: S310
        return json.load(answer)


@pytest.mark.django_db(transaction=True)
def test_the_curl_example_stores_its_record_once_however_often_it_is_sent(live_server):
    project = factories.project("shop")
    _, key = apikeys.create(project, "app", [Scope.INGEST])
    (example,) = (block for block in blocks() if block.startswith("curl ") and "/records " in block)
    ids = {post(example, live_server.url, key)["accepted"][0]["id"] for _ in range(2)}
    record = Record.objects.get(project=project)
    assert ids == {str(record.id)}
    assert (record.external_id, record.name, record.tokens_in, record.latency_ms) == ("order-4711", "answer", 210, 1200)
    assert Payload.objects.get(project=project).inputs == {"question": "Where is my parcel?"}


def test_every_setting_of_the_environment_stands_in_the_table():
    source = "".join(
        Path(settings.BASE_DIR / name).read_text() for name in ("evalhub/settings.py", "evalhub/embedded/__init__.py")
    )
    read = set(re.findall(r'env\.\w+\("([A-Z_]+)"', source)) | set(
        re.findall(r'environ(?:\.get\(|\[)"([A-Z_]+)"', source)
    )
    assert len(read) > 8
    assert named(section("Settings")) == read


def test_every_command_it_names_exists_and_every_command_of_ours_is_named():
    ours = {name for name, app in get_commands().items() if app in ("evalhub", "records", "scoring", "experiments")}
    assert named(section("Commands")) == ours


def test_the_gates_conditions_can_be_read():
    named_there = re.findall(r"--metric (\S+)", README) + re.findall(r'"metrics": (\[.*?\])', README)
    found = conditions([text for text in named_there[:4] if "[" not in text])
    assert [one.words for one in found] == ["correctness:margin=0.02", "tone", "cost:max=+10%", "latency:max=2.5"]
    assert all(conditions(json.loads(text)) for text in named_there if text.startswith("["))


def test_the_trace_endpoint_it_names_takes_posts(client, db):
    assert client.post("/v1/traces").status_code == 401
