"""Every page under axe, light and dark: nothing serious or critical. axe is a script that we bring into the page, so
this context alone goes past the Content Security Policy; everything else runs under it."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from evalhub import apikeys
from evalhub.models import Role
from experiments.datasets.drafts import read_draft
from experiments.datasets.making import create_dataset
from experiments.datasets.revisions import put_items
from experiments.gate.judging import judge
from experiments.prompts.versions import create_prompt, new_version
from records.drafts import RecordDraft, ScoreDraft
from records.ingest import ingest
from records.models import Metric, Record, Source, ValueType
from scoring.models import Rule
from scoring.rules.editing import stop_rule
from tests import factories
from tests.browser.conftest import DESK, PHONE
from tests.browser.test_records_in_the_browser import HOSTILE
from tests.experiments import made
from tests.experiments.running import begun
from tests.scoring.judging import by_people, judged
from tests.scoring.reviews.asked import asked, people, says
from tests.scoring.reviews.asked import by_people as asked_of_people
from tests.scoring.rules.made import counted, rule
from tests.scoring.running import exact, matching

GRAVE = {"serious", "critical"}
AXE = Axe().axe_script


@pytest.fixture
def project(transactional_db):
    """Test cases with scores of each type, a trace, tags, an error; members, and a key."""
    project = factories.project(name="Helpdesk assistant")
    factories.metric(project, "quality", passing_score=0.5)
    factories.metric(project, "solved", ValueType.BOOLEAN)
    now = timezone.now()
    talk = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "Because."}]
    ingest(project, [
        RecordDraft(
            f"r{n}", Source.API, now - timedelta(hours=n), name=f"number {n}",
            inputs={"messages": talk, "deep": {"a": [1]}}, outputs=f"Answer {n}, and why.", expected="Answer 1.",
            model="gpt-4o", tags=["billing"], environment="production", thread="talk",
            latency_ms=900, error=HOSTILE if n == 1 else "",
            scores=[
                ScoreDraft("quality", {"numerical_value": n / 9}, "because"),
                ScoreDraft("solved", {"boolean_value": n % 2 == 0}),
            ],
        )
        for n in range(9)
    ], "ci")  # fmt: skip
    ingest(project, [
        RecordDraft(
            f"t:{n}", Source.TRACE, now + timedelta(seconds=n), trace_id="t", span_id=str(n),
            parent_id="0" if n else "", name=f"span {n}", kind=("agent", "llm", "tool", "retriever")[n % 4],
            latency_ms=900, inputs=talk, outputs="x",
        )
        for n in range(9)
    ], "ci")  # fmt: skip
    return project


@pytest.fixture
def page(chromium, live_server) -> Iterator[Page]:
    context = chromium.new_context(
        base_url=live_server.url, viewport=DESK, color_scheme="light", bypass_csp=True, reduced_motion="reduce"
    )
    context.set_default_timeout(15_000)
    yield (page := context.new_page())
    page.wait_for_load_state("networkidle")
    context.close()


@pytest.fixture
def sound(page: Page) -> Callable[[str], None]:
    """`sound("the drawer")` asks axe about what the page shows now, and in the dark once more about its colours, since
    nothing else differs there."""

    def asked(**options: object) -> list[dict]:
        page.wait_for_load_state("networkidle")
        page.wait_for_function("document.getAnimations().every((one) => one.playState !== 'running')")
        # Without resultTypes axe describes every element that is as it should be, which takes longer than finding out.
        run = "async (options) => (await axe.run(options)).violations"
        return page.evaluate(run, options | {"resultTypes": ["violations"]})

    def sound(what: str) -> None:
        if page.evaluate("typeof axe === 'undefined'"):  # the page is a new one
            page.evaluate(AXE)
        found = asked()
        page.emulate_media(color_scheme="dark")
        found += asked(runOnly=["color-contrast"])
        page.emulate_media(color_scheme="light")
        grave = [
            f"{what}: {one['id']}, {one['help']}: {node['html'][:160]} {node['failureSummary']}"
            for one in found if one["impact"] in GRAVE for node in one["nodes"]
        ]  # fmt: skip
        assert not grave, "\n".join(grave)

    return sound


def test_the_pages_around_the_records(page: Page, project, enter, sound):
    page.goto("/sign-in")
    sound("signing in")
    page.get_by_label("Username").fill("nobody")
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    sound("a refused sign-in")
    admin = factories.member(project, Role.ADMIN, "ada")
    admin.is_staff = True
    admin.save()
    factories.member(project, Role.VIEWER, "zoe")
    apikeys.create(project, "ci", ["ingest"], created_by=admin)
    enter(admin)
    for path in ("/", "/projects/new", "/profile", "/profile/password"):
        page.goto(path)
        sound(path)
    for path in ("", "members/", "keys/", "retention/", "audit/"):
        page.goto(f"/p/{project.slug}/settings/{path}")
        sound(f"settings/{path}")
    page.goto("/nowhere")
    sound("a page that is not there")
    enter(factories.user("root", is_superuser=True))
    page.goto("/system")
    sound("the system")


def test_sessions(page: Page, project, enter, sound):
    enter(factories.member(project, Role.VIEWER))
    page.goto(f"/p/{project.slug}/sessions/?q=model:gpt*")
    sound("the sessions")
    page.get_by_role("link", name="talk").click()
    expect(page.get_by_role("list", name="The conversation")).to_be_visible()
    sound("a session")


def test_the_evaluators(page: Page, project, enter, sound):
    metric = Metric.objects.get(project=project, slug="solved")
    exact(project, "judge", metric)
    ids = list(Record.objects.filter(project=project, is_root=True).values_list("id", flat=True))
    judged(metric, {id: n % 3 > 0 for n, id in enumerate(ids)}, "judge", version=1)
    judged(metric, {id: n % 2 > 0 for n, id in enumerate(ids)}, "judge", version=2)
    by_people(metric, dict.fromkeys(ids, True))
    enter(factories.member(project, Role.EDITOR))
    page.goto(f"/p/{project.slug}/evaluators/")
    sound("the evaluators")
    page.get_by_role("link", name="Judge", exact=True).click()
    expect(page.locator(".charted .main-svg").first).to_be_visible(timeout=30_000)
    expect(page.get_by_role("heading", name="v1 → v2")).to_be_visible()
    expect(page.get_by_role("heading", name="Agreement with people")).to_be_visible()
    sound("one evaluator")
    page.get_by_role("button", name="As a table").first.click()
    expect(page.get_by_role("table", name="Records by value")).to_be_visible()
    sound("its distribution as a table")


def test_experiments(page: Page, project, enter, sound, monkeypatch):
    exact(project, text="Answer 1")
    with begun.no_queue(monkeypatch):
        its = begun.turned(begun.begin(project, "existing", records=matching(project), evaluators=["exact"]))
        begun.begin(project, "custom", dataset=begun.dataset(project, *begun.questions(3), slug="cases").slug)
        ingest(project, [RecordDraft("u", Source.API, timezone.now(), experiment="nightly 7", outputs="x")], "ci")
        enter(factories.member(project, Role.ADMIN))
        page.goto(f"/p/{project.slug}/experiments/")
        expect(page.get_by_role("heading", name="Uploaded")).to_be_visible()
        sound("the list of experiments")
        page.goto(f"/p/{project.slug}/experiments/new?dataset=cases&workflow=custom")
        expect(page.locator("#estimate")).to_contain_text("Rows")
        sound("a new experiment")
        page.goto(f"/p/{project.slug}/experiments/{its.slug}/")
        expect(page.locator("#rows tbody tr")).to_have_count(10)
        sound("an experiment")
        page.keyboard.press("r")
        expect(page.get_by_role("dialog", name="Run evaluators again")).to_be_visible()
        sound("evaluators run again")


def test_comparing_experiments(page: Page, project, enter, sound):
    """Regressions first, a case side by side, the address that follows; results with a gate, and a dataset's trend."""
    cases, correct = made.dataset(project, size=40), made.boolean(project)
    before, after = made.flipping(correct, 40, lost=12, won=1)
    metadata = {case: {"topic": "refunds" if i % 2 else HOSTILE} for i, case in enumerate(before)}
    base = made.experiment(project, "support-v14", before, of=cases, metadata=metadata)
    new = made.experiment(
        project,
        "support-v15",
        after,
        of=cases,
        metadata=metadata,
        outputs=dict.fromkeys(before, HOSTILE),
        baseline=base,
    )
    judge(new, base, ["correctness:margin=0.02", "cost:max=+10%"], "gate")
    enter(factories.member(project, Role.VIEWER))
    page.goto(f"/p/{project.slug}/experiments/compare")
    sound("a choice of experiments")
    page.get_by_label("support-v14").check()
    page.get_by_label("support-v15").check()
    page.get_by_role("button", name="Compare").click()
    expect(page.locator(".charted .main-svg").nth(4)).to_be_visible(timeout=30_000)
    expect(page.get_by_text("Case case-000")).to_be_visible()
    expect(page.locator("#case ins").first).to_contain_text("<")
    sound("a comparison")
    page.get_by_role("link", name="case-003", exact=True).click()
    expect(page.get_by_text("Case case-003")).to_be_visible()
    page.get_by_role("link", name="Improvements 1").click()
    expect(page.get_by_role("link", name="case-012", exact=True)).to_be_visible()
    assert "show=improvements" in page.url
    page.locator("select[name=by]").select_option("metadata.topic")
    expect(page.get_by_role("rowheader", name="refunds")).to_be_visible()
    sound("its slices")
    page.goto(f"/p/{project.slug}/datasets/cases/")
    expect(page.get_by_role("heading", name="What it can see")).to_be_visible()
    sound("a dataset with its experiments")
    page.goto(f"/p/{project.slug}/experiments/support-v15/")
    expect(page.get_by_role("heading", name="Gates")).to_be_visible()
    sound("an experiment's results and its gate")


def test_rules(page: Page, project, enter, sound):
    evaluator = exact(project)
    made = rule(project, evaluator, filter="model:gpt*", budget_calls_day=2)
    counted(made, seen=40, spans=9, filter=9, sampled=9, calls=2, completed=1, errored=1, over_budget=7)
    rule(project, evaluator, name="Stopped", spans_mode="named", span_names=["span 1"])
    stop_rule(Rule.objects.get(name="Stopped"), "The provider refused the key.")
    enter(factories.member(project, Role.EDITOR))
    page.goto(f"/p/{project.slug}/rules/")
    expect(page.locator("#notices")).to_contain_text("Stopped")
    sound("the rules, and the banner over them")
    page.goto(f"/p/{project.slug}/rules/new?q=model:gpt*")
    expect(page.locator("#notices")).to_contain_text("Stopped")
    page.get_by_label("exact").check()
    expect(page.locator("#rule-price")).to_contain_text("a day")
    page.get_by_role("button", name="Test rule").click()
    expect(page.locator("#rule-test")).to_contain_text("Would be scored a day")
    page.get_by_text("Scores are missing").click()
    sound("a rule's form, its test and its help")
    page.goto(f"/p/{project.slug}/rules/{made.slug}/")
    sound("one rule")
    page.get_by_role("button", name="Score past records").click()
    expect(page.get_by_text("Estimated cost")).to_be_visible()
    sound("scoring past records")
    page.goto(f"/p/{project.slug}/records/{Record.objects.filter(external_id='r1').get().id}/")
    page.get_by_text("Why not scored?").click()
    page.locator(".answer summary").first.click()
    sound("why a record is not scored")


def test_a_review(page: Page, project, enter, sound):
    ids = list(Record.objects.filter(project=project, is_root=True).values_list("id", flat=True)[:2])
    ina, ben = people(project, "ina", "ben")
    evaluator = asked_of_people(project, metric=Metric.objects.get(project=project, slug="solved"))
    review = asked(project, ids, evaluator, reviewers=2)
    says(review, ina, ids[0], yes=True)
    says(review, ben, ids[0], yes=False)
    enter(factories.member(project, Role.EDITOR))
    page.goto(f"/p/{project.slug}/review/")
    sound("what waits for people")
    page.goto(f"/p/{project.slug}/review/{review.number}/")
    sound("one request")
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("button", name="Save")).to_be_visible()
    sound("a record to be scored")
    page.goto(f"/p/{project.slug}/review/{review.number}/disagreements/")
    sound("where they disagree")
    page.goto(f"/p/{project.slug}/review/{review.number}/disagreements/{ids[0]}/")
    sound("the final word")


def test_the_table_and_what_opens_over_it(page: Page, project, enter, sound):
    enter(factories.member(project, Role.ADMIN))
    page.goto(f"/p/{project.slug}/records/?q=model:gpt*")
    expect(page.locator("#history .main-svg").first).to_be_visible(timeout=30_000)
    sound("the table")
    page.keyboard.press("/")
    page.keyboard.press("End")
    page.keyboard.type(" mod")
    expect(page.get_by_role("option").first).to_be_visible()
    sound("completion")
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Any time").click()
    expect(page.get_by_text("Last hour")).to_be_visible()
    sound("a filter menu")
    page.keyboard.press("Escape")
    for key, name in (("e", "Edit table"), ("F1", "How to filter"), ("?", "Keys on this page")):
        page.locator("h1").first.evaluate("(it) => document.activeElement.blur()")
        page.keyboard.press(key)
        expect(page.get_by_role("dialog", name=name)).to_be_visible()
        sound(name)
        page.keyboard.press("Escape")
    page.get_by_role("button", name="Save view").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    sound("saving a view")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("x")
    sound("the bulk bar")
    for name in ("Tag", "Delete"):
        page.locator(".bulk").get_by_role("button", name=name).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        sound(name)
        page.keyboard.press("Escape")
    page.keyboard.press("f")
    expect(page.locator("#cell-menu a").first).to_be_visible()
    sound("filtering by a value")


def test_lists_that_show_nothing(page: Page, project, enter, sound):
    enter(factories.member(project, Role.ADMIN))
    page.goto(f"/p/{project.slug}/records/?q=modle:x")
    sound("a filter that cannot be read")
    page.goto(f"/p/{project.slug}/records/?q=model:none")
    sound("nothing found")
    empty = factories.project()
    enter(factories.member(empty, Role.ADMIN))
    page.goto(f"/p/{empty.slug}/records/")
    sound("no records yet")


def test_a_record(page: Page, project, enter, sound):
    enter(factories.member(project, Role.REVIEWER))
    page.goto(f"/p/{project.slug}/records/")
    page.get_by_role("link", name="span 0").or_(page.locator("#records a.open")).first.click()
    expect(page.locator("#drawer .waterfall")).to_be_visible()
    sound("the drawer with a trace")
    for id in (Record.objects.get(external_id="r1").id, Record.objects.get(trace_id="t", is_root=True).id):
        for tab in ("", "values", "scores", "raw"):
            page.goto(f"/p/{project.slug}/records/{id}/?tab={tab}")
            for summary in page.locator("summary:visible").all()[:20]:
                if summary.is_visible():
                    summary.click()
            sound(f"a record, {tab or 'overview'}")


def test_on_a_phone(page: Page, project, enter, sound):
    page.set_viewport_size(PHONE)
    enter(factories.member(project, Role.ADMIN))
    page.goto(f"/p/{project.slug}/records/")
    expect(page.locator("#history .main-svg").first).to_be_visible(timeout=30_000)
    sound("the list")
    page.get_by_role("button", name="More").click()
    sound("the menu")
    page.keyboard.press("Escape")
    page.locator("#records a.open").first.click()
    expect(page.get_by_role("heading", name="Scores")).to_be_visible()
    sound("the drawer")


def test_the_monitor_and_its_alerts(page: Page, project, enter, sound):
    enter(factories.member(project, Role.EDITOR))
    page.goto(f"/p/{project.slug}/monitor/?by=model")
    expect(page.locator(".charted .js-plotly-plot").first).to_be_visible()
    sound("the monitor")
    page.get_by_role("button", name="Quality as a table").click()
    sound("a chart as a table")
    page.goto(f"/p/{project.slug}/monitor/alerts/new?what=errors")
    page.get_by_label("Name").fill("Errors")
    page.get_by_label("Threshold").fill("much")
    page.get_by_label("Webhook").fill("https://example.com/hook")
    page.get_by_role("button", name="Create alert").click()
    page.get_by_label("Threshold").fill("5 %")
    page.get_by_role("button", name="Measure now").click()
    expect(page.locator("#measured")).to_contain_text("measured")
    sound("an alert, refused and mended")
    page.get_by_role("button", name="Create alert").click()
    expect(page.locator("#new-secret")).to_be_visible()
    sound("a new alert with its secret")
    page.goto(f"/p/{project.slug}/monitor/alerts/")
    sound("the alerts")


def test_datasets_and_prompts(page: Page, project, enter, sound):
    dataset = create_dataset(project, "ada", name="Support", inputs_schema={"type": "object"})
    items = [
        {"inputs": {"question": HOSTILE}, "expected": "Yes.", "split": "test", "tags": ["x"]},
        {"inputs": {"n": 1}},
    ]
    put_items(dataset, "ada", [(n, read_draft(item)) for n, item in enumerate(items, 1)], "a file")
    put_items(dataset, "ada", [(1, read_draft({"id": "b", "inputs": {"question": "Why?"}}))], "by hand")
    prompt = create_prompt(project, "ada", name="Answer", messages=[{"role": "user", "content": "{{ question }}"}])
    new_version(prompt, "ada", messages=[{"role": "user", "content": "Answer: {{ question }}"}], parameters={"seed": 1})
    enter(factories.member(project, Role.EDITOR))
    base = f"/p/{project.slug}"
    for path in (
        "datasets/", "datasets/new", "datasets/support/?revision=1", "datasets/support/revisions/",
        "datasets/support/revisions/2/", "prompts/", "prompts/answer/?version=2&against=1", "prompts/answer/",
        "prompts/answer/edit",
    ):  # fmt: skip
        page.goto(f"{base}/{path}")
        sound(path)
    page.goto(f"{base}/datasets/support/")
    page.get_by_role("link", name="Edit b", exact=True).click()
    expect(page.get_by_label("Inputs")).to_be_focused()
    sound("an item that is edited")
    page.goto(f"{base}/datasets/support/import")
    sound("an upload")
    page.get_by_label("File").set_input_files({"name": "x.json", "mimeType": "text/json", "buffer": b'[{"q": 1}, {}]'})
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="The first rows")).to_be_visible()
    sound("the columns of a file")
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("heading", name="Refused rows")).to_be_visible()
    sound("what came of an import")
    page.goto(f"{base}/records/")
    page.locator("#records tbody [name=ids]").first.check()
    page.get_by_role("button", name="Add to dataset").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    sound("adding records to a dataset")
