import json
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from evalhub.models import Role
from records.models import ColumnLayout, ValueType
from tests import factories
from tests.records.pages.test_record_list import HOSTILE, listed, reader, sent  # noqa: F401 - a fixture

LOOK = {"rows": "50", "density": "normal"}


@pytest.fixture
def edit(reader, project):  # noqa: F811
    def edit(query: str = "", **fields: object):
        url = reverse("records:layout", args=[project.slug])
        return reader.post(f"{url}?{query}", LOOK | fields, headers={"HX-Request": "true"})

    return edit


def dialog(client, project, **query: str) -> str:
    answer = client.get(reverse("records:layout", args=[project.slug]), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_saved_columns_are_the_lists_own_in_their_order(reader, project, edit):  # noqa: F811
    factories.metric(project, "quality")
    sent(project)
    answer = edit(columns=["metric.quality", "inputs.question", "created"])
    assert json.loads(answer["HX-Location"]) == {
        "path": reverse("records:list", args=[project.slug]) + "?q=", "target": "#results",
    }  # fmt: skip
    page = listed(reader, project)
    text = page.content.decode()
    assert text.index("Quality") < text.index(">question<") < text.index(">Created")
    assert "Answer 2." not in text


def test_a_link_carries_its_own_columns_and_leaves_what_is_saved(reader, project, edit):  # noqa: F811
    sent(project)
    edit(columns=["inputs"])
    text = listed(reader, project, columns="outputs,model").content.decode()
    assert "Answer 2." in text and "gpt-4o" in text and "Question 2?" not in text
    assert "Question 2?" in listed(reader, project).content.decode()


def test_the_dialog_begins_with_the_columns_that_the_link_has(reader, project, edit):  # noqa: F811
    edit(columns=["inputs"])
    assert 'value="outputs.answer"' in dialog(reader, project, columns="outputs.answer")
    assert 'name="columns" value="outputs' not in dialog(reader, project)


def test_saving_returns_to_the_same_filter_without_the_links_columns(edit):
    url = json.loads(
        edit("q=model:gpt*&spans=all&sort=cost&columns=id&after=x&open=y", columns=["inputs"])["HX-Location"]
    )
    assert parse_qs(urlsplit(url["path"]).query) == {"q": ["model:gpt*"], "spans": ["all"], "sort": ["cost"]}


def test_everybody_has_a_layout_of_their_own_in_each_project(client, reader, project, edit):  # noqa: F811
    sent(project)
    edit(columns=["outputs"])
    assert "Question 2?" not in listed(reader, project).content.decode()
    client.force_login(factories.member(project, Role.VIEWER))
    assert "Question 2?" in listed(client, project).content.decode()


def test_rows_density_and_wrapping_are_kept(reader, project, edit):  # noqa: F811
    sent(project, 120)
    edit(columns=["inputs"], rows="100", density="dense", wrap="on")
    text = listed(reader, project).content.decode()
    assert text.count("<tr data-id") == 100
    assert 'class="table fixed dense wrap"' in text


def test_saving_twice_keeps_one_row_and_reset_none(project, edit):
    edit(columns=["inputs"])
    edit(columns=["outputs"])
    assert ColumnLayout.objects.get(project=project).columns == ["outputs"]
    edit(reset="1")
    assert not ColumnLayout.objects.exists()


@pytest.mark.parametrize(
    "columns, said",
    [
        ([], "at least one column"),
        (["no.such"], "There is no column no.such"),
        (["metric.absent"], "There is no column metric.absent"),
        (["inputs.\0"], "There is no column"),
        ([f"metadata.k{n}" for n in range(41)], "at most 40 columns"),
    ],
)
def test_columns_that_make_no_table_are_refused_and_nothing_is_lost(edit, columns, said):
    answer = edit(columns=columns)
    assert answer.status_code == 422 and said in answer.content.decode()
    assert not ColumnLayout.objects.exists()


@pytest.mark.parametrize("fields", [{"rows": "51"}, {"density": "huge"}])
def test_a_look_that_there_is_not_is_refused(edit, fields):
    assert edit(columns=["inputs"], **fields).status_code == 422
    assert not ColumnLayout.objects.exists()


def test_paths_metrics_and_metadata_are_offered(reader, project):  # noqa: F811
    factories.metric(project, "tone", ValueType.BOOLEAN)
    sent(project, metadata={"plan": "gold", HOSTILE: 1})
    text = dialog(reader, project)
    for key in ("inputs.question", "metadata.plan", "metric.tone", "latency", "expected"):
        assert f'data-add="{key}"' in text, key
    assert HOSTILE not in text


def test_looking_writes_nothing(reader, project):  # noqa: F811
    dialog(reader, project)
    listed(reader, project)
    assert not ColumnLayout.objects.exists()


def test_a_layout_whose_metric_is_gone_shows_what_is_left(reader, project, edit):  # noqa: F811
    metric = factories.metric(project, "quality")
    sent(project)
    edit(columns=["metric.quality"])
    metric.delete()
    assert "Question 2?" in listed(reader, project).content.decode()


def test_the_layout_is_a_json_file(reader, project, edit):  # noqa: F811
    edit(columns=["inputs", 'metadata."ключ,x"'], rows="200", wrap="on")
    answer = reader.get(reverse("records:layout-json", args=[project.slug]))
    assert "attachment" in answer["Content-Disposition"]
    assert answer.json() == {
        "columns": ["inputs", 'metadata."ключ,x"'], "rows": 200, "density": "normal", "wrap": True, "widths": {},
    }  # fmt: skip


def widths(reader, project, **fields: object):  # noqa: F811
    return reader.post(reverse("records:layout-widths", args=[project.slug]), fields)


def test_a_columns_width_is_kept_beside_those_of_others_and_over_new_columns(reader, project, edit):  # noqa: F811
    sent(project)
    edit(columns=["inputs", "model"])
    assert widths(reader, project, columns=["inputs", "model"], widths=["320", "90"]).status_code == 204
    assert widths(reader, project, columns=["cost"], widths=["77"]).status_code == 204
    edit(columns=["inputs", "cost"], density="dense")
    text = listed(reader, project).content.decode()
    assert '<col data-column="inputs" width="320"><col data-column="cost" width="77">' in text
    assert "table fixed sized dense" in text
    exported = reader.get(reverse("records:layout-json", args=[project.slug])).json()
    assert exported["widths"] == {"inputs": 320, "cost": 77}
    widths(reader, project, columns=["inputs", "cost"], widths=["", ""])
    assert "sized" not in listed(reader, project).content.decode()
    assert ColumnLayout.objects.get(project=project).widths == {"model": 90}


def test_widths_leave_whoever_has_chosen_no_columns_with_the_defaults(reader, project):  # noqa: F811
    sent(project)
    widths(reader, project, columns=["inputs"], widths=["320"])
    assert "Latency" in listed(reader, project).content.decode()


@pytest.mark.parametrize(
    ("columns", "pixels"),
    [
        (["inputs"], ["5"]), (["inputs"], ["99999"]), (["inputs"], ["1e3"]), (["nothing"], ["100"]),
        (["inputs"], []), ([], []),
    ],
)  # fmt: skip
def test_widths_that_are_none_are_refused(reader, project, columns, pixels):  # noqa: F811
    answer = widths(reader, project, columns=columns, widths=pixels)
    assert answer.status_code == 400 and answer.headers["Content-Type"].startswith("text/plain")
    assert not ColumnLayout.objects.exists()
