"""A project with one of everything that the examples on the API's page name."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone

from evalhub.models import Project, Role
from records.models import Score, ValueType
from scoring.models import Evaluator, ReviewRequest
from scoring.providers import create_provider
from scoring.reviews.planning import tend
from tests import factories
from tests.experiments import made
from tests.records.api.calls import call, key

RECORD = {"id": "order-4711", "outputs": "It arrives tomorrow.", "environment": "production"}
CASES = [{"id": f"q{n}", "inputs": {"question": "Where is it?"}, "expected": "On its way."} for n in (1, 2, 3)]
PROMPT = {"name": "Answer", "slug": "answer", "messages": [{"role": "user", "content": "{{ issue }}"}]}
RULE = {"name": "live", "evaluators": ["correct"], "spans_mode": "root"}


def opened(project: Project) -> tuple[str, dict[str, Any]]:
    """A key with every scope, and what stands in addresses and bodies where it is not as in the examples."""
    k = key(project)

    def post(path: str, body: Any = None) -> Any:
        answer = call(k, "POST", path, body)
        assert answer.status < 300, (path, answer.body)
        return answer.body

    correct = factories.metric(project, "correct", ValueType.BOOLEAN, passing_value=True)
    provider = create_provider(project, "anna", name="Local", base_url="http://127.0.0.1:9/v1")
    post("/evaluators", {"slug": "correct", "type": "code", "metric": "correct", "builtin": "exact_match"})
    post("/evaluators", {"slug": "careful", "type": "human", "metric": "correct"})
    post("/records", RECORD | {"scores": [{"metric": "correct", "boolean_value": True}]})
    post("/rules", RULE)
    post("/scoring-runs", {"ids": ["order-4711"], "evaluators": ["correct"]})
    _ask_people(project, post)
    alert = post("/alerts", {"name": "Errors", "figure": "errors", "threshold": 0.5})
    post("/datasets", {"name": "Questions", "slug": "questions", "items": CASES})
    imported = post("/datasets/questions/import", [{"id": "q4", "inputs": {"question": "Where?"}}])
    post("/prompts", PROMPT | {"provider_id": provider.pk, "model": "m"})
    post("/prompts/answer/versions/1/commit")
    post("/prompts/answer/versions", {"note": "A draft."})
    before, after = made.flipping(correct, 12, lost=1)
    made.experiment(project, "support-v14", before)
    Evaluator.objects.filter(slug="correct-judge").update(current=made.version(correct))
    newer = made.experiment(project, "support-v15", after)
    newer.rows.update(generated_at=timezone.now())
    post("/experiments", {"name": "Open", "type": "custom", "dataset": "questions"})
    return k, {
        "provider_id": provider.pk, "alerts.id": alert["id"], "datasets.number": imported["id"],
        "experiments.id": str(newer.rows.first().record_id),
        "scores.score_id": str(Score.objects.filter(project=project).earliest("id").id),
    }  # fmt: skip


def _ask_people(project: Project, post: Callable[..., Any]) -> None:
    """Anna has not answered, Ben has."""
    for name in ("anna", "ben"):
        factories.member(project, Role.REVIEWER, name)
    post("/review-requests", {"ids": ["order-4711"], "evaluator": "careful", "reviewers": 2})
    tend(ReviewRequest.objects.get(project=project).pk)
    post("/review-requests/1/answers", {"reviewer": "ben", "record": "order-4711", "boolean_value": False})
