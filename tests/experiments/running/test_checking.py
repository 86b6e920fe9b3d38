"""What is refused before an experiment is accepted, by the field that is wrong; and what is estimated of the others."""

import pytest
from django.core.exceptions import ValidationError

from experiments.models import Experiment, ExperimentState
from experiments.prompts.versions import new_version
from experiments.running import cases as looking
from experiments.running import checking, steering
from experiments.running.checking import check
from experiments.running.estimate import estimate
from scoring.evaluators import archive_evaluator, create_evaluator, save_version
from scoring.models import ScoringRun
from scoring.providers import archive_provider
from tests import factories
from tests.experiments.running.begun import (
    add_cases,
    begin,
    dataset,
    prompt,
    provider,
    questions,
    rows,
    states,
    turned,
    wanted,
)
from tests.scoring.running import exact

pytestmark = pytest.mark.usefixtures("rung")


def refused(project, workflow: str, **more) -> dict[str, str]:
    """The problems by field; nothing was stored."""
    with pytest.raises(ValidationError) as caught:
        begin(project, workflow, **more)
    assert not Experiment.objects.exists() and not ScoringRun.objects.exists()
    return {name: " ".join(messages) for name, messages in caught.value.message_dict.items()}


def test_unknown_archived_and_human_evaluators_are_refused_at_once(project):
    cases = dataset(project, *questions(1))
    archive_evaluator(exact(project, "old"), "anna")
    create_evaluator(project, "anna", slug="people", type="human", metric=factories.metric(project), definition={})
    for slug, says in (("gone", "no evaluator"), ("old", "archived"), ("people", "scored by people")):
        assert says in refused(project, "custom", dataset=cases.slug, evaluators=[slug])["evaluators"]


def test_prompts_need_a_deployed_or_a_named_committed_version(project, server):
    its, cases = provider(project, server), dataset(project, *questions(1))
    made = prompt(project, its)
    new_version(made, "anna", messages=[{"role": "user", "content": "New: {{ question }}"}])
    said = {"dataset": cases.slug, "prompt": made.slug}
    assert "draft" in refused(project, "prompt", version=2, **said)["version"]
    assert "no version 9" in refused(project, "prompt", version=9, **said)["version"]
    assert "no prompt" in refused(project, "prompt", dataset=cases.slug, prompt="gone")["prompt"]
    made.versions.update(deployed=False)
    assert "no deployed version" in refused(project, "prompt", **said)["prompt"]
    assert begin(project, "prompt", version=1, **said).prompt_version.number == 1


def test_every_case_must_have_the_prompts_variables(project, server):
    made = prompt(project, provider(project, server))
    cases = dataset(
        project, {"question": "What?"}, {"query": "What?"}, {"question": None}, [{"role": "user", "content": "x"}]
    )
    says = refused(project, "prompt", dataset=cases.slug, prompt=made.slug)["dataset"]
    assert "Cases case-2, case-3: The variable question is missing." in says and "case-4" in says


def test_a_variable_that_the_prompt_does_not_use_is_a_warning(project, server):
    made = prompt(project, provider(project, server))
    cases = dataset(project, {"question": "What?", "tone": "kind"})
    checked = check(project, wanted("prompt", dataset=cases.slug, prompt=made.slug))
    assert "tone" in checked.warnings[0]


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"question": "What?"}, "no array of messages"),
        ([{"content": "x"}], "no role"),
        ([{"role": "user", "content": None}], "no content"),
    ],
)
def test_completions_need_messages(project, server, inputs, says):
    cases = dataset(project)
    # The dataset's own door is stricter: such a case may be from before.
    cases.items.create(
        project=project, case_id="case-1", position=1, inputs=inputs, search_text="", first_revision=1, created_by="a"
    )
    cases.revision, cases.size = 1, 1
    cases.save()
    said = {"dataset": cases.slug, "provider_id": provider(project, server).pk, "model": "m"}
    assert says in refused(project, "completion", **said)["dataset"]


def test_what_is_named_must_be_there(project, server):
    empty, cases = dataset(project), dataset(project, *questions(1))
    assert "no cases" in refused(project, "custom", dataset=empty.slug)["dataset"]
    assert "no cases of the split test" in refused(project, "custom", dataset=cases.slug, split="test")["dataset"]
    assert "no dataset" in refused(project, "custom", dataset="gone")["dataset"]
    assert "newest revision is 1" in refused(project, "custom", dataset=cases.slug, revision=7)["revision"]
    assert "no experiment" in refused(project, "custom", dataset=cases.slug, baseline="gone")["baseline"]
    both = refused(project, "completion", dataset=cases.slug, epochs=0)
    assert {"model", "epochs"} <= set(both)
    foreign = dataset(factories.project(), *questions(1), slug="theirs")
    assert "no dataset" in refused(project, "custom", dataset=foreign.slug)["dataset"]


def test_names_are_made_addresses_and_taken_ones_numbered(project):
    cases = dataset(project, *questions(1))
    slugs = [begin(project, "custom", name="My try!", dataset=cases.slug).slug for _ in range(3)]
    assert slugs == ["my-try", "my-try-2", "my-try-3"]
    assert begin(project, "custom", name="Compare", dataset=cases.slug).slug == "compare-2"  # that is a page's address
    with pytest.raises(ValidationError) as caught:
        begin(project, "custom", name="x", slug="my-try", dataset=cases.slug)
    assert caught.value.error_dict["slug"][0].code == "taken"


def test_calls_tokens_and_cost_are_estimated_apart_for_outputs_and_judging(project, server):
    made = prompt(project, provider(project, server), "x" * 400 + "{{ question }}")
    cases = dataset(project, *questions(10))
    evaluator = exact(project)
    said = wanted("prompt", dataset=cases.slug, prompt=made.slug, evaluators=[evaluator.slug], epochs=2)
    expected = estimate(check(project, said))
    assert (expected.rows, expected.cases, expected.calls, expected.judging_calls) == (20, 10, 20, 20)
    assert 2_000 < expected.tokens_in < 2_200 and expected.tokens_out == 20 * 300
    assert 0.3 < expected.cost < 0.35 and expected.judging_cost == 0


@pytest.fixture
def no_time(monkeypatch):
    """The request has no time to look at a case."""
    monkeypatch.setattr(checking, "in_time", lambda: lambda: False)


def test_cases_that_the_request_had_no_time_for_are_looked_at_before_the_first_call(project, server, no_time):
    made = prompt(project, provider(project, server))
    cases = dataset(project, {"question": "One?"}, {"query": "Two?"}, {"query": "Three?"})
    its = begin(project, "prompt", dataset=cases.slug, prompt=made.slug)
    assert "first 0 of 3 cases" in its.estimate["warnings"][0] and its.planned_at is None
    assert turned(its).reason.startswith("2 of 3 cases cannot be put to the model, and none was asked yet.")
    assert "Cases case-2, case-3: The variable question is missing." in its.reason and server.requests == []
    steering.resume(its, "anna")
    assert states(turned(its)) == ["generated", "errored", "errored"] and len(server.requests) == 1
    assert its.state == ExperimentState.COMPLETED_WITH_ERRORS and "question is missing" in rows(its)[1].error


def test_a_small_dataset_is_looked_at_whole_on_a_busy_machine_too(project, server, monkeypatch):
    monkeypatch.setattr(looking, "REQUEST_SECONDS", -1.0)
    made = prompt(project, provider(project, server))
    said = {"dataset": dataset(project, *questions(3)).slug, "prompt": made.slug}
    assert check(project, wanted("prompt", **said)).whole
    monkeypatch.setattr(looking, "ALWAYS", 2)
    assert not check(project, wanted("prompt", **said)).whole


def test_sound_cases_are_looked_at_and_then_asked_in_one_turn(project, server, no_time):
    made = prompt(project, provider(project, server))
    its = begin(project, "prompt", dataset=dataset(project, *questions(2)).slug, prompt=made.slug)
    assert turned(its).state == ExperimentState.COMPLETED and its.planned_at and len(server.requests) == 2


def test_one_that_is_cancelled_or_stopped_while_its_cases_are_looked_at_asks_nothing(project, server, no_time):
    made = prompt(project, provider(project, server))
    its = begin(project, "prompt", dataset=dataset(project, *questions(2)).slug, prompt=made.slug)
    archive_provider(made.versions.get().provider, "anna")
    assert "archived" in turned(its).reason and its.planned_at is None
    assert steering.cancel(its, "anna")
    assert turned(its).totals["states"] == {"cancelled": 2} and server.requests == []


def test_an_experiment_keeps_revision_and_versions_as_they_were(project, server):
    made, evaluator = prompt(project, provider(project, server)), exact(project)
    cases = dataset(project, *questions(2))
    its = begin(project, "prompt", dataset=cases.slug, prompt=made.slug, evaluators=[evaluator.slug])
    add_cases(cases, {"question": "Later?"}, first=9)
    save_version(evaluator, "anna", {"builtin": "contains", "settings": {"texts": ["2"]}})
    assert its.dataset_revision == 1 and its.rows.count() == 2
    assert its.evaluators.get().evaluator_version.number == 1
    assert begin(project, "prompt", dataset=cases.slug, prompt=made.slug, revision=2).rows.count() == 3
