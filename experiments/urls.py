"""Experiments' pages: a project's datasets and prompts."""

from django.urls import path

from experiments.views import compare, datasets, experiments, kickoff, prompts, results

app_name = "experiments"

urlpatterns = [
    path("p/<slug:slug>/experiments/", experiments.experiment_list, name="experiments"),
    path("p/<slug:slug>/experiments/new", kickoff.experiment_new, name="experiment-new"),
    path("p/<slug:slug>/experiments/new/estimate", kickoff.experiment_estimate, name="experiment-estimate"),
    path("p/<slug:slug>/experiments/adopt", experiments.experiment_adopt, name="experiment-adopt"),
    path("p/<slug:slug>/experiments/<slug:experiment>/", experiments.experiment, name="experiment"),
    path(
        "p/<slug:slug>/experiments/<slug:experiment>/progress",
        experiments.experiment_progress,
        name="experiment-progress",
    ),
    path("p/<slug:slug>/experiments/<slug:experiment>/rows", experiments.experiment_rows, name="experiment-rows"),
    path("p/<slug:slug>/experiments/<slug:experiment>/cancel", experiments.experiment_cancel, name="experiment-cancel"),
    path("p/<slug:slug>/experiments/<slug:experiment>/resume", experiments.experiment_resume, name="experiment-resume"),
    path("p/<slug:slug>/experiments/<slug:experiment>/retry", experiments.experiment_retry, name="experiment-retry"),
    path("p/<slug:slug>/experiments/<slug:experiment>/rescore", kickoff.experiment_rescore, name="experiment-rescore"),
    path("p/<slug:slug>/experiments/<slug:experiment>/delete", experiments.experiment_delete, name="experiment-delete"),
    path("p/<slug:slug>/datasets/", datasets.dataset_list, name="datasets"),
    path("p/<slug:slug>/datasets/<slug:dataset>/trend", results.dataset_trend, name="dataset-trend"),
    path("p/<slug:slug>/experiments/compare", compare.compare, name="compare"),
    path("p/<slug:slug>/experiments/compare/numbers", compare.compare_numbers, name="compare-numbers"),
    path("p/<slug:slug>/experiments/compare/case", compare.compare_case, name="compare-case"),
    path("p/<slug:slug>/experiments/<slug:experiment>/results", results.results, name="results"),
    path("p/<slug:slug>/prompts/", prompts.prompt_list, name="prompts"),
]
