"""The demo project "SQL writer": questions turned into queries for four databases, checked by running both."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from typing import Any

from experiments.demo import sql_evaluators
from experiments.demo.judging import Judge, code, person
from experiments.demo.llms import GEMINI_FLASH, GPT_4O, GPT_41_MINI, LLM, MISTRAL_SMALL, SONNET, call
from experiments.demo.sql_content import TASKS, Task
from experiments.demo.sql_dialects import DIALECTS, PROBLEMS, SQLSERVER, Dialect, problems_of, written
from experiments.demo.stories import Judgement, Plan, Story
from experiments.demo.traffic import moments
from experiments.demo.watching import Watch
from records.drafts import RecordDraft
from records.ids import uuid7
from records.models import Kind, ScoreSource, ScoreStatus, Source, ValueType

SLUG = "sql-writer"
NAME = "SQL writer"
DESCRIPTION = "Demo: questions become SQL; a nightly suite runs the query and the expected one, and compares the rows."
METRICS: list[dict[str, Any]] = [
    {
        "slug": "execution_match", "name": "Same rows", "value_type": ValueType.BOOLEAN, "evaluator": "run_both",
        "description": "Do the query and the expected one return the same rows on the test database?",
    },
    {
        "slug": "similarity", "value_type": ValueType.NUMERICAL, "min_score": 0, "max_score": 1, "passing_score": 0.5,
        "description": "How alike the two texts are. A low value is no mistake by "
        "itself.", "evaluator": "sql_similarity",
    },
    {
        "slug": "dialect_problems", "name": "Dialect", "value_type": ValueType.CATEGORICAL, "several": True,
        "categorical_choices": ["none", *PROBLEMS], "passing_choices": ["none"],
        "description": "What the database that was asked for would not understand.", "evaluator": "dialect_linter",
    },
]  # fmt: skip
EVALUATORS = sql_evaluators.EVALUATORS
RESCORED = ""
REVIEWS = ()
TRIALS = None
WATCH = Watch()
RULES = ()
EQUIVALENCE = Judge("sql_equivalence", "execution_match", 1, SONNET)

CITIES = ("Ghent", "Porto", "Graz", "Leipzig", "Turku")
CATEGORIES = ("kitchen", "garden", "lighting", "storage")
NOTES = (
    "Model knows better on other databases, only the dialect is off.",
    "The question is ambiguous, both readings are fair.",
    "Add an example of this to the prompt.",
    "Same mistake as last week.",
)
SYSTEM_CHARS = 900


@dataclass(frozen=True, slots=True)
class Writer:
    """`wrong` and `foreign`: how often the logic is wrong, and how often it is written for another database."""

    experiment: str
    days_ago: float
    llm: LLM
    prompt_version: int
    wrong: float
    foreign: float


EXPERIMENTS = (
    Writer("zero-shot", 15.6, GPT_4O, 1, 0.21, 0.20),
    Writer("few-shot-5", 8.4, GPT_4O, 2, 0.14, 0.07),
)
SUITE = (
    Writer("", 0, GPT_4O, 2, 0.13, 0.07), Writer("", 0, GPT_41_MINI, 2, 0.18, 0.09),
    Writer("", 0, GEMINI_FLASH, 2, 0.19, 0.12), Writer("", 0, MISTRAL_SMALL, 2, 0.27, 0.17),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    id: str
    task: Task
    dialect: Dialect
    slots: dict[str, str]
    question: str
    expected: str


def stories(plan: Plan) -> Iterator[Story]:
    cases = [_case(plan, number) for number in range(min(60, max(12, plan.records // 40)))]
    runs = []
    for writer in EXPERIMENTS:
        at = plan.now - timedelta(days=writer.days_ago)
        for case in cases:
            at += timedelta(seconds=plan.rng(SLUG, writer.experiment, case.id).uniform(1, 3))
            runs.append((at, writer, case))
    suite = max(12, plan.records // 6 - len(runs))
    rng = plan.rng(SLUG, "suite")
    for at in moments(suite, plan.now, plan.days, rng):
        runs.append((at, rng.choice(SUITE), rng.choice(cases)))
    for number, (at, writer, case) in enumerate(sorted(runs, key=lambda run: run[0])):
        yield _story(writer, case, at, plan.rng(SLUG, "run", number))


def _case(plan: Plan, number: int) -> Case:
    rng = plan.rng(SLUG, "case", number)
    task = TASKS[number % len(TASKS)]
    slots = {
        "n": str(rng.choice((3, 5, 10, 20))), "days": str(rng.choice((7, 14, 30, 90))),
        "city": rng.choice(CITIES), "category": rng.choice(CATEGORIES),
    }  # fmt: skip
    dialect = DIALECTS[(number + number // len(TASKS)) % len(DIALECTS)]
    question = rng.choice(task.asks).format_map(slots)
    return Case(
        f"{task.slug}-{number // len(TASKS) + 1}", task, dialect, slots, question,
        written(task.right, dialect, slots, task.column),
    )  # fmt: skip


@dataclass(slots=True)
class Written:
    sql: str
    mistake: str
    problems: list[str]

    @property
    def right(self) -> bool:
        return not self.mistake and not self.problems


def _written(writer: Writer, case: Case, rng: random.Random) -> Written:
    task, mistake = case.task, ""
    template = rng.choice((task.right, task.right, *task.rewrites))
    if rng.random() < writer.wrong:
        template, mistake = rng.choice(task.mistakes)
    used = case.dialect
    if rng.random() < writer.foreign:
        used = rng.choice([dialect for dialect in DIALECTS if dialect is not case.dialect])
    sql = written(template, used, case.slots, task.column)
    return Written(sql, mistake, problems_of(template, case.dialect, used))


def _story(writer: Writer, case: Case, at: datetime, rng: random.Random) -> Story:
    made = _written(writer, case, rng)
    took = call(writer.llm, SYSTEM_CHARS + len(case.task.schema) + len(case.question), len(made.sql), rng)
    nightly = not writer.experiment
    draft = RecordDraft(
        external_id=f"{writer.experiment or 'suite'}:{case.id}:{rng.getrandbits(48):012x}",
        source=Source.API if nightly else Source.KICKOFF, created_at=at, id=uuid7(int(at.timestamp() * 1000), rng),
        started_at=at, ended_at=at + timedelta(milliseconds=took.latency_ms), name="sql-writer", kind=Kind.LLM,
        created_by="ci" if nightly else "marco", environment="ci" if nightly else "test", model=writer.llm.name,
        provider=writer.llm.provider, prompt="write-sql", prompt_version=writer.prompt_version,
        experiment=writer.experiment, case_id=case.id, epoch=None if nightly else 1, latency_ms=took.latency_ms,
        ttft_ms=took.ttft_ms, tokens_in=took.tokens_in, tokens_out=took.tokens_out, cost=took.cost,
        cost_estimated=True, inputs={
            "question": case.question, "dialect": case.dialect.name, "schema": case.task.schema,
        }, outputs=made.sql, expected=case.expected, metadata={
            "dialect": case.dialect.name, "task": case.task.slug,
            **({"commit": f"{at.toordinal() * 2654435761 % 2**28:07x}"} if nightly else {}),
        }, tags=[case.dialect.name],
    )  # fmt: skip
    return Story([draft], _judgements(case, made, rng))


def _judgements(case: Case, made: Written, rng: random.Random) -> list[Judgement]:
    found = [_run_both(case, made, rng)]
    if case.dialect is SQLSERVER or rng.random() < 0.35:
        found.append(_equivalence(made, rng))
    alike = round(SequenceMatcher(None, case.expected, made.sql, autojunk=False).ratio(), 3)
    found.append(code("similarity", "sql_similarity", alike, f"{alike:.0%} of the characters in common.", rng))
    problems = made.problems or ["none"]
    reason = f"{case.dialect.name} does not know this: {', '.join(made.problems)}." if made.problems else ""
    found.append(code("dialect_problems", "dialect_linter", problems, reason, rng, version=2))
    if rng.random() < (0.16 if not made.right else 0.02):
        note = NOTES[0] if made.problems else rng.choice(NOTES[1:])
        found.append(person("note", rng.choice(("marco", "ina")), note))
    if made.mistake and not made.problems and rng.random() < 0.08:
        found.append(person("execution_match", "marco", True, "Both readings of the question are fair: accepted."))
    return found


def _run_both(case: Case, made: Written, rng: random.Random) -> Judgement:
    judgement = Judgement(
        "execution_match", ScoreSource.CODE, evaluator="run_both", version=3, duration_ms=rng.randint(12, 340)
    )
    if case.dialect is SQLSERVER:
        judgement.status, judgement.reasoning = ScoreStatus.SKIPPED, "There is no test database for sqlserver."
    elif rng.random() < 0.012:
        judgement.status, judgement.attempts, judgement.duration_ms = ScoreStatus.ERRORED, 1, 1_000
        judgement.error = f"ran longer than 1 s (line {rng.choice((14, 22))})"
    else:
        judgement.value = made.right
        judgement.reasoning = _compared(case, made, rng)
    return judgement


def _compared(case: Case, made: Written, rng: random.Random) -> str:
    """What running both queries showed, in numbers that the query can give."""
    if made.problems:
        return f"The query failed on {case.dialect.name}: syntax error ({made.problems[0]})."
    if case.task.right.startswith(("SELECT count(", "SELECT avg(")):
        value = rng.randint(11, 90)
        return (
            f"{made.mistake} Expected {value}, got {value + rng.randint(1, 30)}." if made.mistake else f"Both {value}."
        )
    if "{limit}" in case.task.right:
        rows = int(case.slots["n"])
        return (
            f"{made.mistake} {rng.randint(1, rows)} of {rows} rows differ."
            if made.mistake
            else f"The same {rows} rows."
        )
    rows = rng.randint(2, 20)
    return f"{made.mistake} {rng.randint(1, rows)} rows differ." if made.mistake else f"The same {rows} rows."


def _equivalence(made: Written, rng: random.Random) -> Judgement:
    """A judge who only reads: it overlooks a mistake now and then, which running would show."""
    if rng.random() < 0.01:
        return EQUIVALENCE.fails(rng)
    if made.right:
        value, reason = rng.random() > 0.03, "Same joins, same conditions, same order."
        if not value:
            reason = "The shape differs; I cannot see that both return the same rows."
    elif made.problems:
        value, reason = False, f"Not valid in the database that was asked for: {', '.join(made.problems)}."
    else:
        overlooked = rng.random() < 0.2
        value, reason = overlooked, "The same conditions in another form." if overlooked else made.mistake
    return EQUIVALENCE.says(value, reason, 900 + len(made.sql), rng)
