from scoring.models.evaluator import Evaluator, EvaluatorType, EvaluatorVersion
from scoring.models.provider import Provider, ProviderKind
from scoring.models.review import ReviewRequest, ReviewStatus
from scoring.models.rule import (
    Counted,
    OpenTrace,
    Rule,
    RuleCount,
    RuleScope,
    RuleVersion,
    SpansMode,
    Unscored,
    Why,
)
from scoring.models.run import AT_WORK, UNFINISHED, RunEvaluator, RunKind, RunMode, RunStatus, ScoringRun

__all__ = [
    "AT_WORK",
    "UNFINISHED",
    "Counted",
    "Evaluator",
    "EvaluatorType",
    "EvaluatorVersion",
    "OpenTrace",
    "Provider",
    "ProviderKind",
    "ReviewRequest",
    "ReviewStatus",
    "Rule",
    "RuleCount",
    "RuleScope",
    "RuleVersion",
    "RunEvaluator",
    "RunKind",
    "RunMode",
    "RunStatus",
    "ScoringRun",
    "SpansMode",
    "Unscored",
    "Why",
]
