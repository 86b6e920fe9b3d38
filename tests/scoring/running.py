"""What tests of scoring runs begin with: records by ingest, evaluators, and workers that are called by hand."""

from datetime import timedelta
from uuid import UUID

from django.http import QueryDict
from django.utils import timezone

from records.drafts import RecordDraft
from records.ingest import ingest
from records.models import Record, Score, Source, ValueType
from records.selection import Selection, read_selection
from scoring.evaluators import create_evaluator
from scoring.models import Evaluator, ScoringRun
from scoring.runs import planning, working
from tests import factories

LONG = "def evaluate(output):\n    return len(output) > 3\n"


def sent(project, count: int, first: int = 0, outputs: str = "") -> list[UUID]:
    """Ids of new records; record n says n, or `outputs`."""
    start = timezone.now() - timedelta(days=1)
    names = [f"r{n}" for n in range(first, first + count)]
    drafts = [
        RecordDraft(
            name, Source.API, start + timedelta(seconds=n), inputs={"n": n}, outputs=outputs or f"{n}", model="gpt"
        )
        for n, name in enumerate(names, first)
    ]
    ingest(project, drafts, "ci")
    ids = dict(Record.objects.filter(project=project, external_id__in=names).values_list("external_id", "id"))
    return [ids[name] for name in names]


def code(project, slug: str = "long_enough", snippet: str = LONG, metric=None, **definition) -> Evaluator:
    metric = metric or factories.metric(project, value_type=ValueType.BOOLEAN, passing_value=True)
    return create_evaluator(
        project, "anna", slug=slug, type="code", metric=metric, definition={"eval_code_snippet": snippet, **definition}
    )


def exact(project, slug: str = "exact", metric=None, text: str = "1") -> Evaluator:
    """A built-in evaluator, which needs no sandbox: whether the output is the text."""
    metric = metric or factories.metric(project, value_type=ValueType.BOOLEAN, passing_value=True)
    definition = {"builtin": "contains", "settings": {"texts": [text]}}
    return create_evaluator(project, "anna", slug=slug, type="code", metric=metric, definition=definition)


def ticked(project, ids) -> Selection:
    return Selection(project, ids=tuple(ids))


def matching(project, q: str = "", user=None) -> Selection:
    return read_selection(QueryDict(f"matching=1&q={q}"), project, user or factories.user())


def finish(run: ScoringRun) -> ScoringRun:
    """All that workers would do, in this process."""
    planning.plan(run.pk)
    working.work(run.pk)
    run.refresh_from_db()
    return run


def scores_of(run: ScoringRun):
    return Score.objects.filter(project=run.project, run_id=run.pk)
