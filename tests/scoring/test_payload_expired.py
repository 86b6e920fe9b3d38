"""A record whose payload is kept no longer errors where an evaluator asks for it, and only there."""

from records.models import Payload, Score, ScoreStatus
from scoring.evaluators import create_evaluator
from scoring.inputs import inputs_of
from scoring.runs.starting import start_run
from scoring.trial import Row, try_definition
from tests import factories
from tests.scoring.running import exact, finish, sent, ticked


def by_status(project, evaluator: str) -> dict[str, list]:
    found: dict[str, list] = {}
    for score in Score.objects.filter(project=project, evaluator=evaluator):
        found.setdefault(ScoreStatus(score.status).label, []).append((score.record_id, score.error))
    return found


def test_it_scores_to_errored_payload_expired(project):
    ids = sent(project, 3, outputs="1")
    Payload.objects.filter(project=project, record_id=ids[1]).delete()
    texts = exact(project)
    metric = factories.metric(project)
    latency = create_evaluator(
        project, "anna", slug="fast", type="code", metric=metric,
        definition={"builtin": "latency", "settings": {"measure": "latency"}},
    )  # fmt: skip
    finish(start_run(ticked(project, ids), [texts, latency], factories.user(is_superuser=True)))
    assert by_status(project, "exact")["errored"] == [(ids[1], "payload expired")]
    assert len(by_status(project, "exact")["completed"]) == 2
    assert not any(error == "payload expired" for group in by_status(project, "fast").values() for _, error in group)


def test_a_trial_says_so_too(project):
    ids = sent(project, 2, outputs="1")
    Payload.objects.filter(project=project, record_id=ids[0]).delete()
    inputs = inputs_of(project.id, ids)
    definition = {"builtin": "contains", "settings": {"texts": ["1"]}}
    metric = exact(project).metric
    gone, there = try_definition(project, "code", metric, definition, [Row(inputs[id], id) for id in ids])
    assert gone.verdict.error == "payload expired" and there.value.boolean_value is True
