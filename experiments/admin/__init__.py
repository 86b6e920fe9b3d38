"""Experiments in the Django admin."""

from experiments.admin.experiments import ExperimentAdmin

__all__ = ["ExperimentAdmin"]
