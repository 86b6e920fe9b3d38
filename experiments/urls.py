"""Experiments' pages: a project's datasets and prompts."""

from django.urls import path

from experiments.views import compare, datasets, prompts, results

app_name = "experiments"

urlpatterns = [
    path("p/<slug:slug>/datasets/", datasets.dataset_list, name="datasets"),
    path("p/<slug:slug>/datasets/<slug:dataset>/trend", results.dataset_trend, name="dataset-trend"),
    path("p/<slug:slug>/experiments/compare", compare.compare, name="compare"),
    path("p/<slug:slug>/experiments/compare/numbers", compare.compare_numbers, name="compare-numbers"),
    path("p/<slug:slug>/experiments/compare/case", compare.compare_case, name="compare-case"),
    path("p/<slug:slug>/experiments/<slug:experiment>/results", results.results, name="results"),
    path("p/<slug:slug>/prompts/", prompts.prompt_list, name="prompts"),
]
