"""The demo project "Helpdesk assistant": production traces of a shop's support agent. Its prompt's version 5 went live
a week ago and is worse: more answers against the articles, and a curt tone."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from experiments.demo import (
    helpdesk_evaluators,
    helpdesk_money,
    helpdesk_orders,
    helpdesk_products,
    helpdesk_rules,
    helpdesk_watched,
)
from experiments.demo.helpdesk_judges import judgements_of
from experiments.demo.helpdesk_topic import Topic
from experiments.demo.helpdesk_trace import Turn, drafts_of
from experiments.demo.llms import GPT_4O, GPT_4O_MINI, HAIKU, LLM, MISTRAL_SMALL, SONNET
from experiments.demo.stories import Plan, Story
from experiments.demo.traffic import moments, outage
from records.models import ValueType

SLUG = "helpdesk"
NAME = "Helpdesk assistant"
DESCRIPTION = "Demo: the support agent of an online shop, as traced in production. Something happened last week."
METRICS: list[dict[str, Any]] = [
    {
        "slug": "factuality", "value_type": ValueType.NUMERICAL, "min_score": 0, "max_score": 1, "passing_score": 0.7,
        "description": "Is what the answer says true by the articles and the tools' results?",
        "evaluator": "factuality_judge",
    },
    {
        "slug": "groundedness", "value_type": ValueType.NUMERICAL, "min_score": 1, "max_score": 5, "passing_score": 4,
        "description": "How much of the answer has a source? 5: every sentence.", "evaluator": "groundedness_judge",
    },
    {
        "slug": "resolved", "value_type": ValueType.BOOLEAN,
        "description": "Does the customer have to write again about this?", "evaluator": "resolution_judge",
    },
    {
        "slug": "tone", "value_type": ValueType.CATEGORICAL, "categorical_choices": [
            {"value": "friendly", "number": 1}, {"value": "neutral", "number": 0.7}, {"value": "curt", "number": 0.3},
            {"value": "pushy", "number": 0.1}, {"value": "rude", "number": 0},
        ],
        "passing_choices": ["friendly", "neutral"], "description": "How does the answer sound?",
        "evaluator": "tone_judge",
    },
    {
        "slug": "answer_words", "name": "Length", "value_type": ValueType.NUMERICAL, "min_score": 0,
        "passing_score": 30, "direction": "lower", "description": "Words of the answer; 30 fit the chat bubble.",
        "evaluator": "answer_length",
    },
]  # fmt: skip
EVALUATORS = helpdesk_evaluators.EVALUATORS
RESCORED = "answer_length"
REVIEWS = helpdesk_evaluators.REVIEWS
TRIALS = None
WATCH = helpdesk_watched.WATCH
RULES = helpdesk_rules.RULES

TOPICS: tuple[Topic, ...] = helpdesk_orders.TOPICS + helpdesk_money.TOPICS + helpdesk_products.TOPICS
MODELS: tuple[tuple[LLM, float], ...] = (
    (GPT_4O, 0.42), (GPT_4O_MINI, 0.24), (SONNET, 0.14), (HAIKU, 0.12), (MISTRAL_SMALL, 0.08),
)  # fmt: skip
# From how many days ago a prompt version was live; in the last week version 4 kept a quarter of the traffic.
VERSION_FROM_DAYS = ((24, 1), (17, 2), (12, 3), (7, 4), (-1, 5))
WRONG = {1: 0.13, 2: 0.10, 3: 0.08, 4: 0.055, 5: 0.23}
CURT = {1: 0.07, 2: 0.03, 3: 0.04, 4: 0.03, 5: 0.40}
FRESH_OF = 600  # one thread of so many still waits for judges
TURNS = ((1, 0.55), (2, 0.27), (3, 0.13), (4, 0.05))

ITEMS = (
    "Cascada coffee machine", "Aero 3 vacuum", "Lumo desk lamp", "Brisa fan heater", "Tavo milk frother",
    "Noma knife set", "Pila kitchen scale", "Orvo toaster", "Senda hand blender", "Mira air purifier",
)  # fmt: skip
HUBS = ("Leipzig", "Lyon", "Bologna", "Ghent", "Porto", "Graz")
COUNTRIES = ("Norway", "Portugal", "Sweden", "Ireland", "Poland", "Greece")
PROMOS = ("AUTUMN25", "HELLO10", "COZY15", "WEEKEND10")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
CHANNELS = (("web chat", 0.6), ("app", 0.28), ("e-mail", 0.12))
LOCALES = (("en-GB", 0.5), ("en-IE", 0.2), ("en-DE", 0.3))
EXTRA = ("One more thing: ", "Another question. ", "Also: ", "Thanks! And ")
ERRORS = (
    "TimeoutError: the order service did not answer within 10 s",
    "RateLimitError: 429 from {provider}: tokens per minute exceeded for {model}",
    "APITimeoutError: {provider} did not answer within 30 s",
)


def stories(plan: Plan) -> Iterator[Story]:
    lengths, made, rng = [], 0, plan.rng(SLUG, "threads")
    while made < plan.records:
        lengths.append(min(_pick(TURNS, rng), plan.records - made))
        made += lengths[-1]
    starts = moments(len(lengths), plan.now, plan.days, rng)
    fresh_from = len(lengths) - max(2, len(lengths) // FRESH_OF)
    for number, (length, start) in enumerate(zip(lengths, starts, strict=True)):
        yield from _thread(plan, number, length, start, fresh=number >= fresh_from)


def _thread(plan: Plan, number: int, length: int, start: datetime, fresh: bool) -> Iterator[Story]:
    rng = plan.rng(SLUG, number)
    gaps = [rng.uniform(35, 240) for _ in range(length - 1)]
    spare = timedelta(seconds=sum(gaps) + 60)
    down, _ = outage(plan.now)
    if start + spare > plan.now:
        start -= spare
    elif start < down <= start + spare:
        start = down - spare
    customer = f"cust_{10_000 + int(rng.paretovariate(0.9) * 13) % 4_000}"
    staging = rng.random() < 0.09
    llm = _pick(MODELS, rng)
    slots = slots_of(start, customer, rng)
    version = _version(plan.now - start, staging, rng)
    metadata = {
        "channel": _pick(CHANNELS, rng), "locale": _pick(LOCALES, rng),
        "release": f"2.{version + 7}.{rng.randint(0, 2)}",
    }  # fmt: skip
    topic = rng.choices(TOPICS, [topic.weight for topic in TOPICS])[0]
    left = list(topic.follow_ups)
    history: list[dict[str, str]] = []
    at = start
    for turn_number in range(length):
        follow_up = None
        lead = ""
        if turn_number:
            at += timedelta(seconds=gaps[turn_number - 1])
            if left:
                follow_up = left.pop(0)
            else:
                lead = rng.choice(EXTRA)
                topic = rng.choices(TOPICS, [topic.weight for topic in TOPICS])[0]
                left = list(topic.follow_ups)
        turn = Turn(
            f"{number}.{turn_number}", at, topic, follow_up, slots, "", "", "", False, False, llm, version,
            "staging" if staging else "production", customer, f"chat-{number + 48_200}", turn_number, list(history),
            fresh=fresh,
        )  # fmt: skip
        _speak(turn, lead, plan.now, rng)
        said = {"area": topic.area, "topic": topic.slug, **metadata, "order_value": float(slots["amount"].strip("€"))}
        yield Story(drafts_of(turn, said, _tags(turn, rng), rng), judgements_of(turn, plan.now, rng))
        history.append({"role": "user", "content": turn.ask})
        history.append(
            {"role": "assistant", "content": turn.answer or "Sorry, something went wrong. Please try again."}
        )


def _speak(turn: Turn, lead: str, now: datetime, rng: random.Random) -> None:
    """Fills in what is asked and answered, and whether that is right."""
    told = turn.follow_up or turn.topic
    turn.ask = lead + rng.choice(told.asks).format_map(turn.slots)
    if rng.random() < _error_share(turn.at, now):
        error = rng.choices(ERRORS, (0.4, 0.35, 0.25))[0]
        if "order service" in error and (turn.follow_up or not turn.topic.tool):
            error = ERRORS[2]
        turn.error = error.format(provider=turn.llm.provider, model=turn.llm.name)
        return
    if rng.random() < WRONG[turn.prompt_version] * turn.llm.care:
        slip = turn.follow_up.slip if turn.follow_up else rng.choice(turn.topic.slips)
        turn.answer, turn.slip = slip.answer.format_map(turn.slots), slip.reason.format_map(turn.slots)
        turn.invented = slip.invented
        return
    turn.curt = rng.random() < CURT[turn.prompt_version]
    if turn.follow_up:
        answer = turn.follow_up.curt if turn.curt else turn.follow_up.answer
    else:
        answer = rng.choice(turn.topic.curt if turn.curt else turn.topic.answers)
    turn.answer = answer.format_map(turn.slots)


def slots_of(at: datetime, customer: str, rng: random.Random) -> dict[str, str]:
    """Values for every slot of the templates, as of `at`."""
    ago = rng.randint(2, 12)
    day, wrong = at - timedelta(days=ago), at - timedelta(days=ago + rng.randint(5, 9))
    return {
        "order": str(rng.randint(80_000, 99_999)), "item": rng.choice(ITEMS), "customer": customer,
        "amount": f"€{rng.choice((19, 24, 34, 49, 69, 89, 129, 179, 249))}.{rng.choice(('00', '50', '90', '95'))}",
        "date": f"{day.day} {day:%B}", "wrong_date": f"{wrong.day} {wrong:%B}", "weekday": DAYS[day.weekday()],
        "tracking": f"TR{rng.randint(10**7, 10**8 - 1)}", "hub": rng.choice(HUBS), "country": rng.choice(COUNTRIES),
        "days": str(ago), "months": str(rng.randint(4, 30)), "minutes": str(rng.randint(2, 9)),
        "promo": rng.choice(PROMOS),
    }  # fmt: skip


def _version(age: timedelta, staging: bool, rng: random.Random) -> int:
    days = age / timedelta(days=1) - (2 if staging else 0)  # staging is two days ahead
    version = next(version for from_days, version in VERSION_FROM_DAYS if days > from_days or version == 5)
    return 4 if version == 5 and not staging and rng.random() < 0.25 else version


def _error_share(at: datetime, now: datetime) -> float:
    down, up = outage(now)
    near = down - timedelta(hours=2) < at < down or up <= at < up + timedelta(hours=1)
    return 0.3 if near else 0.011


def _tags(turn: Turn, rng: random.Random) -> list[str]:
    tags = [turn.topic.area]
    if turn.prompt_version == 5 and turn.environment == "production":
        tags.append("v5-rollout")
    if turn.topic.slug in ("human-please", "charger-hot"):
        tags.append("handed-over")
    if rng.random() < 0.03:
        tags.append("vip")
    return tags


def _pick(choices: tuple[tuple[Any, float], ...], rng: random.Random) -> Any:
    return rng.choices([choice for choice, _ in choices], [weight for _, weight in choices])[0]
