"""What tests of comparisons begin with: experiments that are over, with rows, records and scores, as plain rows."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from hashlib import blake2b
from itertools import count
from uuid import UUID

from django.utils import timezone

from evalhub.models import Project
from experiments.models import (
    Dataset,
    DatasetRevision,
    Experiment,
    ExperimentEvaluator,
    ExperimentRow,
    ExperimentState,
    RowState,
    ScoreSet,
    Workflow,
)
from records.ids import uuid7
from records.models import Metric, Payload, Record, Score, ScoreSource, ScoreStatus, Source
from records.models.score import Rank
from records.values import read_value
from scoring.models import Evaluator, EvaluatorVersion, RunKind, RunStatus, ScoringRun
from tests import factories
from tests.scoring.judging import FIELDS

_n = count(1)
ERRORED = "errored"  # in place of a value


def dataset(project: Project, slug: str = "cases", revision: int = 1, size: int = 0) -> Dataset:
    """Without items; its newest revision is there, so that its page is."""
    made = Dataset.objects.create(
        project=project, slug=slug, name=slug.title(), revision=revision, size=size, created_by="ina"
    )
    DatasetRevision.objects.create(
        project=project, dataset=made, number=revision, size=size, words="made", created_by="ina"
    )
    return made


def version(metric: Metric, number: int = 1, slug: str = "") -> EvaluatorVersion:
    """Of an evaluator of the metric, which is its primary one."""
    slug = slug or f"{metric.slug}-judge"
    evaluator, new = Evaluator.objects.get_or_create(
        project=metric.project, slug=slug, defaults={"name": slug, "type": "code", "metric": metric}
    )
    if new and not metric.primary_evaluator:
        metric.primary_evaluator = slug
        metric.save()
    return evaluator.versions.get_or_create(
        number=number, defaults={"definition": {}, "metric_version": 1, "author": "ina"}
    )[0]


def experiment(
    project: Project, slug: str, values: Mapping[str, Mapping[Metric, object]], *, of: Dataset | None = None,
    versions: Mapping[Metric, EvaluatorVersion] | None = None, outputs: Mapping[str, str] | None = None,
    metadata: Mapping[str, dict] | None = None, inputs: Mapping[str, object] | None = None, cost: str = "0.002",
    latency: int = 900, state: ExperimentState = ExperimentState.COMPLETED, **fields: object,
) -> Experiment:  # fmt: skip
    """`values[case][metric]` is a value, one an epoch as a list, None for no score, or ERRORED."""
    at = timezone.now() - timedelta(days=30) + timedelta(minutes=next(_n))
    metrics = list(dict.fromkeys(metric for of_case in values.values() for metric in of_case))
    frozen = {metric: version(metric) for metric in metrics} | dict(versions or {})
    epochs = max((len(v) for by in values.values() for v in by.values() if isinstance(v, list)), default=1)
    made = Experiment.objects.create(
        project=project, slug=slug, name=slug, label=slug, workflow=Workflow.CUSTOM, dataset=of,
        dataset_revision=of.revision if of else None, epochs=epochs, state=state, created_by="ina",
        created_at=at, **fields,
    )  # fmt: skip
    add_set(made, list(frozen.values()))
    rows, records, payloads = [], [], []
    for case in values:
        for epoch in range(1, epochs + 1):
            record = _record(made, case, epoch, (metadata or {}).get(case, {}), (inputs or {}).get(case, case))
            records.append(record)
            payloads.append(
                Payload(project=project, record_id=record.id, inputs={"question": case},
                        outputs=(outputs or {}).get(case, f"An answer to {case}."))
            )  # fmt: skip
            rows.append(
                ExperimentRow(
                    project=project, experiment=made, case_id=case, epoch=epoch, record_id=record.id,
                    state=RowState.SCORED, cost=Decimal(cost), tokens=50,
                    latency_ms=latency + 10 * epoch + len(rows) % 7,
                )
            )  # fmt: skip
    Record.objects.bulk_create(records)
    Payload.objects.bulk_create(payloads)
    ExperimentRow.objects.bulk_create(rows)
    score(made, values)
    return made


def adopted(project: Project, label: str, metrics: list[Metric]) -> Experiment:
    """Of records that are there; their scores came with them."""
    made = Experiment.objects.create(
        project=project, slug=label, name=label, label=label, workflow=Workflow.EXISTING, uploaded=True,
        state=ExperimentState.COMPLETED, created_by="ina",
    )  # fmt: skip
    ScoreSet.objects.create(experiment=made, number=1, name="As sent", created_by="ina")
    ExperimentEvaluator.objects.bulk_create(ExperimentEvaluator(experiment=made, metric=metric) for metric in metrics)
    ExperimentRow.objects.bulk_create(
        ExperimentRow(project=project, experiment=made, case_id=one.case_id, record_id=one.id, state=RowState.SCORED)
        for one in Record.objects.filter(project=project, experiment=label)
    )
    return made


def add_set(made: Experiment, versions: list[EvaluatorVersion], number: int = 1) -> ScoringRun:
    run = ScoringRun.objects.create(
        project=made.project, number=ScoringRun.objects.filter(project=made.project).count() + 1,
        kind=RunKind.EXPERIMENT, status=RunStatus.FINISHED, by="ina", words="its outputs",
    )  # fmt: skip
    ScoreSet.objects.create(experiment=made, number=number, name=f"Set {number}", created_by="ina").runs.add(run)
    ExperimentEvaluator.objects.bulk_create(
        ExperimentEvaluator(
            experiment=made, set_number=number, evaluator_version=one, metric_id=one.evaluator.metric_id
        )
        for one in versions
    )  # fmt: skip
    return run


def score(made: Experiment, values: Mapping[str, Mapping[Metric, object]], set_number: int = 1) -> None:
    """Scores of the set, one a row, case and metric."""
    run = made.sets.get(number=set_number).runs.get()
    frozen = {
        one.metric_id: one.evaluator_version
        for one in made.evaluators.filter(set_number=set_number).select_related("evaluator_version__evaluator")
    }
    found = []
    for row in made.rows.filter(case_id__in=values):
        for metric, value in values[row.case_id].items():
            one = value[row.epoch - 1] if isinstance(value, list) else value
            if one is not None:
                found.append(_score(made, row.record_id, metric, one, frozen[metric.pk], run.pk, set_number))
    Score.objects.bulk_create(found)


def _record(made: Experiment, case: str, epoch: int, metadata: dict, inputs: object) -> Record:
    id = uuid7()
    return Record(
        project=made.project, id=id, created_at=timezone.now(), source=Source.API, is_root=True, external_id=str(id),
        name="answer", experiment=made.label, case_id=case, epoch=epoch, metadata=metadata, model="gpt-4o-mini",
        inputs_hash=blake2b(repr(inputs).encode(), digest_size=16).digest(),
    )  # fmt: skip


def _score(
    made: Experiment, record: UUID, metric: Metric, value: object, frozen: EvaluatorVersion, run: int, set_number: int
) -> Score:
    errored = value == ERRORED
    typed = {} if errored else vars_of(read_value(metric, {FIELDS[metric.value_type]: value}))
    return Score(
        project=made.project, id=uuid7(), record_id=record, record_created_at=timezone.now(), metric=metric,
        status=ScoreStatus.ERRORED if errored else ScoreStatus.COMPLETED, rank=Rank.PRIMARY, is_current=set_number == 1,
        source=ScoreSource.CODE, evaluator=frozen.evaluator.slug, evaluator_version_id=frozen.pk,
        version_no=frozen.number, run_id=run, created_at=timezone.now(), completed_at=timezone.now(),
        task_key=f"run:{run}:{frozen.pk}:1", cost=Decimal("0.001"), reasoning="" if errored else f"It is {value}.",
        error="no answer" if errored else "", **typed,
    )  # fmt: skip


def vars_of(typed: object) -> dict[str, object]:
    return {name: getattr(typed, name) for name in typed.__dataclass_fields__}


def flipping(metric: Metric, n: int, lost: int = 0, won: int = 0, passing: int | None = None) -> tuple[dict, dict]:
    """Values of two experiments: of `n` cases so many passed and now fail, or the other way; of the rest, which agree,
    `passing` pass (all, unless said)."""
    passing = n - lost - won if passing is None else passing
    before = [True] * lost + [False] * won + [i < passing for i in range(n - lost - won)]
    after = [False] * lost + [True] * won + [i < passing for i in range(n - lost - won)]
    return tuple({f"case-{i:03}": {metric: value} for i, value in enumerate(side)} for side in (before, after))


def boolean(project: Project, slug: str = "correctness", **fields: object) -> Metric:
    return factories.metric(project, slug, "boolean", passing_value=True, **fields)
