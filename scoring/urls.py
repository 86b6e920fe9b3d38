"""Scoring's pages: a project's evaluators, re-scoring and runs, and the sandbox's, which is no project's."""

from django.urls import path

from scoring.views import evaluators, rescore, runs
from scoring.views.sandbox import sandbox

app_name = "scoring"

urlpatterns = [
    path("sandbox", sandbox, name="sandbox"),
    path("p/<slug:slug>/scoring/rescore", rescore.rescore, name="rescore"),
    path("p/<slug:slug>/scoring/rescore/ticks", rescore.rescore_ticks, name="rescore-ticks"),
    path("p/<slug:slug>/scoring/rescore/estimate", rescore.rescore_estimate, name="rescore-estimate"),
    path("p/<slug:slug>/scoring/runs/", runs.run_list, name="runs"),
    path("p/<slug:slug>/scoring/runs/<int:number>/", runs.run, name="run"),
    path("p/<slug:slug>/scoring/runs/<int:number>/progress", runs.run_progress, name="run-progress"),
    path("p/<slug:slug>/scoring/runs/<int:number>/flips", runs.run_flips, name="run-flips"),
    path("p/<slug:slug>/scoring/runs/<int:number>/errors", runs.run_errors, name="run-errors"),
    path("p/<slug:slug>/scoring/runs/<int:number>/cancel", runs.run_cancel, name="run-cancel"),
    path("p/<slug:slug>/scoring/runs/<int:number>/resume", runs.run_resume, name="run-resume"),
    path("p/<slug:slug>/scoring/runs/<int:number>/retry", runs.run_retry, name="run-retry"),
    path("p/<slug:slug>/evaluators/", evaluators.evaluator_list, name="evaluators"),
    path("p/<slug:slug>/evaluators/<slug:evaluator>/", evaluators.evaluator, name="evaluator"),
    path("p/<slug:slug>/evaluators/<slug:evaluator>/numbers", evaluators.evaluator_numbers, name="evaluator-numbers"),
    path("p/<slug:slug>/evaluators/<slug:evaluator>/people", evaluators.evaluator_people, name="evaluator-people"),
    path("p/<slug:slug>/evaluators/<slug:evaluator>/flips", evaluators.evaluator_flips, name="evaluator-flips"),
]
