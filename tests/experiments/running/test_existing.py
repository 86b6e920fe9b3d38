"""Outputs that are there already, scored as an experiment; and uploaded ones, adopted."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from experiments.models import ExperimentState, RowState
from experiments.running.uploads import adopt, uploads
from records.drafts import RecordDraft, ScoreDraft
from records.ingest import ingest
from records.models import Source, ValueType
from scoring.runs.steering import NotNow
from tests import factories
from tests.experiments.running.begun import begin, rows, scores, states, turned
from tests.scoring.running import exact, matching, sent, ticked

pytestmark = pytest.mark.usefixtures("rung")


def uploaded(project, name: str, number: int, **more) -> None:
    """As a test script posts its results, a score with each."""
    start = timezone.now() - timedelta(hours=1)
    drafts = [
        RecordDraft(
            f"{name}-{n}", Source.API, start, experiment=name, case_id=f"c{n}", outputs="x",
            scores=[ScoreDraft("right", {"boolean_value": n > 1})], **more,
        )
        for n in range(1, number + 1)
    ]  # fmt: skip
    ingest(project, drafts, "ci")


def test_given_records_are_scored_and_stay_what_they_are(project):
    ids = sent(project, 3)
    exact(project, text="1")
    done = turned(begin(project, "existing", records=ticked(project, ids[:2]), evaluators=["exact"]))
    assert (done.state, states(done)) == (ExperimentState.COMPLETED, [RowState.SCORED] * 2)
    assert {row.record_id for row in rows(done)} == set(ids[:2]) and len(scores(done)) == 2
    again = turned(begin(project, "existing", records=ticked(project, ids[1:]), evaluators=["exact"]))
    assert len(scores(again)) == 3  # the second record stands in both, with a score of each


def test_all_behind_a_filter_become_rows_slice_by_slice(project, monkeypatch):
    from experiments.running import planning

    sent(project, 25)
    exact(project, text="1")
    monkeypatch.setattr(planning, "MAX_ITEMS", 10)
    monkeypatch.setattr(planning, "AT_ONCE_SECONDS", 0)
    its = begin(project, "existing", records=matching(project, "inputs.n < 22"), evaluators=["exact"])
    assert its.planned_at is None and its.rows.count() == 0
    sent(project, 1, first=30)  # came later: not of it
    assert turned(its).state == ExperimentState.COMPLETED and its.rows.count() == 22


def test_records_of_one_case_are_its_epochs(project):
    drafts = [RecordDraft(f"e{n}", Source.API, timezone.now(), case_id="c1", epoch=n, outputs="x") for n in (1, 2, 3)]
    ids = ingest(project, drafts, "ci").ids
    its = turned(begin(project, "existing", records=ticked(project, ids)))
    assert [(row.case_id, row.epoch, row.record_id) for row in rows(its)] == [("c1", n, ids[n - 1]) for n in (1, 2, 3)]


def test_a_filter_that_matches_nothing_is_refused(project):
    with pytest.raises(ValidationError, match="No record matches"):
        begin(project, "existing", records=matching(project, "model:nothing"))


def test_uploaded_names_are_listed_until_they_are_adopted(project):
    factories.metric(project, "right", ValueType.BOOLEAN, passing_value=True)
    uploaded(project, "Nightly run #7", 3)
    uploaded(project, "other", 1)
    uploaded(factories.project(), "theirs", 1)
    assert {(one.name, one.records, one.by) for one in uploads(project)} == {
        ("Nightly run #7", 3, "ci"), ("other", 1, "ci"),
    }  # fmt: skip
    adopted = turned(adopt(project, "Nightly run #7", "anna"))
    assert (adopted.slug, adopted.label, adopted.uploaded) == ("nightly-run-7", "Nightly run #7", True)
    assert (adopted.state, [row.case_id for row in rows(adopted)]) == (ExperimentState.COMPLETED, ["c1", "c2", "c3"])
    (frozen,) = adopted.evaluators.all()
    assert (frozen.metric.slug, frozen.evaluator_version) == ("right", None)
    (told,) = adopted.totals["metrics"]
    assert (told["slug"], told["n"], told["passed"]) == ("right", 3, 2)
    assert [one.name for one in uploads(project)] == ["other"]
    for name in ("nightly RUN #7", "nobody", ""):
        with pytest.raises(NotNow):
            adopt(project, name, "anna")


def test_a_name_that_makes_no_address_gets_one(project):
    uploaded(project, "模型", 1)
    assert adopt(project, "模型", "anna").slug == "uploaded-2"


def test_two_clicks_on_adopt_are_one_experiment_and_a_word(project, monkeypatch):
    from experiments.running import uploads as module

    uploaded(project, "nightly", 1)
    started = module.start

    def overtaken(project, wanted, by):
        raise ValidationError({"slug": "The project has an experiment nightly already."})

    monkeypatch.setattr(module, "start", overtaken)
    with pytest.raises(NotNow, match="has an experiment nightly already"):
        adopt(project, "nightly", "anna")
    monkeypatch.setattr(module, "start", started)
    assert adopt(project, "nightly", "anna").slug == "nightly"
