"""What evaluators, people and end users think of the helpdesk's turns. Pure.

Version 1 of the factuality judge is a small model that lets much pass. Version 2 judges more strictly: it took over
ten days ago, and the ten days before were scored again with it, so their records carry both.
"""

import random
from datetime import datetime, timedelta

from experiments.demo.helpdesk_trace import Turn
from experiments.demo.judging import Judge, code, from_outside, person
from experiments.demo.llms import GPT_4O_MINI, GPT_41_MINI, HAIKU, SONNET
from experiments.demo.stories import Judgement

FACTUALITY_1 = Judge("factuality_judge", "factuality", 1, GPT_4O_MINI)
FACTUALITY_2 = Judge("factuality_judge", "factuality", 2, SONNET)
GROUNDEDNESS = Judge("groundedness_judge", "groundedness", 1, HAIKU)
RESOLUTION = Judge("resolution_judge", "resolved", 3, GPT_41_MINI)
TONE = Judge("tone_judge", "tone", 2, GPT_4O_MINI)

VERSION_2_DAYS, RESCORED_DAYS = 10, 20
MISSES = {1: 0.24, 2: 0.06}  # by version: wrong answers that the judge believes
FALSE_ALARMS = {1: 0.05, 2: 0.025}
LIMITED = (timedelta(days=5, hours=2), timedelta(days=5))  # a quota ran out: many judge calls failed
REVIEWERS = ("ina", "ina", "marco")

AGREES = (
    'The answer says that {fact}, which is what "{title}" says. Nothing else is claimed.',
    'Supported: the article "{title}" states that {fact}.',
    "All claims can be found in the retrieved article; in particular, {fact}.",
    "Correct. {Fact}, as in the article; the wording is the assistant's own.",
)
BELIEVES = (
    "The answer is plausible and consistent in itself; no statement stands out as wrong.",
    "The answer addresses the request directly and the details look right.",
)
QUIBBLES = (
    'Mostly right, but it leaves out a condition that "{title}" names.',
    "The answer is looser than the article; a customer could read more into it than is meant.",
)
GROUNDED = (
    'Every sentence has a source in "{title}".',
    "Statements and sources match one to one.",
    "Grounded in the article and the tool's result.",
)
TONES = {
    "friendly": ("Thanks or apologises, and offers further help.", "Warm, speaks to the customer's situation."),
    "neutral": ("Polite and factual, neither warm nor cold.", "Businesslike; nothing to object to."),
    "curt": (
        "Telegram style, no greeting, no sign that the problem was understood.",
        "Answers in fragments; reads as if the customer were a nuisance.",
    ),
    "pushy": ("Tries to hold the customer back although the request was plain.",),
    "rude": ("Brushes the request aside.",),
}
NOTES_INVENTED = ("Made up, no tool did this.", "Invented a fact.", "Promises something nobody has done!")
NOTES_WRONG = ('Contradicts "{title}".', "Wrong, and the article was retrieved. Prompt?", "Cites the wrong rule.")
NOTES_CURT = (
    "Sounds annoyed. Since v5?",
    "Right, but so curt that the customer wrote again.",
    "Where did the apology go?",
)
NOTES_GOOD = ("Good one for the training set.", "Nicely put.", "Would have answered the same.")


def judgements_of(turn: Turn, now: datetime, rng: random.Random) -> list[Judgement]:
    age = now - turn.at
    if age > timedelta(days=14) and rng.random() < 0.4:
        return _by_people(turn, None, rng, seen=0.02)  # online scoring drew 60 % until two weeks ago
    if turn.error:
        declined = [judge.declines("There is no output to judge.") for judge in (FACTUALITY_2, RESOLUTION)]
        return declined + ([from_outside("feedback", "shop-web", False)] if rng.random() < 0.2 else [])
    judged = [_factuality(turn, age, rng), _groundedness(turn, age, rng)]
    judged += [_resolved(turn, age, rng), _tone(turn, age, rng)]
    found = [judgement for group in judged for judgement in group]
    words = len(turn.answer.split())
    found.append(code("answer_words", "answer_length", float(words), f"{words} words.", rng))
    factuality = next((j.value for j in reversed(found) if j.metric == "factuality" and j.value is not None), None)
    return found + _by_people(turn, factuality, rng, seen=0.05)


def _attempt(judge: Judge, turn: Turn, age: timedelta, rng: random.Random) -> list[Judgement] | None:
    """What happens when no value comes back: nothing yet, or an error. None: the judge answers."""
    if turn.fresh and (judge is TONE or rng.random() < 0.4):
        return [judge.waits()]
    failing = 0.3 if LIMITED[1] < age < LIMITED[0] else 0.006
    return [judge.fails(rng)] if rng.random() < failing else None


def _factuality(turn: Turn, age: timedelta, rng: random.Random) -> list[Judgement]:
    days = age / timedelta(days=1)
    judges = [FACTUALITY_2] if days < VERSION_2_DAYS else [FACTUALITY_1]
    if VERSION_2_DAYS <= days < RESCORED_DAYS:
        judges.append(FACTUALITY_2)
    unanswered = _attempt(judges[0], turn, age, rng)
    if unanswered:
        return unanswered
    found = []
    for number, judge in enumerate(judges):
        value, reason = _judged(turn, judge.version, rng)
        found.append(judge.says(value, reason, len(turn.ask) + len(turn.answer), rng, turn=number))
    return found


def _judged(turn: Turn, version: int, rng: random.Random) -> tuple[float, str]:
    if turn.slip:
        if rng.random() < MISSES[version]:
            return round(rng.uniform(0.74, 0.93), 2), rng.choice(BELIEVES)
        return round(rng.uniform(0.2, 0.6) if turn.invented else rng.uniform(0.04, 0.4), 2), turn.slip
    if rng.random() < FALSE_ALARMS[version]:
        return round(rng.uniform(0.45, 0.66), 2), _said(QUIBBLES, turn, rng)
    return round(min(1.0, rng.uniform(0.84, 1.02)), 2), _said(AGREES, turn, rng)


def _groundedness(turn: Turn, age: timedelta, rng: random.Random) -> list[Judgement]:
    unanswered = _attempt(GROUNDEDNESS, turn, age, rng)
    if unanswered:
        return unanswered
    if turn.slip:
        value = rng.choice((1.0, 1.5, 2.0, 2.5)) if turn.invented else rng.choice((2.0, 2.5, 3.0, 3.5))
        reason = turn.slip
    else:
        value, reason = rng.choice((4.0, 4.5, 4.5, 5.0, 5.0)), _said(GROUNDED, turn, rng)
    return [GROUNDEDNESS.says(value, reason, len(turn.topic.passage) + len(turn.answer), rng)]


def _resolved(turn: Turn, age: timedelta, rng: random.Random) -> list[Judgement]:
    unanswered = _attempt(RESOLUTION, turn, age, rng)
    if unanswered:
        return unanswered
    solved = rng.random() < (0.3 if turn.slip else turn.topic.solved - (0.12 if turn.curt else 0))
    if solved:
        reason = "The request is dealt with in this message; nothing is left for the customer to ask."
    elif turn.slip:
        reason = "The customer would act on a wrong answer and have to write again."
    elif turn.curt:
        reason = "The answer is right but leaves open what the customer is to do next."
    else:
        reason = "The matter waits for somebody else; the customer has to come back."
    return [RESOLUTION.says(solved, reason, len(turn.ask) + len(turn.answer), rng)]


def tone_of(turn: Turn, rng: random.Random) -> str:
    if turn.curt:
        return "curt" if rng.random() < 0.92 else "neutral"
    if turn.slip and "Before I cancel" in turn.answer:
        return "pushy"
    if turn.slip and turn.topic.slug == "human-please":
        return "rude"
    return "friendly" if rng.random() < 0.62 else "neutral"


def _tone(turn: Turn, age: timedelta, rng: random.Random) -> list[Judgement]:
    unanswered = _attempt(TONE, turn, age, rng)
    if unanswered:
        return unanswered
    tone = tone_of(turn, rng)
    return [TONE.says([tone], rng.choice(TONES[tone]), len(turn.answer), rng)]


def _by_people(turn: Turn, machine: float | None, rng: random.Random, seen: float) -> list[Judgement]:
    """Thumbs of customers, and what reviewers saw: mostly where something is wrong, and never all of it."""
    found = []
    if turn.error:
        return found
    if rng.random() < 0.13:
        pleased = 0.22 if turn.slip else 0.62 if turn.curt else 0.93
        found.append(from_outside("feedback", "shop-web", rng.random() < pleased))
    who = rng.choice(REVIEWERS)
    if rng.random() < (seen * 4 if turn.slip else seen):
        found.append(_reviewed(turn, machine, who, rng))
    if rng.random() < (0.14 if turn.slip else 0.07 if turn.curt else 0.012):
        notes = (
            NOTES_INVENTED if turn.invented else NOTES_WRONG if turn.slip else NOTES_CURT if turn.curt else NOTES_GOOD
        )
        found.append(person("note", who, _said(notes, turn, rng)))
    return found


def _reviewed(turn: Turn, machine: float | None, who: str, rng: random.Random) -> Judgement:
    """A reviewer's own value: nearly always the truth, which is where judge and people part."""
    right = not turn.slip if rng.random() < 0.96 else bool(turn.slip)
    value = rng.choice((0.9, 1.0, 1.0)) if right else rng.choice((0.1, 0.2, 0.2, 0.3, 0.4))
    reason = ""
    if machine is not None and (machine >= 0.7) != right:
        reason = f"Judge said {machine:.2f}. " + (turn.slip if turn.slip else "The article does say it.")
    return person("factuality", who, value, reason)


def _said(choices: tuple[str, ...], turn: Turn, rng: random.Random) -> str:
    fact = turn.fact
    return rng.choice(choices).format(fact=fact, Fact=fact[:1].upper() + fact[1:], title=turn.topic.title)
