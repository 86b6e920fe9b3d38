"""Datasets, prompts and experiments in the Django admin."""

from experiments.admin.datasets import DatasetAdmin
from experiments.admin.experiments import ExperimentAdmin
from experiments.admin.prompts import PromptAdmin

__all__ = ["DatasetAdmin", "ExperimentAdmin", "PromptAdmin"]
