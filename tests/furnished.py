"""A project with one of everything that an address can name, for tests of who reaches what.

What is in it bears the project's slug in its name, so that a page of another project that shows any of it is found out.
"""

from types import SimpleNamespace

from django.utils import timezone

from evalhub import apikeys
from evalhub.models import AuditEvent, Role, Scope
from experiments.models import DatasetImport, DatasetItem, PlaygroundRun, Prompt, PromptVersion
from records.ids import uuid7
from records.models import Blob, BulkJob, BulkKind, SavedView, Score, ScoreSource, ScoreStatus, Tag, ValueType
from records.models.score import Rank
from scoring.models import Alert, Dashboard, Provider, ReviewRequest, Rule, ScoringRun
from tests import factories
from tests.experiments import made
from tests.scoring.running import exact

NUMBER = 7  # of what is counted within a project; another project has none of it


def furnish(slug: str, number: int = NUMBER) -> SimpleNamespace:
    """`number`: what runs, reviews, revisions and versions are called in it."""
    project = factories.project(slug)
    one = {"project": project}
    its = SimpleNamespace(
        project=project, number=number, member=factories.member(project, Role.VIEWER, f"{slug}-member")
    )
    its.key, its.plain = apikeys.create(project, f"{slug}-key", list(Scope))
    its.tag = Tag.objects.create(**one, name=f"{slug}-tag")
    its.metric = factories.metric(project, f"{slug}_metric", ValueType.BOOLEAN, passing_value=True)
    its.evaluator = exact(project, f"{slug}_evaluator", metric=its.metric)
    its.record = factories.record(
        project, inputs=f"{slug}-in", outputs=f"{slug}-out", external_id=f"{slug}-record", name=f"{slug}-name",
        model=f"{slug}-model", thread=f"{slug}-thread",
    )  # fmt: skip
    its.score = Score.objects.create(
        **one, id=uuid7(), record_id=its.record.id, record_created_at=its.record.created_at, metric=its.metric,
        status=ScoreStatus.COMPLETED, rank=Rank.PRIMARY, is_current=True, source=ScoreSource.HUMAN, boolean_value=True,
        created_at=timezone.now(), completed_at=timezone.now(), task_key=f"{slug}-score",
    )  # fmt: skip
    its.blob = Blob.objects.create(
        **one, sha256=(slug.encode().hex() * 9)[:64], content_type="text/plain", size=1, data=b"x"
    )
    its.view = SavedView.objects.create(**one, name=f"{slug}-view", shared=True)
    its.job = BulkJob.objects.create(**one, kind=BulkKind.TAG, by=f"{slug}-member", words=f"{slug}-words")
    its.provider = Provider.objects.create(**one, name=f"{slug}-provider", base_url="https://models.example.com/v1")
    its.dashboard = Dashboard.objects.create(**one, name=f"{slug}-dashboard", shared=True)
    its.alert = Alert.objects.create(**one, name=f"{slug}-alert", figure="records", threshold=1, by=f"{slug}-member")
    its.rule = Rule.objects.create(**one, slug=f"{slug}-rule", name=f"{slug}-rule", created_by=f"{slug}-member")
    its.run = ScoringRun.objects.create(**one, number=number, by=f"{slug}-member", words=f"{slug}-words")
    its.review = ReviewRequest.objects.create(
        **one, number=number, version=its.evaluator.versions.get(), by=f"{slug}-member", words=f"{slug}-words"
    )
    its.dataset = made.dataset(project, f"{slug}-dataset", revision=number, size=1)
    its.item = DatasetItem.objects.create(
        **one, dataset=its.dataset, case_id=f"{slug}-case", position=1, inputs=f"{slug}-in", search_text="",
        first_revision=number, created_by=f"{slug}-member",
    )  # fmt: skip
    its.import_ = DatasetImport.objects.create(
        **one, dataset=its.dataset, words=f"{slug}-words", by=f"{slug}-member", format="jsonl"
    )
    its.prompt = Prompt.objects.create(**one, slug=f"{slug}-prompt", name=f"{slug}-prompt", created_by="x")
    PromptVersion.objects.create(**one, prompt=its.prompt, number=number, messages=[], created_by=f"{slug}-member")
    its.playground = PlaygroundRun.objects.create(**one, columns=[], rows=[], created_by=f"{slug}-member")
    its.experiment = made.experiment(project, f"{slug}-experiment", {f"{slug}-case": {its.metric: True}})
    its.event = AuditEvent.objects.create(**one, actor=f"{slug}-member", action="key.create", target=f"{slug}-key")
    its.membership = its.member.memberships.get()
    return its


# What a part of an address names: the beginning of the URL's name (of a call: "api:" and its first word), the part, and
# how the furnished project calls it.
# The first that fits counts. Parts that name nothing of a project (which facet, which fragment) are in NO_OBJECT.
NAMED = [
    ("", "user_id", lambda its: its.member.pk),
    ("", "key_id", lambda its: its.key.pk),
    ("", "sha256", lambda its: its.blob.sha256),
    ("", "score", lambda its: its.score.id),
    ("", "score_id", lambda its: its.score.id),
    ("", "rule", lambda its: its.rule.slug),
    ("", "evaluator", lambda its: its.evaluator.slug),
    ("", "experiment", lambda its: its.experiment.slug),
    ("", "dataset", lambda its: its.dataset.slug),
    ("", "prompt", lambda its: its.prompt.slug),
    ("", "case_id", lambda its: its.item.case_id),
    ("records:view", "id", lambda its: its.view.pk),
    ("records:bulk", "id", lambda its: its.job.pk),
    ("scoring:dashboard", "id", lambda its: its.dashboard.pk),
    ("scoring:alert", "id", lambda its: its.alert.pk),
    ("api:alerts", "id", lambda its: its.alert.pk),
    ("api:experiments", "id", lambda its: its.experiment.rows.get().record_id),
    ("api:", "id", lambda its: its.record.external_id),
    ("api:evaluators", "slug", lambda its: its.evaluator.slug),
    ("api:rules", "slug", lambda its: its.rule.slug),
    ("api:metrics", "slug", lambda its: its.metric.slug),
    ("api:datasets", "slug", lambda its: its.dataset.slug),
    ("api:prompts", "slug", lambda its: its.prompt.slug),
    ("api:experiments", "slug", lambda its: its.experiment.slug),
    ("api:datasets", "number", lambda its: its.import_.pk),
    ("", "id", lambda its: its.record.id),
    ("", "number", lambda its: its.number),
    ("experiments:import", "key", lambda its: its.import_.pk),
    ("experiments:playground", "key", lambda its: its.playground.pk),
    ("experiments:item", "key", lambda its: its.item.pk),
]
NO_OBJECT = {("records:facet", "key"), ("scoring:monitor-part", "part")}
# An errand is of whoever began it: what is asked for by another id is gone, whosever it is.
NO_OBJECT |= {("scoring:rescore-estimated", "errand"), ("scoring:rule-past-estimated", "errand")}


def named(name: str, part: str, its: SimpleNamespace) -> object:
    """What stands for `part` in the address of the URL `name`. Raises LookupError where nothing says."""
    for beginning, its_part, value in NAMED:
        if part == its_part and name.startswith(beginning):
            return value(its)
    raise LookupError(f"tests/furnished.py does not say what <{part}> of {name} is")
