"""The release gate: its exit codes, what it stores, its JUnit file, and the API's call."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from itertools import count
from xml.etree import ElementTree

import pytest

from evalhub.models import Scope
from experiments.gate.judging import judge, recomputed
from experiments.management.commands.gate import Command
from experiments.models import Experiment, ExperimentState, Gate
from tests import factories
from tests.experiments import made
from tests.records.api.calls import call, key

pytestmark = pytest.mark.django_db


@pytest.fixture
def correct(project):
    return made.boolean(project)


@pytest.fixture(autouse=True)
def open_connection(monkeypatch):
    """A command that is called as from a shell closes the connection, and the test's transaction with it."""
    monkeypatch.setattr("django.core.management.base.connections.close_all", lambda: None)


def pair(project, metric, n=200, lost=0, won=0, **second) -> tuple[Experiment, Experiment]:
    before, after = made.flipping(metric, n, lost=lost, won=won)
    return made.experiment(project, "base", before), made.experiment(project, "new", after, **second)


def gate(*args: str) -> int:
    with pytest.raises(SystemExit) as end:
        Command().run_from_argv(["manage.py", "gate", *args])
    return end.value.code


NAMED = ("--experiment", "new", "--baseline", "base")


@pytest.mark.parametrize(
    ("lost", "won", "condition", "code", "says"),
    [
        (2, 3, "correctness:margin=0.05", 0, "not worse by 5 points or more"),
        (40, 1, "correctness:margin=0.05", 1, "worse by 5 points or more"),
        (9, 5, "correctness:margin=0.02", 2, "cannot tell whether it is worse by 2 points or more"),
        (9, 5, "correctness", 0, "not seen to be worse"),
        (40, 1, "correctness", 1, "worse than the baseline"),
        (2, 3, "correctness:min=0.9", 0, "keeps min 0.9"),
        (60, 0, "correctness:min=0.9", 1, "breaks min 0.9"),
        (20, 0, "correctness:min=0.9", 2, "cannot be told from min 0.9"),
        (0, 0, "cost:max=+10%", 0, "+0.0%: keeps max +10%"),
    ],
)
def test_the_exit_code_is_the_outcome(project, correct, capsys, lost, won, condition, code, says):
    pair(project, correct, lost=lost, won=won)
    assert gate(*NAMED, "--metric", condition) == code
    out = capsys.readouterr().out
    assert says in out and {0: "The gate passes.", 1: "The gate fails.", 2: "The gate cannot tell."}[code] in out
    stored = Gate.objects.get()
    assert stored.outcome == {0: "pass", 1: "fail", 2: "inconclusive"}[code] and stored.by == "gate"
    assert stored.asked == {"metrics": [condition], "missing": "fail", "together": ""}


def test_a_higher_cost_breaks_its_bound(project, correct, capsys):
    pair(project, correct, cost="0.0025")
    assert gate(*NAMED, "--metric", "cost:max=+10%", "--metric", "correctness:margin=0.05") == 1
    assert "+25.0%: breaks max +10%" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ((), "required"),
        (("--experiment", "new"), "required"),
        ((*NAMED, "--metric", "correctness:margin=2%"), "is not a number"),
        ((*NAMED, "--metric", "speed"), "base has no metric 'speed': it has correctness."),
        ((*NAMED, "--metric", "correctness", "--missing", "maybe"), "invalid choice"),
        (("--experiment", "newer", "--baseline", "base", "--metric", "correctness"), "no experiment 'newer'"),
        (("--experiment", "new", "--baseline", "older", "--metric", "correctness"), "no experiment 'older'"),
        (("--experiment", "new", "--metric", "correctness"), "has no baseline of its own"),
        (("--experiment", "new", "--baseline", "new", "--metric", "correctness"), "cannot be its own baseline"),
        ((*NAMED, "--metric", "correctness", "--together", "tags"), "not grouped by 'tags'"),
        ((*NAMED, "--metric", "correctness", "--together", "thread"), "No case of base has thread"),
        (("--project", "no-such", *NAMED, "--metric", "correctness"), "no project 'no-such'"),
    ],
)
def test_what_is_asked_wrongly_ends_with_3(project, correct, capsys, args, says):
    pair(project, correct, n=20)
    assert gate(*args) == 3
    assert says in capsys.readouterr().err and not Gate.objects.exists()


def test_one_that_is_not_over_or_was_cancelled_ends_with_3(project, correct, capsys):
    _, new = pair(project, correct, n=20, state=ExperimentState.RUNNING)
    assert gate(*NAMED, "--metric", "correctness") == 3
    assert "new is running, not completed" in capsys.readouterr().err
    assert gate(*NAMED, "--metric", "correctness", "--wait", "0") == 3
    out = capsys.readouterr()
    assert "20 of 20 rows have their output; no worker is running" in out.out and "not over yet" in out.err
    Experiment.objects.filter(pk=new.pk).update(state=ExperimentState.CANCELLED)
    assert gate(*NAMED, "--metric", "correctness", "--wait") == 3
    assert "new was cancelled" in capsys.readouterr().err


def test_an_error_ends_with_3_too():
    """No database there: neither 1, which would mean that it fails, nor 2."""
    env = os.environ | {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
    done = subprocess.run(
        [sys.executable, "manage.py", "gate", *NAMED, "--metric", "correctness"],
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 3 and "no database" in done.stderr


def test_the_same_name_in_two_projects_asks_which(project, correct, capsys):
    pair(project, correct, n=20)
    other = factories.project("other")
    pair(other, made.boolean(other), n=20)
    assert gate(*NAMED, "--metric", "correctness:margin=0.5") == 3
    assert "say --project" in capsys.readouterr().err
    assert gate("--project", "other", *NAMED, "--metric", "correctness:margin=0.5") == 0


def test_missing_cases_fail_unless_they_are_to_be_ignored(project, correct, capsys):
    before, after = made.flipping(correct, 100)
    after.pop("case-007")
    after["case-009"][correct] = made.ERRORED
    made.experiment(project, "base", before)
    made.experiment(project, "new", after, inputs={"case-008": "case-008"})
    asked = (*NAMED, "--metric", "correctness:margin=0.1")
    assert gate(*asked) == 1
    assert "missing=fail: 1 only in the baseline, 1 without correctness on a side" in capsys.readouterr().out
    assert gate(*asked, "--missing", "ignore") == 0
    assert "ignored: 1 only in the baseline" in capsys.readouterr().out


def test_too_few_cases_and_none_in_both_cannot_be_told(project, correct):
    pair(project, correct, n=8)
    assert gate(*NAMED, "--metric", "correctness:margin=0.1") == 2
    made.experiment(project, "alien", {"x": {correct: True}}, inputs={"x": "alien"})
    assert gate("--experiment", "alien", "--baseline", "base", "--metric", "correctness", "--missing", "ignore") == 2


def test_its_own_baseline_serves_where_none_is_said(project, correct):
    base, new = pair(project, correct)
    Experiment.objects.filter(pk=new.pk).update(baseline=base)
    assert gate("--experiment", "new", "--metric", "correctness:margin=0.05") == 0


def test_cases_that_belong_together_count_as_one(project, correct, capsys):
    """Two of forty documents turned, and all five cases of each with them: that is no ten cases of two hundred."""
    before, after = made.flipping(correct, 200, lost=10)
    documents = {case: {"document": f"case-{i // 5:03}"} for i, case in enumerate(before)}  # named like other cases
    base = made.experiment(project, "base", before, metadata=documents)
    new = made.experiment(project, "new", after, metadata=documents)
    alone = judge(new, base, ["correctness", "latency:max=2"], "ina")
    assert alone.outcome == "fail" and alone.checks[0]["method"].startswith("exact McNemar")
    asked = ("--metric", "correctness:min=0.8", "--metric", "cost:max=+10%", "--metric", "latency")
    assert gate(*NAMED, *asked, "--metric", "tokens:max=60", "--together", "metadata.document") == 0
    assert "cases together by metadata.document" in capsys.readouterr().out
    stored = Gate.objects.first()
    assert stored.together == "metadata.document" and [asdict(one) for one in recomputed(stored)] == stored.checks
    (check, *_), (evidence, *_) = stored.checks, stored.evidence["metrics"]
    assert check["method"] == "t interval, clustered" and check["low"] < -0.1 < check["high"]
    assert evidence["groups"] == evidence["own_groups"] == [i // 5 for i in range(200)]


def test_what_is_stored_is_enough_to_judge_again(project, correct):
    base, new = pair(project, correct, lost=9, won=5)
    found = judge(new, base, ["correctness:margin=0.02", "cost:max=+10%", "latency"], "ina", missing="ignore")
    found.refresh_from_db()
    base.delete()
    found.refresh_from_db()
    assert found.baseline is None and found.baseline_slug == "base"
    assert [asdict(one) for one in recomputed(found)] == found.checks
    assert len(found.evidence["metrics"][0]["before"]) == 200
    assert found.evidence["metrics"][0]["by"] == ["correctness-judge v1"] * 2


def test_the_junit_file_is_red_for_what_fails_and_for_what_cannot_be_told(project, correct, tmp_path):
    pair(project, correct, lost=9, won=5, cost="0.004")
    path = tmp_path / "gate.xml"
    asked = ("--metric", "correctness:margin=0.02", "--metric", "cost:max=+10%", "--metric", "latency:max=5")
    assert gate(*NAMED, *asked, "--junit", str(path)) == 1
    suite = ElementTree.parse(path).getroot().find("testsuite")  # noqa: S314 - our own file
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "1", "1")
    by_name = {case.get("name"): [child.tag for child in case] for case in suite}
    assert by_name == {
        "correctness:margin=0.02": ["error"], "cost:max=+10%": ["failure"], "latency:max=5": ["system-out"],
        "missing=fail": ["system-out"],
    }  # fmt: skip
    assert gate(*NAMED, *asked, "--junit", str(tmp_path / "no" / "gate.xml")) == 3


def test_other_versions_of_an_evaluator_are_said(project, correct, capsys, tmp_path):
    pair(project, correct, versions={correct: made.version(correct, 2)})
    assert gate(*NAMED, "--metric", "correctness:margin=0.1", "--junit", str(tmp_path / "gate.xml")) == 0
    said = "Correctness was measured by correctness-judge v1 and by correctness-judge v2."
    assert f"beware: {said}" in capsys.readouterr().out and Gate.objects.get().warnings == [said]
    assert said in (tmp_path / "gate.xml").read_text()


def test_more_rows_than_are_read_are_not_judged_in_part(project, correct, capsys, monkeypatch):
    pair(project, correct, n=20)
    monkeypatch.setattr("experiments.comparison.reading.MOST_ROWS", 10)
    assert gate(*NAMED, "--metric", "correctness:margin=0.1") == 3
    assert "more rows than the 10" in capsys.readouterr().err


def test_the_api_judges_and_stores_alike(project, correct):
    pair(project, correct, lost=40)
    asked = {"experiment": "new", "baseline": "base", "metrics": ["correctness:margin=0.05"]}
    done = call(key(project), "POST", "/gate", asked)
    assert done.status == 200, done.body
    assert (done.body["outcome"], done.body["exit_code"], done.body["by"]) == ("fail", 1, "key ci")
    assert done.body["checks"][0]["change"] == pytest.approx(-0.2) and Gate.objects.get().pk == done.body["id"]
    assert call(key(project, Scope.READ), "POST", "/gate", asked).status == 403
    assert (
        call(key(project), "POST", "/gate", asked | {"metrics": ["speed"]}).fields["metrics"].startswith("base has no")
    )
    assert "thread" in call(key(project), "POST", "/gate", asked | {"together": "thread"}).fields["together"]
    assert call(key(project), "POST", "/gate", asked | {"baseline": "none"}).status == 400
    Experiment.objects.filter(slug="new").update(state=ExperimentState.PENDING)
    assert call(key(project), "POST", "/gate", asked).status == 409
    assert call(key(factories.project()), "POST", "/gate", asked).status == 400


def test_the_api_compares(project, correct):
    pair(project, correct, lost=40, won=1)
    done = call(key(project), "GET", "/experiments/compare?ids=base,new&margin=1")
    assert done.status == 200, done.body
    (versus,) = done.body["experiments"]
    (line,) = versus["metrics"]
    assert (line["metric"], line["verdict"], line["regressions"], line["n"]) == ("correctness", "worse", 40, 200)
    assert versus["regressions"][0] == {"case_id": "case-000", "changes": {"correctness": [1.0, 0.0]}}
    assert done.body["margin"] == 0.01 and versus["took"]["cost"]["verdict"] == "no difference"
    for query in (
        "ids=base",
        "ids=base,none",
        "ids=base,new&margin=x",
        "ids=base,new&together=a",
        "ids=base,new%00",
        "ids=base,new&together=metadata.%00",
        "ids=" + ",".join("abcdef"),
    ):
        assert call(key(project), "GET", f"/experiments/compare?{query}").status == 400, query
    assert call(None, "GET", "/experiments/compare?ids=base,new").status == 401
    lines = call(key(project), "GET", "/experiments/compare?ids=base,new", accept="application/x-ndjson").response
    cases = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert len(cases) == 200 and cases[0]["experiments"][1]["changes"] == {"correctness": -1.0}
    table = call(key(project), "GET", "/experiments/compare?ids=base,new", accept="text/csv").response
    assert table["Content-Type"].startswith("text/csv") and len(table.getvalue().splitlines()) == 201


def test_the_longest_wait_is_for_both_together(project, correct, monkeypatch):
    pair(project, correct)
    ticks, ends = count(), []
    monkeypatch.setattr("experiments.management.commands.gate.time.monotonic", lambda: next(ticks))
    monkeypatch.setattr(Command, "_wait", lambda self, experiment, until: ends.append((experiment.slug, until)))
    assert gate(*NAMED, "--metric", "correctness:margin=0.05", "--wait", "60") == 0
    assert ends == [("base", ends[0][1]), ("new", ends[0][1])]
