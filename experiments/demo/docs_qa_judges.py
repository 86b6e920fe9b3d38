"""What evaluators and people think of answers about the manual. Pure."""

import random
import re
from dataclasses import dataclass
from datetime import timedelta

from experiments.demo.docs_qa_page import NOT_SAID
from experiments.demo.judging import Judge, code, person
from experiments.demo.llms import GEMINI_FLASH, GPT_41_MINI, SONNET
from experiments.demo.stories import Judgement
from records.models import Source

CORRECTNESS = Judge("correctness_judge", "answer_correctness", 2, SONNET)
FAITHFULNESS = Judge("faithfulness_judge", "faithfulness", 1, SONNET)
RELEVANCE = Judge("relevance_judge", "relevance", 1, GPT_41_MINI)
ANSWERABLE = Judge("answerable_judge", "answerable", 1, GEMINI_FLASH)
OUTCOME = Judge("outcome_judge", "outcome", 1, GPT_41_MINI)

NOTES = ("The page was retrieved, the model did not read it.", "Careless.", "Good trap, keep this case.")


@dataclass(slots=True)
class Answer:
    """`slip`: what is wrong; `unsaid`: the manual has no answer; `missed`: its page was not retrieved; `padding`: an
    addition that no page supports."""

    question: str
    text: str
    expected: str
    detail: str
    slip: str = ""
    unsaid: bool = False
    missed: bool = False
    padding: str = ""

    @property
    def refused(self) -> bool:
        return self.text == NOT_SAID


def judgements_of(answer: Answer, age: timedelta, source: Source, rng: random.Random) -> list[Judgement]:
    found = []
    rated = [(FAITHFULNESS, *_faithful(answer, rng)), (RELEVANCE, *_relevant(answer, rng))]
    if source != Source.PLAYGROUND:  # a row of the playground expects nothing
        rated.insert(0, (CORRECTNESS, *_correct(answer, rng)))
    rated.append((ANSWERABLE, not (answer.missed or answer.unsaid), _why_answerable(answer)))
    rated.append((OUTCOME, *_outcome(answer)))
    for judge, value, reason in rated:
        if rng.random() < 0.008:
            found.append(judge.fails(rng))
        elif judge is RELEVANCE and answer.refused:
            found.append(judge.declines("A refusal speaks to no question: not rated."))
        else:
            found.append(judge.says(value, reason, 1_400 + len(answer.text), rng))
    if source != Source.PLAYGROUND:
        # The same check as a reader would make: is the one telling word there?
        has = bool(re.search(rf"(?<!\w){re.escape(answer.detail)}(?!\w)", answer.text, re.IGNORECASE))
        reason = f"{'Found' if has else 'Missing'}: {answer.detail!r}."
        found.append(code("has_detail", "contains_detail", has, reason, rng))
    return found + _by_people(answer, rng)


def _correct(answer: Answer, rng: random.Random) -> tuple[float, str]:
    if answer.slip:
        if rng.random() < 0.07:
            return round(rng.uniform(0.72, 0.85), 2), "Says roughly what was expected."
        return round(rng.uniform(0.0, 0.3), 2), f"Expected: {answer.expected} {answer.slip}"
    if answer.missed and not answer.unsaid:
        return round(rng.uniform(0.0, 0.15), 2), f"The answer refuses, but expected was: {answer.expected}"
    if answer.padding:
        return round(
            rng.uniform(0.75, 0.9), 2
        ), "The expected answer is there, with an addition that was not asked for."
    return round(min(1, rng.uniform(0.9, 1.05)), 2), rng.choice(
        ("Same as expected.", "Means the same as the expected answer.", "Nothing missing, nothing wrong.")
    )


def _faithful(answer: Answer, rng: random.Random) -> tuple[float, str]:
    if answer.slip:
        value = round(rng.uniform(0.0, 0.4), 2)
        return value, "None of the retrieved pages supports this." if answer.missed else answer.slip
    if answer.padding:
        return round(rng.uniform(0.45, 0.72), 2), f"Not in the context: {answer.padding.strip()!r}"
    if answer.refused:
        return 1.0, "The answer claims nothing."
    return round(min(1, rng.uniform(0.9, 1.1)), 2), rng.choice(
        ("Each claim stands in the context.", "Quoted from page [1] nearly word for word.", "Fully supported.")
    )


def _relevant(answer: Answer, rng: random.Random) -> tuple[float, str]:
    if answer.padding:
        return float(rng.choice((3, 4, 4))), "Answers the question, then goes on to something else."
    if answer.slip and rng.random() < 0.2:
        return 3.0, "Speaks about the topic but not quite about what was asked."
    return float(rng.choice((4, 5, 5, 5))), "Speaks directly to the question."


def _why_answerable(answer: Answer) -> str:
    if answer.unsaid:
        return "None of the pages says anything about it."
    return "The page with the answer was not retrieved." if answer.missed else "One of the pages holds the answer."


def _outcome(answer: Answer) -> tuple[list[str], str]:
    if answer.refused:
        if answer.unsaid or answer.missed:
            return ["refused rightly"], "The context does not hold the answer, and the assistant says so."
        return ["refused wrongly"], "The context holds the answer."
    if answer.unsaid or answer.missed:
        return (["made up"] if answer.slip else ["answered"]), "Answers although the context does not hold it."
    return ["answered"], "The context holds an answer, and one is given."


def _by_people(answer: Answer, rng: random.Random) -> list[Judgement]:
    found = []
    wrong = bool(answer.slip) or (answer.missed and not answer.unsaid)
    if rng.random() < (0.3 if wrong else 0.05):
        who = rng.choice(("ina", "marco"))
        value = rng.choice((0.0, 0.0, 0.2)) if wrong else rng.choice((1.0, 1.0, 0.9))
        # The judge takes an addition for harmless; people often do not.
        if answer.padding:
            value = rng.choice((0.4, 0.5, 0.9))
        found.append(person("answer_correctness", who, value, "Checked against the manual."))
    if wrong and rng.random() < 0.12:
        found.append(person("note", "ina", rng.choice(NOTES)))
    return found
