"""manage.py export_records, and that import_records reads it back."""

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from evalhub.models import Project
from records.drafts import Sender
from records.export import cell, safe, unsafe
from records.intake import take
from records.models import Payload, Record, Score, ScoreSource
from records.scores import NewScore, add_scores
from records.values import read_value
from tests import factories

pytestmark = pytest.mark.django_db

AWKWARD = [
    "=1+1", "+1", "-1", "@a", "\tx", "\rx", "'=1", "''=1", "'quoted'", "42", "true", "null", '{"a": 1}', '"a"', "[1]",
    "a,b", 'say "x"', "two\nlines", "ünïcode \U0001f600", " spaced ", "007",
]  # fmt: skip


def fill(project: Project) -> None:
    items = [{
        "id": f"case-{n}", "name": "=name", "inputs": text, "outputs": {"deep": [text, n, 1.5, None, False]},
        "expected": [text] if n % 2 else n, "metadata": {"k": text}, "metrics": {"routing_time": 0.5},
        "tags": ["a", "b,c"],
        "created_at": f"2026-03-01T00:00:{n:02}.123456Z", "latency": 0.25, "cost": 0.00000012, "model": "m",
        "custom_id": text, "error": text if n % 3 else "", "prompt_version": n,
        "scores": [{"metric": "accuracy", "numerical_value": n / 7, "reasoning": text},
                   {"metric": "note", "string_value": f"say {text}"}, {"metric": "ok", "boolean_value": n % 2 == 0},
                   {"metric": "tone", "categorical_value": ["kind", "dry"]}],
    } for n, text in enumerate(AWKWARD)]  # fmt: skip
    items.append(
        {"id": "trace", "created_at": "2026-03-02T00:00:00Z", "spans": [{"name": "a", "spans": [{"name": "b"}]}]}
    )
    intake = take(project, items, Sender("ci", timezone.now()))
    assert not intake.refused


def export(project: Project, file: Path, *options: str) -> str:
    err = StringIO()
    call_command("export_records", "--project", project.slug, "--output", str(file), *options, stderr=err)
    return err.getvalue()


def facts(project: Project) -> dict[str, dict]:
    """All that was sent, by external id: without what belongs to the installation (ids, status)."""
    skipped = {"project_id", "id", "status"}
    found = {}
    for record in Record.objects.filter(project=project):
        said = {f.attname: getattr(record, f.attname) for f in Record._meta.concrete_fields if f.attname not in skipped}
        said = {name: bytes(v) if isinstance(v, memoryview) else v for name, v in said.items()}
        payload = Payload.objects.get(project=project, record_id=record.id)
        said |= {"inputs": payload.inputs, "outputs": payload.outputs, "expected": payload.expected}
        scores = Score.objects.filter(project=project, record_id=record.id, is_current=True).select_related("metric")
        said["scores"] = {
            s.metric.slug: (s.numerical_value, s.boolean_value, s.categorical_value, s.string_value, s.reasoning)
            for s in scores
        }
        found[record.external_id] = said
    return found


@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_what_is_exported_and_imported_elsewhere_is_the_same(project, tmp_path, format):
    fill(project)
    file, elsewhere = tmp_path / f"out.{format}", factories.project()
    assert export(project, file, "--format", format) == f"{len(AWKWARD) + 3} records exported.\n"
    call_command("import_records", str(file), "--project", elsewhere.slug, stdout=StringIO())
    assert facts(elsewhere) == facts(project)
    call_command("import_records", str(file), "--project", elsewhere.slug, stdout=StringIO())
    assert facts(elsewhere) == facts(project)
    assert Score.objects.filter(project=elsewhere).count() == Score.objects.filter(project=project).count()


def test_json_lines_keep_who_scored(project, tmp_path):
    fill(project)
    metric = factories.metric(project, "care")
    record = Record.objects.get(project=project, external_id="case-1")
    value = read_value(metric, {"numerical_value": 1})
    add_scores(project.id, [NewScore(record.id, metric, value, ScoreSource.HUMAN, sender="ann", scorer="ann")])
    elsewhere = factories.project()
    export(project, tmp_path / "out.jsonl", "--filter", "metric.care:1")
    call_command("import_records", str(tmp_path / "out.jsonl"), "--project", elsewhere.slug, stdout=StringIO())
    score = Score.objects.get(project=elsewhere, metric__slug="care")
    assert (score.source, score.scorer) == (ScoreSource.HUMAN, "ann")
    assert Record.objects.get(project=elsewhere).created_by == "ci"


def test_a_filter_and_roots_narrow_the_export(project, tmp_path):
    fill(project)
    file = tmp_path / "out.jsonl"
    export(project, file, "--filter", "name:b")
    assert [json.loads(line)["name"] for line in file.read_text().splitlines()] == ["b"]
    export(project, file, "--filter", "created:2026-03-02", "--roots")
    assert [json.loads(line)["external_id"] for line in file.read_text().splitlines()] == ["trace"]
    export(project, file, "--filter", "name:nothing")
    assert file.read_text() == ""


def test_a_wrong_filter_is_shown_with_a_caret_and_leaves_no_file(project, tmp_path):
    file = tmp_path / "out.jsonl"
    with pytest.raises(CommandError, match="did you mean 'model'") as caught:
        export(project, file, "--filter", "modle:x")
    assert "^^^^^" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_an_export_holds_its_own_project_only(project, tmp_path):
    fill(factories.project())
    assert export(project, tmp_path / "out.jsonl").startswith("0 records")


def test_no_cell_of_a_table_begins_like_a_formula(project, tmp_path):
    fill(project)
    export(project, tmp_path / "out.csv", "--format", "csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        for row in csv.reader(file):
            assert not [text for text in row if text.startswith(("=", "+", "-", "@", "\t", "\r"))]


@pytest.mark.parametrize("text", [*AWKWARD, "'", "''", "'a", ""])
def test_a_safe_cell_reads_back_as_it_was(text):
    assert unsafe(safe(text)) == text


def test_numbers_and_times_stand_in_cells_without_quotes(project):
    assert [cell("cost", 0.5), cell("is_root", True), cell("created_at", timezone.now())[:2]] == ["0.5", "true", "20"]
