"""What the queue calls: ids in, the rows in the database say the rest. Each may run twice, or never."""

from scoring import primaries
from scoring.reviews.planning import tend
from scoring.runs import planning, working


def plan_run(run_id: int) -> None:
    planning.plan(run_id)
    working.settle(run_id)


def work_run(run_id: int) -> None:
    working.work(run_id)


def tend_review(request_id: int) -> None:
    tend(request_id)


def rank_scores(project_id: int, metric_id: int) -> None:
    primaries.rank_scores(project_id, metric_id)
