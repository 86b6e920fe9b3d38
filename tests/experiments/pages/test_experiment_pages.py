"""The experiments' pages: the list, kickoff with its estimate, one experiment while it runs and afterwards."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from evalhub.models import Role
from experiments.models import Experiment, ExperimentState
from experiments.running import scores, steering, working
from tests import factories
from tests.experiments.running.begun import add_cases, begin, dataset, prompt, provider, rows, turned
from tests.experiments.running.test_existing import uploaded
from tests.model_server import said, status
from tests.scoring.running import exact, sent

pytestmark = pytest.mark.usefixtures("rung")


@pytest.fixture
def page(client, project):
    """`page("experiment", slug)` as an editor; the answer's text is in `.text`."""
    client.force_login(factories.member(project, Role.EDITOR, "eda"))

    def get(name: str, *args: str, method: str = "get", query: str = "", data: dict | None = None, **headers: str):
        address = reverse(f"experiments:{name}", args=[project.slug, *args]) + query
        response = getattr(client, method)(address, data, headers=headers)
        response.text_ = response.content.decode()
        return response

    return get


@pytest.fixture
def its(project, server):
    exact(project, text="Answer")
    made = prompt(project, provider(project, server))
    cases = dataset(project, {"question": "x" * 2_000}, {"question": "Short?"}, slug="cases")
    return {"dataset": cases.slug, "prompt": made.slug, "evaluators": ["exact"]}


def test_an_empty_list_says_what_an_experiment_is(page):
    answer = page("experiments")
    assert "No experiments yet" in answer.text_ and "New experiment" in answer.text_ and "every 4s" not in answer.text_


def test_the_list_shows_state_rows_results_and_cost_and_asks_again_while_one_is_at_work(page, project, its):
    turned(begin(project, "prompt", name="Done one", **its))
    answer = page("experiments", hx_request="true")
    assert "Done one" in answer.text_ and "completed" in answer.text_ and "100" in answer.text_
    assert "every 4s" not in answer.text_ and "<html" not in answer.text_
    begin(project, "prompt", name="Open one", **its)
    assert "every 4s" in page("experiments").text_


def test_uploaded_names_are_adopted_in_one_click(page, project):
    uploaded(project, "nightly 7", 2)
    assert "Uploaded" in page("experiments").text_
    adopted = page("experiment-adopt", method="post", data={"name": "nightly 7"})
    assert adopted.url == reverse("experiments:experiment", args=[project.slug, "nightly-7"])
    assert page("experiment-adopt", method="post", data={"name": "nightly 7"}).status_code == 422
    assert "Uploaded</h2>" not in page("experiments").text_


def test_what_came_with_the_name_since_is_told_and_taken_in(page, project):
    uploaded(project, "nightly 7", 2)
    page("experiment-adopt", method="post", data={"name": "nightly 7"})
    its = turned(Experiment.objects.get())
    assert "more record" not in page("experiment-progress", its.slug).text_
    uploaded(project, "nightly 7", 5)
    assert "3 more records came with its name" in page("experiment-progress", its.slug).text_
    assert "of 5 rows" in page("experiment-take", its.slug, method="post").text_
    assert turned(its).state == ExperimentState.COMPLETED and its.rows.count() == 5
    assert its.evaluators.count() == 1 and its.totals["metrics"][0]["n"] == 5
    its.uploaded = False
    its.save()
    assert page("experiment-take", its.slug, method="post").status_code == 422


def test_selected_records_become_an_experiment_from_the_records_page(page, project):
    exact(project, text="1")
    ids = [str(id) for id in sent(project, 4)]
    dialog = page("experiment-existing", query="?n=2").text_
    assert "2 records as an experiment" in dialog and 'value="exact" checked' in dialog
    assert page("experiment-existing").status_code == 422
    said = {"name": "Two", "evaluator": ["exact"], "ids": ids[:2]}
    answer = page("experiment-existing", method="post", data=said)
    assert answer.headers["HX-Redirect"] == reverse("experiments:experiment", args=[project.slug, "two"])
    assert Experiment.objects.get(slug="two").rows.count() == 2
    page("experiment-existing", method="post", data={"name": "All", "matching": "1", "q": "inputs.n > 0"})
    assert turned(Experiment.objects.get(slug="all")).rows.count() == 3
    for wrong in ({"name": "", "ids": ids}, {"name": "x"}, {"name": "x", "matching": "1", "q": "nosuch: 1"}):
        assert page("experiment-existing", method="post", data=wrong).status_code == 422


def test_the_form_may_be_filled_by_the_address_and_ticks_primary_evaluators(page, project, its):
    answer = page("experiment-new", query="?dataset=cases&workflow=completion&model=m")
    assert '<option value="cases" selected' in answer.text_ and 'value="completion"' in answer.text_
    form = answer.context["form"]
    assert form.initial["workflow"] == "completion" and form.initial["evaluators"] == ["exact"]
    assert page("experiment-new", query="?q=model:x").context["form"].initial["workflow"] == "existing"
    assert page("experiment-new", query="?workflow=odd").context["form"].initial["workflow"] == "prompt"


def posted(**more) -> dict:
    usual = {"name": "Try", "workflow": "prompt", "epochs": 1, "concurrency": 8, "hours": 24}
    return usual | {name: value for name, value in more.items()}


def test_the_estimate_is_shown_before_the_click_or_why_it_cannot_begin(page, project, its):
    answer = page("experiment-estimate", method="post", data=posted(name="", **its))
    assert "Judging calls" in answer.text_ and "≈" in answer.text_ and not Experiment.objects.exists()
    answer = page("experiment-estimate", method="post", data=posted(workflow="prompt", dataset="cases"))
    assert "Choose a prompt." in answer.text_
    answer = page("experiment-estimate", method="post", data=posted(workflow="existing", q="nosuch: 1"))
    assert "nosuch" in answer.text_


def test_a_valid_form_begins_and_a_wrong_one_says_what_is_wrong_at_the_field(page, project, its, rung):
    answer = page("experiment-new", method="post", data=posted(name="From the page", epochs=2, **its))
    begun = Experiment.objects.get()
    assert answer.url == reverse("experiments:experiment", args=[project.slug, begun.slug])
    assert (begun.epochs, begun.created_by, begun.user.username, rung) == (2, "eda", "eda", [begun.pk])
    wrong = page("experiment-new", method="post", data=posted(dataset="cases", workflow="completion", parameters="[1]"))
    assert wrong.status_code == 422 and "An object, such as" in wrong.text_
    empty = dataset(project, slug="empty")
    wrong = page("experiment-new", method="post", data=posted(**its | {"dataset": empty.slug}))
    assert wrong.status_code == 422 and "has no cases yet" in wrong.text_
    sent(project, 2)
    page(
        "experiment-new",
        method="post",
        data=posted(name="Old", workflow="existing", q="inputs.n < 1", evaluators=["exact"]),
    )
    assert Experiment.objects.get(slug="old").filter == "inputs.n < 1"


def test_progress_polls_while_at_work_and_stops_itself(page, project, its):
    begun = begin(project, "prompt", **its)
    whole = page("experiment", begun.slug)
    assert "every 2s" in whole.text_ and "0 of 2 rows" in whole.text_
    assert page("experiment-progress", begun.slug).status_code == 200
    turned(begun)
    ended = page("experiment-progress", begun.slug)
    assert (ended.status_code, "every 2s" in ended.text_) == (286, False)
    assert "experiment-ended" in ended.headers["HX-Trigger"] and "2 of 2 rows" in ended.text_


def test_the_page_answers_why_nothing_is_there_yet(page, project, its, monkeypatch):
    from experiments.views import experiments as views

    begun = begin(project, "prompt", **its | {"evaluators": []})
    assert "No evaluator is frozen for it" in page("experiment", begun.slug).text_
    begun.beat_at = timezone.now() - timedelta(minutes=2)
    begun.save()
    for workers, says in ((0, "no worker is running"), (None, "does not answer"), (1, "Waiting for a worker")):
        monkeypatch.setattr(views, "workers_of", lambda queue, n=workers: n)
        assert says in page("experiment-progress", begun.slug).text_
    custom = begin(project, "custom", dataset="cases")
    assert "Waiting for clients" in page("experiment-progress", custom.slug).text_


def test_a_provider_that_asked_to_wait_is_named_and_no_worker_is_missed(page, project, its):
    begun = begin(project, "prompt", **its)
    begun.rows.update(not_before=timezone.now() + timedelta(minutes=10), error="m answered 429")
    Experiment.objects.update(beat_at=timezone.now() - timedelta(minutes=2))
    waiting = page("experiment-progress", begun.slug).text_
    assert "Waiting for the provider" in waiting and "10 min" in waiting and "worker" not in waiting
    assert "m answered 429" in page("experiment-rows", begun.slug).text_


def test_rows_show_previews_marked_truncated_states_scores_and_lead_to_their_records(page, project, its, server):
    server.answers.append(said("Ends he", finish="length"))
    begun = begin(project, "prompt", concurrency=1, **its)
    waiting = page("experiment-rows", begun.slug)
    assert "pending" in waiting.text_ and "truncated" in waiting.text_ and "every 2s" in waiting.text_
    turned(begun)
    shown = page("experiment-rows", begun.slug).text_
    first = rows(begun)[0]
    assert reverse("records:detail", args=[project.slug, first.record_id]) in shown
    assert "truncated, see it whole" in shown and "cut at the token limit" in shown and "every 2s" not in shown
    assert "ended at the token limit" in page("experiment-progress", begun.slug).text_


def test_rows_are_filtered_by_state_and_errors_stand_with_them(page, project, its, server):
    server.refuses = lambda request: status(400, message="no such model") if "Short" in str(request.body) else None
    begun = turned(begin(project, "prompt", **its))
    errored = page("experiment-rows", begun.slug, query="?state=errored").text_
    assert "case-2" in errored and "case-1" not in errored and "no such model" in errored
    assert "No row is" in page("experiment-rows", begun.slug, query="?state=expired").text_
    assert "Retry errored (1)" in page("experiment", begun.slug).text_


def test_cancel_resume_and_retry_answer_the_part_that_changes(page, project, its):
    begun = begin(project, "prompt", **its)
    assert page("experiment-resume", begun.slug, method="post").status_code == 422
    cancelled = page("experiment-cancel", begun.slug, method="post")
    assert "Cancelled: 2 of 2" in cancelled.text_ and "Retry what is missing (2)" in cancelled.text_
    Experiment.objects.update(beat_at=timezone.now() - timedelta(days=1))
    retried = page("experiment-retry", begun.slug, method="post").text_
    assert "Running" in retried and "Waiting" not in retried  # what was seen of a worker before counts no longer
    Experiment.objects.update(reason="The key is refused.")
    stopped = page("experiment", begun.slug).text_
    assert "The key is refused." in stopped and "Resume" in stopped and "every 2s" not in stopped
    assert "Resume" not in page("experiment-resume", begun.slug, method="post").text_


def test_evaluators_are_run_again_from_a_dialog(page, project, its):
    begun = turned(begin(project, "prompt", **its))
    dialog = page("experiment-rescore", begun.slug)
    assert "data-open" in dialog.text_ and "checked" in dialog.text_
    assert page("experiment-rescore", begun.slug, method="post", data={}).status_code == 422
    assert page("experiment-rescore", begun.slug, method="post", data={"evaluator": "exact"}).headers["HX-Refresh"]
    assert "2. exact v1" in page("experiment", begun.slug).text_


def test_a_further_set_is_watched_until_its_scores_are_there_and_the_results_are_told(page, project, its):
    begun = turned(begin(project, "prompt", **its))
    assert "every 2s" not in page("experiment-sets", begun.slug).text_
    page("experiment-rescore", begun.slug, method="post", data={"evaluator": "exact"})
    whole = page("experiment", begun.slug).text_
    assert "0 of 2" in whole and f"{begun.slug}/sets?moved=1" in whole
    moving = page("experiment-sets", begun.slug, query="?moved=1")
    assert "every 2s" in moving.text_ and "HX-Trigger" not in moving.headers
    turned(begun)
    (run,) = scores.runs_of_set(begun, 2)
    working.scoring.take_turn(run.pk, 5)
    ended = page("experiment-sets", begun.slug, query="?moved=1")
    assert "every 2s" not in ended.text_ and "sets-scored" in ended.headers["HX-Trigger"]


def test_run_again_fills_the_form_with_all_that_was_asked_and_is_no_link_for_chosen_records(page, project, server):
    cases = dataset(project, [{"role": "user", "content": "Hello"}])
    asked = {"dataset": cases.slug, "provider_id": provider(project, server).pk, "model": "m", "epochs": 3}
    begun = begin(project, "completion", parameters={"temperature": 0.2}, concurrency=2, **asked)
    again = page("experiment", begun.slug).context["again"]
    form = page("experiment-new", query=f"?{again}").context["form"]
    said = {name: form[name].value() for name in ("epochs", "concurrency", "parameters", "model", "baseline")}
    wanted = {"epochs": "3", "concurrency": "2", "parameters": '{"temperature": 0.2}', "model": "m"}
    assert said == wanted | {"baseline": begun.slug}
    ids = [str(id) for id in sent(project, 2)]
    page("experiment-existing", method="post", data={"name": "Two", "ids": ids})
    assert "Run again" not in page("experiment", "two").text_


def test_an_admin_deletes_one_that_is_over_and_its_records_stay(client, project, its):
    begun = begin(project, "prompt", **its)
    client.force_login(factories.member(project, Role.ADMIN))
    address = reverse("experiments:experiment-delete", args=[project.slug, begun.slug])
    assert client.post(address).status_code == 422
    turned(begun)
    sets = client.get(reverse("experiments:experiment-sets", args=[project.slug, begun.slug])).content.decode()
    assert address in sets and client.post(address).status_code == 200 and not Experiment.objects.exists()


def test_hostile_text_stays_text(page, project, its, server):
    cases = dataset(project, {"question": "<script>alert(1)</script>"}, slug="hostile")
    server.answers.append(said("<img src=x onerror=alert(2)>"))
    begun = turned(begin(project, "prompt", name="<b>bold</b>", **its | {"dataset": cases.slug}))
    for shown in (
        page("experiment", begun.slug).text_,
        page("experiment-rows", begun.slug).text_,
        page("experiments").text_,
    ):
        assert "<script>alert" not in shown and "<img src=x" not in shown and "<b>bold" not in shown


@pytest.mark.parametrize("name", ["experiments", "experiment", "experiment-rows", "experiment-progress"])
def test_pages_keep_their_number_of_queries(page, project, its, query_budget, name):
    begun = turned(begin(project, "prompt", **its))
    add_cases(begun.dataset, {"question": "More?"}, first=7)
    with query_budget(f"experiments:{name}"):
        page(name, *([] if name == "experiments" else [begun.slug]))
    assert begun.state == ExperimentState.COMPLETED and not steering.cancel(begun, "anna")
