from experiments.models.dataset import SEARCHED, Dataset, DatasetItem, DatasetRevision
from experiments.models.dataset_import import IMPORTING, DatasetImport, FilePart, ImportKind, ImportState
from experiments.models.experiment import (
    MAKES_OUTPUTS,
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
from experiments.models.playground import CellState, PlaygroundCell, PlaygroundRun
from experiments.models.prompt import Prompt, PromptState, PromptVersion

__all__ = [
    "IMPORTING",
    "SEARCHED",
    "MAKES_OUTPUTS",
    "UNFINISHED",
    "WAITING",
    "CellState",
    "Dataset",
    "DatasetImport",
    "DatasetItem",
    "DatasetRevision",
    "Experiment",
    "ExperimentEvaluator",
    "ExperimentRow",
    "ExperimentState",
    "FilePart",
    "Gate",
    "GateOutcome",
    "ImportKind",
    "ImportState",
    "PlaygroundCell",
    "PlaygroundRun",
    "Prompt",
    "PromptState",
    "PromptVersion",
    "RowState",
    "ScoreSet",
    "Workflow",
]
