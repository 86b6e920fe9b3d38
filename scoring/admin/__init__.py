"""Evaluators, providers, rules, alerts and dashboards in the Django admin."""

from scoring.admin.alerts import AlertAdmin, DashboardAdmin
from scoring.admin.evaluators import EvaluatorAdmin
from scoring.admin.providers import ProviderAdmin
from scoring.admin.rules import RuleAdmin

__all__ = ["AlertAdmin", "DashboardAdmin", "EvaluatorAdmin", "ProviderAdmin", "RuleAdmin"]
