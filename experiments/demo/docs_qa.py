"""The demo project "Docs question answerer": the same test cases over the manual of an invented product, run as three
experiments, and some nightly repeats where more records are asked for."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from experiments.demo import docs_qa_admin, docs_qa_evaluators, docs_qa_use
from experiments.demo.docs_qa_judges import Answer, judgements_of
from experiments.demo.docs_qa_page import NOT_SAID
from experiments.demo.docs_qa_settings import SETTINGS, Setting
from experiments.demo.experimenting import Trials, Tried, Wording
from experiments.demo.llms import GPT_4O_MINI, GPT_41_MINI, HAIKU, LLM, call
from experiments.demo.stories import Plan, Story
from experiments.demo.watching import Watch
from records.drafts import RecordDraft
from records.ids import uuid7
from records.models import Kind, Source, ValueType

SLUG = "docs-qa"
NAME = "Docs question answerer"
DESCRIPTION = "Demo: questions about a manual, answered from retrieved pages. Three experiments over the same cases."
METRICS: list[dict[str, Any]] = [
    {
        "slug": "answer_correctness", "name": "Correctness", "value_type": ValueType.NUMERICAL, "min_score": 0,
        "max_score": 1, "passing_score": 0.7, "description": "Does the answer say what the expected one says?",
        "evaluator": "correctness_judge",
    },
    {
        "slug": "faithfulness", "value_type": ValueType.NUMERICAL, "min_score": 0, "max_score": 1, "passing_score": 0.8,
        "description": "Is every claim of the answer in the retrieved context?", "evaluator": "faithfulness_judge",
    },
    {
        "slug": "relevance", "value_type": ValueType.NUMERICAL, "min_score": 1, "max_score": 5, "passing_score": 4,
        "description": "Does the answer speak to the question?", "evaluator": "relevance_judge",
    },
    {
        "slug": "answerable", "value_type": ValueType.BOOLEAN, "passing_value": None,
        "description": "Does the retrieved context hold the answer? It speaks of retrieval, so nothing fails.",
        "evaluator": "answerable_judge",
    },
    {
        "slug": "outcome", "value_type": ValueType.CATEGORICAL,
        "categorical_choices": ["answered", "refused rightly", "refused wrongly", "made up"],
        "passing_choices": ["answered", "refused rightly"],
        "description": "Answered where it can be, refused where it cannot?", "evaluator": "outcome_judge",
    },
    {
        "slug": "has_detail", "name": "Detail", "value_type": ValueType.BOOLEAN,
        "description": "The telling word or number of the expected answer is in it.", "evaluator": "contains_detail",
    },
]  # fmt: skip
EVALUATORS = docs_qa_evaluators.EVALUATORS
RESCORED = ""
REVIEWS = docs_qa_evaluators.REVIEWS
WATCH = Watch()
RULES = ()


@dataclass(frozen=True, slots=True)
class Case:
    id: str
    page: str
    context: str
    question: str
    expected: str
    detail: str
    careless: str
    slip: str
    hardness: float


@dataclass(frozen=True, slots=True)
class Run:
    """An experiment: when, with which model and how many pages, and how often things go wrong."""

    name: str
    days_ago: float
    llm: LLM
    prompt_version: int
    pages: int
    careless: float
    missed: float  # retrieval does not find the page
    padded: float  # right, with something added that no page says


RUNS = (
    Run("baseline-top3", 20.3, GPT_4O_MINI, 1, 3, 0.17, 0.10, 0.10),
    Run("rerank-top5", 11.2, GPT_4O_MINI, 2, 5, 0.10, 0.03, 0.08),
    Run("rerank-top5-haiku", 0.3, HAIKU, 2, 5, 0.06, 0.03, 0.13),
)
NIGHTLY = Run("", 0, GPT_41_MINI, 2, 5, 0.09, 0.03, 0.08)
GUIDES = docs_qa_admin.GUIDES + docs_qa_use.GUIDES
CASES = 120
PADDINGS = (
    " This has been the case since version 2.",
    " Most teams leave it like that.",
    " You can also change it later in the admin pages.",
    " Note that this needs the enterprise licence.",
)
SYSTEM_CHARS = 700


def stories(plan: Plan) -> Iterator[Story]:
    cases = _chosen(plan)
    nights = max(0, plan.records // 6 // len(cases) - len(RUNS))
    runs = [_nightly(plan, night, nights) for night in reversed(range(nights))] + list(RUNS)
    for run in sorted(runs, key=lambda run: -run.days_ago):
        at = plan.now - timedelta(days=run.days_ago)
        for case in cases:
            rng = plan.rng(SLUG, run.name, case.id)
            at += timedelta(seconds=rng.uniform(0.8, 2.4))
            yield _story(plan, run, case, at, rng, Source.KICKOFF)
    rng = plan.rng(SLUG, "playground")
    for number in range(max(6, len(cases) // 8)):
        case, own = rng.choice(cases), plan.rng(SLUG, "playground", number)
        at = plan.now - timedelta(hours=20 + 50 * rng.random())
        run = Run("", 0, rng.choice((GPT_4O_MINI, HAIKU, GPT_41_MINI)), 3, 5, 0.08, 0.03, 0.06)
        yield _story(plan, run, case, at, own, Source.PLAYGROUND)


def _chosen(plan: Plan) -> list[Case]:
    return _cases(plan)[: min(CASES, max(24, plan.records // 8))]


def _items(plan: Plan) -> list[dict[str, Any]]:
    return [
        {
            "id": case.id, "inputs": {"question": case.question}, "expected": case.expected,
            "metadata": {"page": case.page}, "tags": ["settings" if case.page == "Settings" else "how-to"],
            "split": "test" if number % 5 else "train",
        }
        for number, case in enumerate(_chosen(plan))
    ]  # fmt: skip


def _reworded(plan: Plan) -> list[dict[str, Any]]:
    """A few questions put as customers put them."""
    return [
        {"id": item["id"], "inputs": {"question": f"Quick one: {item['inputs']['question']}"}}
        for item in _items(plan)[::9]
    ]


def _answers(run: Run) -> Callable[[Plan], Iterator[dict[str, Any]]]:
    def answers(plan: Plan) -> Iterator[dict[str, Any]]:
        at = plan.now - timedelta(days=run.days_ago)
        for case in _chosen(plan):
            rng = plan.rng(SLUG, "tried", run.name, case.id)
            at += timedelta(seconds=rng.uniform(0.8, 2.4))
            answer = _answered(run, case, rng)
            took = call(run.llm, SYSTEM_CHARS + len(case.question), len(answer.text), rng)
            yield {
                "case_id": case.id, "outputs": answer.text, "model": run.llm.name, "start_time": at.isoformat(),
                "timestamp": (at + timedelta(milliseconds=took.latency_ms)).isoformat(),
                "prompt_tokens": took.tokens_in, "completion_tokens": took.tokens_out, "cost": float(took.cost),
                "environment": "test",
            }  # fmt: skip

    return answers


TRIALS = Trials(
    "Manual questions", "What people ask about the manual, with the answer that it gives.",
    (("Questions of the first month", _items), ("A few put as customers put them", _reworded)),
    "Answer from pages", "{{ question }}",
    (
        Wording("Answers from pages", "Answer from the manual. Say so if it does not.", GPT_4O_MINI.name),
        Wording("Names the page", "Answer from the manual and name the page. Say so if it does not.", GPT_4O_MINI.name),
        Wording("Shorter", "Answer in five words or fewer.", GPT_4O_MINI.name),
    ),
    ("contains_detail",),
    (
        Tried("First wording", "Answers from the pages alone.", 9.2, 1,
              _answers(Run("first", 9.2, GPT_4O_MINI, 1, 3, 0.12, 0.06, 0.1))),
        Tried("Names the page", "The second wording.", 4.1, 2,
              _answers(Run("second", 4.1, GPT_4O_MINI, 2, 5, 0.08, 0.03, 0.1))),
        Tried("Five words or fewer", "Cheaper, and worse: what the gate is for.", 0.4, 2,
              _answers(Run("third", 0.4, GPT_4O_MINI, 3, 5, 0.4, 0.05, 0.0))),
    ),
    ("has_detail:margin=0.05", "cost:max=+10%"),
)  # fmt: skip


def _nightly(plan: Plan, night: int, nights: int) -> Run:
    days_ago = 1.4 + night * (plan.days - 2) / nights
    day = plan.now - timedelta(days=days_ago)
    return Run(
        f"nightly-{day:%Y-%m-%d}-{night}", days_ago, NIGHTLY.llm, 2, NIGHTLY.pages, NIGHTLY.careless, NIGHTLY.missed,
        NIGHTLY.padded,
    )  # fmt: skip


def _cases(plan: Plan) -> list[Case]:
    """All cases, mixed, so that the first few are of every kind."""
    rng = plan.rng(SLUG, "cases")
    found = []
    for guide in GUIDES:
        for q in guide.questions:
            found.append((guide.title, guide.text, q.text, q.answer, q.detail, q.careless, q.slip))
    for number, setting in enumerate(SETTINGS):
        page, text = "Settings", _entry(setting)
        found.append((
            page, text, f"What is the default of {setting.name}?", f"{setting.default}.", setting.default,
            f"The default is {setting.near}.", f"The page gives {setting.default} as the default, not {setting.near}.",
        ))  # fmt: skip
        yes, no = ("Yes", "No") if setting.restart else ("No", "Yes")
        rule = "needs a restart" if setting.restart else "takes effect at once"
        found.append((
            page, text, f"Do I have to restart the server after changing {setting.name}?",
            f"{yes}, a change {rule}.", yes, f"{no}.", f"The page says that a change {rule}.",
        ))  # fmt: skip
        if number % 5 < 3:
            other = SETTINGS[(number + 1) % len(SETTINGS)]
            found.append((
                page, text, f"Which setting decides {setting.what}?", f"`{setting.name}`.", setting.name,
                f"That is `{other.name}`.", f"`{other.name}` is for {other.what}; asked was `{setting.name}`.",
            ))  # fmt: skip
    rng.shuffle(found)
    return [
        Case(f"case-{number:03}", *fields, hardness=rng.lognormvariate(-0.3, 0.8))
        for number, fields in enumerate(found, 1)
    ]


def _entry(setting: Setting) -> str:
    effect = "A change needs a restart." if setting.restart else "A change takes effect at once."
    return f"`{setting.name}` sets {setting.what}. Default: {setting.default}. {effect}"


def _story(plan: Plan, run: Run, case: Case, at: Any, rng: random.Random, source: Source) -> Story:
    answer = _answered(run, case, rng)
    context = _context(run, case, answer.missed, rng)
    took = call(run.llm, SYSTEM_CHARS + len(context) + len(case.question), len(answer.text), rng)
    key = f"{run.name or 'playground'}:{case.id}:{rng.getrandbits(40):010x}"
    draft = RecordDraft(
        external_id=key, source=source, created_at=at, id=uuid7(int(at.timestamp() * 1000), rng), started_at=at,
        ended_at=at + timedelta(milliseconds=took.latency_ms), name="docs-qa", kind=Kind.CHAIN, created_by="marco",
        environment="test", model=run.llm.name, provider=run.llm.provider, prompt="answer-from-pages",
        prompt_version=run.prompt_version, experiment=run.name, case_id=case.id if run.name else "",
        epoch=1 if run.name else None, latency_ms=took.latency_ms, ttft_ms=took.ttft_ms, tokens_in=took.tokens_in,
        tokens_out=took.tokens_out, cost=took.cost, cost_estimated=True, inputs={
            "question": case.question, "context": context,
        }, outputs=answer.text, expected=case.expected, metadata={
            "page": case.page, "retrieved": run.pages, "split": "test",
        }, tags=["settings" if case.page == "Settings" else "how-to"],
    )  # fmt: skip
    if source == Source.PLAYGROUND:
        draft.expected = None
    return Story([draft], judgements_of(answer, plan.now - at, source, rng))


def _answered(run: Run, case: Case, rng: random.Random) -> Answer:
    unsaid = case.expected == NOT_SAID
    missed = rng.random() < run.missed * case.hardness
    answer = Answer(case.question, case.expected, case.expected, case.detail, unsaid=unsaid, missed=missed)
    if rng.random() < run.careless * case.hardness * (1.5 if unsaid or missed else 1):
        answer.text, answer.slip = case.careless, case.slip
    elif missed:
        answer.text = NOT_SAID
    elif not unsaid and rng.random() < run.padded:
        answer.padding = rng.choice(PADDINGS)
        answer.text += answer.padding
    return answer


def _context(run: Run, case: Case, missed: bool, rng: random.Random) -> str:
    """The retrieved pages, the right one among them unless it was missed."""
    if case.page == "Settings":
        others = [_entry(setting) for setting in rng.sample(SETTINGS, run.pages + 1)]
    else:
        others = [f"{guide.title}. {guide.text}" for guide in rng.sample(GUIDES, run.pages + 1)]
    own = case.context if case.page == "Settings" else f"{case.page}. {case.context}"
    pages = [page for page in others if page != own][: run.pages - (0 if missed else 1)]
    if not missed:
        pages.insert(rng.randint(0, min(1, len(pages))), own)
    return "\n\n".join(f"[{number}] {page}" for number, page in enumerate(pages, 1))
