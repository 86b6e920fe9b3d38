"""manage.py import_records: files of records, row by row."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from records.intake import take
from records.models import Metric, Payload, Record, RecordRollup, Score, ValueType
from tests import factories

pytestmark = pytest.mark.django_db


def run(project, file: Path, *options: str) -> tuple[int, str, str]:
    """(exit code, standard output, standard error)"""
    out, err, code = StringIO(), StringIO(), 0
    try:
        call_command("import_records", str(file), "--project", project.slug, *options, stdout=out, stderr=err)
    except SystemExit as end:
        code = end.code
    return code, out.getvalue(), err.getvalue()


def lines(tmp_path: Path, *rows: object, name: str = "rows.jsonl") -> Path:
    file = tmp_path / name
    file.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return file


def test_json_lines_become_records_signed_by_the_import(project, tmp_path):
    code, out, err = run(project, lines(tmp_path, {"input": "q", "output": "a"}, "", {"id": "x", "llm_input": 1}))
    assert (code, err) == (0, "")
    assert out.startswith("2 rows read: 2 records new")
    assert set(Record.objects.filter(project=project).values_list("created_by", flat=True)) == {"import"}
    assert Record.objects.filter(project=project, external_id="x").exists()


def test_refused_lines_are_named_with_their_reasons_and_the_rest_goes_in(project, tmp_path):
    file = lines(
        tmp_path,
        {"name": "a"},
        "{broken",
        "[1]",
        {"latency": "x"},
        '{"name": NaN}',
        '{"name": "a\\u0000"}',
        {"name": "b"},
    )
    code, out, err = run(project, file)
    assert code == 1
    assert "2 records new" in out and "5 refused" in out
    reasons = dict(line.split(": ", 1) for line in err.splitlines())
    assert set(reasons) == {"line 2", "line 3", "line 4", "line 5", "line 6"}
    assert "latency" in reasons["line 4"]
    assert "NUL" in reasons["line 6"]
    assert set(Record.objects.values_list("name", flat=True)) == {"a", "b"}


def test_refused_lines_stand_in_their_order_whatever_is_wrong_with_them(project, tmp_path):
    _, _, err = run(project, lines(tmp_path, {"latency": "x"}, "{broken", {"cost": "much"}, "[1]"))
    assert [line.split(":")[0] for line in err.splitlines()] == ["line 1", "line 2", "line 3", "line 4"]


def test_all_that_is_wrong_with_a_line_stands_in_one_sentence(project, tmp_path):
    _, _, err = run(project, lines(tmp_path, {"latency": "x", "cost": -1}))
    assert err == "line 1: latency: must be a number of seconds; cost: must not be negative.\n"


def test_a_file_that_was_moved_is_the_same_and_a_renamed_one_another(project, tmp_path):
    file = lines(tmp_path, {"input": "q"})
    run(project, file)
    (tmp_path / "old").mkdir()
    moved = file.rename(tmp_path / "old" / file.name)
    assert "1 rows already there" in run(project, moved)[1]
    assert "1 records new" in run(project, moved.rename(tmp_path / "other.jsonl"))[1]


def test_every_row_is_counted_once_also_where_two_are_of_one_record(project, tmp_path):
    file = lines(tmp_path, {"id": "x", "input": 1}, {"id": "x", "output": 2}, {"id": "y", "input": 3}, {"id": "x"})
    assert "4 rows read: 2 records new, 2 updated, 0 rows already there, 0 refused" in run(project, file)[1]


def test_a_column_that_is_not_there_cannot_be_mapped_and_nothing_is_stored(project, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("frage,antwort\nWarum?,Darum.\n")
    rows = lines(tmp_path, *({"frage": "Warum?", "antwort": n} for n in range(3)))
    for file in (table, rows):
        with pytest.raises(CommandError, match="no column 'Frage' to map; it has 'frage', 'antwort'"):
            run(project, file, "--map", "inputs=Frage", "--map", "outputs=antwort")
    assert not Record.objects.exists()
    late = lines(tmp_path, {"frage": 1}, {"frage": 2, "antwort": 3})  # a column need not be in every line
    assert run(project, late, "--map", "outputs=antwort")[0] == 0


@pytest.mark.parametrize("heading", ["a,b,a", '"a"b,c'])
def test_a_heading_that_is_wrong_is_refused_whole(project, tmp_path, heading):
    table = tmp_path / "t.csv"
    table.write_text(f"{heading}\n1,2,3\n")
    with pytest.raises(CommandError, match="heading"):
        run(project, table)
    assert not Record.objects.exists()


def test_running_it_again_adds_nothing_and_says_so(project, tmp_path):
    file = lines(tmp_path, *({"name": f"r{n}", "scores": [{"metric": "m", "numerical_value": n}]} for n in range(5)))
    run(project, file)
    code, out, _ = run(project, file)
    assert code == 0
    assert "0 records new, 0 updated, 5 rows already there" in out
    assert (Record.objects.count(), Score.objects.count()) == (5, 5)
    assert sum(RecordRollup.objects.values_list("n", flat=True)) == 5


def test_an_interrupted_import_goes_on_where_it_stopped(project, tmp_path, monkeypatch):
    monkeypatch.setattr("records.management.commands.import_records.BATCH", 2)
    file = lines(tmp_path, *({"name": f"r{n}"} for n in range(7)))
    calls = []

    def interrupted(*args: object):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return take(*args)

    with monkeypatch.context() as patch:
        patch.setattr("records.management.commands.import_records.take", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(project, file)
    assert Record.objects.count() == 4
    _, out, _ = run(project, file)
    assert "3 records new" in out and "4 rows already there" in out
    assert sorted(Record.objects.values_list("name", flat=True)) == [f"r{n}" for n in range(7)]


def test_equal_rows_of_one_file_are_different_records(project, tmp_path):
    run(project, lines(tmp_path, {"input": "same"}, {"input": "same"}))
    assert Record.objects.count() == 2


def test_a_row_with_an_id_of_its_own_is_updated_by_a_later_import(project, tmp_path):
    run(project, lines(tmp_path, {"id": "x", "input": "q"}))
    _, out, _ = run(project, lines(tmp_path, {"id": "x", "output": "a"}))
    assert "0 records new, 1 updated" in out
    payload = Payload.objects.get(project=project)
    assert (payload.inputs, payload.outputs) == ("q", "a")


def test_a_table_has_typed_columns_places_inside_values_and_scores(project, tmp_path):
    factories.metric(project, "accuracy")
    file = tmp_path / "rows.csv"
    file.write_text(
        "\ufeffinputs.question,inputs.lang,outputs,latency,tags,metadata.tier,metric.accuracy,metric.ok,metric.note,plan\r\n"
        '"Why, though?",en,42,1.5,"a, b",gold,0.75,true,"Good.\nReally.",pro\r\n'
        "What?,,,,,,,,,\r\n",
        encoding="utf-8",
    )
    code, out, err = run(project, file)
    assert (code, err) == (0, "")
    record = Record.objects.get(project=project, latency_ms=1500)
    assert (record.tags, record.metadata) == (["a", "b"], {"tier": "gold", "plan": "pro"})
    payload = Payload.objects.get(project=project, record_id=record.id)
    assert (payload.inputs, payload.outputs) == ({"question": "Why, though?", "lang": "en"}, "42")
    scores = {s.metric.slug: s for s in Score.objects.select_related("metric")}
    assert scores["accuracy"].numerical_value == 0.75
    assert scores["ok"].boolean_value is True
    assert scores["note"].string_value == "Good.\nReally."
    assert Payload.objects.filter(inputs={"question": "What?"}, outputs__isnull=True).count() == 1


def test_columns_are_mapped_to_fields(project, tmp_path):
    factories.metric(project, "tone", ValueType.CATEGORICAL, categorical_choices=[
        {"value": "kind", "number": None, "archived": False}])  # fmt: skip
    mapping = ["--map", "inputs.question=frage", "--map", "outputs=antwort", "--map", "metric.tone=ton"]
    table = tmp_path / "t.csv"
    table.write_text("frage,antwort,ton\nWarum?,Darum.,kind\n")
    for file in (table, lines(tmp_path, {"frage": "Warum?", "antwort": "Darum.", "ton": "kind"})):
        assert run(project, file, *mapping)[0] == 0
    assert Payload.objects.filter(inputs={"question": "Warum?"}, outputs="Darum.").count() == 2
    assert Score.objects.filter(categorical_value=["kind"]).count() == 2


@pytest.mark.parametrize("text", ["a,b\n1,2,3\n", 'a,b\n"x"y,2\n'])
def test_a_broken_row_of_a_table_is_named(project, tmp_path, text):
    file = tmp_path / "rows.csv"
    file.write_text(text + "good,1\n")
    code, out, err = run(project, file)
    assert code == 1
    assert err.startswith("line 2: ")
    assert Record.objects.filter(metadata={"a": "good", "b": "1"}).count() == 1


def test_a_row_with_more_spans_than_one_transaction_takes_is_refused_alone(project, tmp_path):
    many = {"name": "big", "spans": [{"name": "s"}] * 1000}
    some = {"name": "some", "spans": [{"name": "s"}] * 700}
    code, out, err = run(project, lines(tmp_path, some, many, some | {"name": "other"}))
    assert code == 1
    assert err.startswith("line 2: spans: ")
    assert set(Record.objects.filter(is_root=True).values_list("name", flat=True)) == {"some", "other"}
    assert Record.objects.count() == 1402


def test_an_unknown_metric_is_made_and_a_wrong_value_refused(project, tmp_path):
    file = lines(
        tmp_path,
        {"scores": [{"metric": "new", "numerical_value": 3}]},
        {"scores": [{"metric": "new", "boolean_value": True}]},
    )
    code, _, err = run(project, file)
    assert code == 1
    assert "scores.0.boolean_value: new is a numerical metric: use numerical_value" in err
    assert Metric.objects.get(project=project).automatic


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--map", "question"], "FIELD=COLUMN"),
        (["--map", "colour=x"], "no field 'colour'"),
        (["--map", "inputs.=x"], "no field"),
        (["--map", "inputs=x", "--map", "outputs=x"], "mapped already"),
    ],
)
def test_a_mapping_to_nothing_is_refused_before_anything_is_read(project, tmp_path, options, words):
    with pytest.raises(CommandError, match=words):
        run(project, lines(tmp_path, {"name": "a"}), *options)
    assert not Record.objects.exists()


def test_a_missing_file_project_or_format_is_said(project, tmp_path):
    with pytest.raises(CommandError, match="cannot be read"):
        run(project, tmp_path / "none.jsonl")
    with pytest.raises(CommandError, match="--format"):
        run(project, lines(tmp_path, name="rows.txt"))
    with pytest.raises(CommandError, match="no project"):
        call_command("import_records", "x.jsonl", "--project", "nowhere")
    binary = tmp_path / "rows.csv"
    binary.write_bytes(b"a,b\n\xff,1\n")
    with pytest.raises(CommandError, match="cannot be read"):
        run(project, binary)
