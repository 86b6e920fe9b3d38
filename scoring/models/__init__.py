from scoring.models.evaluator import Evaluator, EvaluatorType, EvaluatorVersion
from scoring.models.provider import Provider, ProviderKind

__all__ = ["Evaluator", "EvaluatorType", "EvaluatorVersion", "Provider", "ProviderKind"]
