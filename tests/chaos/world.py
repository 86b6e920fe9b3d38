"""What is there before the first kill: a project with a key, evaluators of both kinds, and rules on all that comes."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests import model_server

BUSY = 0.03  # share of the model's answers that are an error which may pass

SNIPPET = "def evaluate(input, output):\n    return len(str(output)) > 3\n"


@dataclass(frozen=True)
class World:
    """`key` may ingest, read and write."""

    project: Any
    key: str


def make(model_url: str, quiet_seconds: int) -> World:
    """`quiet_seconds`: how long the rules wait for the rest of a trace."""
    from evalhub import apikeys
    from evalhub.models import Project, Scope
    from records.metrics import create_metric
    from scoring.evaluators import create_evaluator
    from scoring.providers import create_provider
    from scoring.rules.editing import save_rule

    project = Project.objects.create(slug="chaos", name="Chaos")
    _, key = apikeys.create(project, "load", [Scope.INGEST, Scope.READ, Scope.WRITE])
    provider = create_provider(project, "chaos", name="Stand-in", base_url=model_url, key="any")
    create_metric(project, slug="thumbs", value_type="boolean", passing_value=True)
    long_enough = create_evaluator(
        project, "chaos", slug="long_enough", type="code",
        metric=create_metric(project, slug="long_enough", value_type="boolean", passing_value=True),
        definition={"eval_code_snippet": SNIPPET},
    )  # fmt: skip
    judge = create_evaluator(
        project, "chaos", slug="judge", type="llm",
        metric=create_metric(
            project, slug="quality", value_type="numerical", min_score=0, max_score=1, passing_score=0.5
        ),
        definition={
            "evaluator_definition": "Question: {{ input }}\nAnswer: {{ output }}", "provider_id": provider.pk,
            "model": "stand-in",
        },
    )  # fmt: skip
    common = {"enabled": True, "quiet_seconds": quiet_seconds}
    save_rule(project, "chaos", name="Every span", evaluators=[long_enough], spans_mode="all", rate=1.0, **common)
    save_rule(
        project, "chaos", name="Judged roots", evaluators=[judge], spans_mode="root", rate=0.3,
        filter="environment:production", **common,
    )  # fmt: skip
    save_rule(
        project, "chaos", name="Whole traces", evaluators=[long_enough, judge], spans_mode="root", scope="trace",
        rate=0.2, **common,
    )  # fmt: skip
    return World(project, key)


def sometimes_busy(seed: int) -> Callable[[model_server.Request], model_server.Answer | None]:
    """For `ModelServer.refuses`."""
    dice = random.Random(seed)  # noqa: S311

    def refuses(request: model_server.Request) -> model_server.Answer | None:
        thrown = dice.random()
        if thrown < BUSY / 2:
            return model_server.status(429, {"Retry-After": "1"})
        return model_server.status(503) if thrown < BUSY else None

    return refuses
