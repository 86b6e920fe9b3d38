"""Experiments' pages: a project's datasets and prompts."""

from django.urls import path

from experiments.views import datasets, prompts

app_name = "experiments"

urlpatterns = [
    path("p/<slug:slug>/datasets/", datasets.dataset_list, name="datasets"),
    path("p/<slug:slug>/prompts/", prompts.prompt_list, name="prompts"),
]
