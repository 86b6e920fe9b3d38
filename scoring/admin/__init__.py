"""Evaluators, providers, alerts and dashboards in the Django admin."""

from scoring.admin.alerts import AlertAdmin, DashboardAdmin
from scoring.admin.evaluators import EvaluatorAdmin
from scoring.admin.providers import ProviderAdmin

__all__ = ["AlertAdmin", "DashboardAdmin", "EvaluatorAdmin", "ProviderAdmin"]
