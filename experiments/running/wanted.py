"""What somebody wants to run, as a form or a call says it: names, nothing looked up yet."""

from dataclasses import dataclass, field
from typing import Any

from experiments.models import Workflow
from experiments.models.experiment import DAY
from records.selection import Selection


@dataclass(slots=True)
class Wanted:
    """`dataset`, `prompt`, `evaluators` and `baseline` are slugs. `revision` None: the newest; `version` None: the
    deployed one. `records` are those of the existing workflow, and `label` what they carry as their experiment, where
    they were sent as one. Which of the rest counts, the workflow says."""

    name: str
    workflow: Workflow
    slug: str = ""
    description: str = ""
    dataset: str = ""
    revision: int | None = None
    split: str = ""
    prompt: str = ""
    version: int | None = None
    provider_id: int | None = None
    model: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    records: Selection | None = None
    evaluators: list[str] = field(default_factory=list)
    epochs: int = 1
    concurrency: int = 8
    timeout: int = DAY
    baseline: str = ""
    label: str = ""
