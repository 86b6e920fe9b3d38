"""Evaluators and providers in the Django admin."""

from scoring.admin.evaluators import EvaluatorAdmin
from scoring.admin.providers import ProviderAdmin

__all__ = ["EvaluatorAdmin", "ProviderAdmin"]
