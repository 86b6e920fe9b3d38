from scoring.models.evaluator import Evaluator, EvaluatorType, EvaluatorVersion
from scoring.models.provider import Provider, ProviderKind
from scoring.models.review import ReviewRequest, ReviewStatus
from scoring.models.run import AT_WORK, UNFINISHED, RunEvaluator, RunKind, RunMode, RunStatus, ScoringRun

__all__ = [
    "AT_WORK",
    "UNFINISHED",
    "Evaluator",
    "EvaluatorType",
    "EvaluatorVersion",
    "Provider",
    "ProviderKind",
    "ReviewRequest",
    "ReviewStatus",
    "RunEvaluator",
    "RunKind",
    "RunMode",
    "RunStatus",
    "ScoringRun",
]
