from experiments.models.dataset import Dataset, DatasetItem, DatasetRevision
from experiments.models.experiment import (
    UNFINISHED,
    WAITING,
    Experiment,
    ExperimentEvaluator,
    ExperimentRow,
    ExperimentState,
    RowState,
    ScoreSet,
    Workflow,
)
from experiments.models.gate import Gate, GateOutcome
from experiments.models.prompt import Prompt, PromptState, PromptVersion

__all__ = [
    "UNFINISHED",
    "WAITING",
    "Dataset",
    "DatasetItem",
    "DatasetRevision",
    "Experiment",
    "ExperimentEvaluator",
    "ExperimentRow",
    "ExperimentState",
    "Gate",
    "GateOutcome",
    "Prompt",
    "PromptState",
    "PromptVersion",
    "RowState",
    "ScoreSet",
    "Workflow",
]
