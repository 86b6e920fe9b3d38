"""Scoring's pages: a project's evaluators, re-scoring and runs, and the sandbox's, which is no project's."""

from django.urls import path

from scoring.views import (
    alerts,
    dashboards,
    disagreements,
    evaluators,
    monitor,
    request_review,
    rescore,
    review,
    reviews,
    runs,
)
from scoring.views.sandbox import sandbox

app_name = "scoring"

urlpatterns = [
    path("sandbox", sandbox, name="sandbox"),
    path("p/<slug:slug>/scoring/rescore", rescore.rescore, name="rescore"),
    path("p/<slug:slug>/scoring/rescore/ticks", rescore.rescore_ticks, name="rescore-ticks"),
    path("p/<slug:slug>/scoring/rescore/estimate", rescore.rescore_estimate, name="rescore-estimate"),
    path("p/<slug:slug>/scoring/rescore/estimate/<str:errand>", rescore.rescore_estimated, name="rescore-estimated"),
    path("p/<slug:slug>/review/", reviews.review_list, name="reviews"),
    path("p/<slug:slug>/review/new", request_review.request_review, name="request-review"),
    path("p/<slug:slug>/review/new/estimate", request_review.request_estimate, name="request-review-estimate"),
    path("p/<slug:slug>/review/<int:number>/", reviews.review_request, name="review"),
    path("p/<slug:slug>/review/<int:number>/close", reviews.review_close, name="review-close"),
    path("p/<slug:slug>/review/<int:number>/next", review.review_next, name="review-next"),
    path("p/<slug:slug>/review/<int:number>/records/<uuid:id>/", review.review_record, name="review-record"),
    path("p/<slug:slug>/review/<int:number>/disagreements/", disagreements.disagreement_list, name="disagreements"),
    path("p/<slug:slug>/review/<int:number>/disagreements/<uuid:id>/", disagreements.adjudication, name="adjudication"),
    path("p/<slug:slug>/scoring/runs/", runs.run_list, name="runs"),
    path("p/<slug:slug>/scoring/runs/<int:number>/", runs.run, name="run"),
    path("p/<slug:slug>/scoring/runs/<int:number>/progress", runs.run_progress, name="run-progress"),
    path("p/<slug:slug>/scoring/runs/<int:number>/flips", runs.run_flips, name="run-flips"),
    path("p/<slug:slug>/scoring/runs/<int:number>/errors", runs.run_errors, name="run-errors"),
    path("p/<slug:slug>/scoring/runs/<int:number>/cancel", runs.run_cancel, name="run-cancel"),
    path("p/<slug:slug>/scoring/runs/<int:number>/resume", runs.run_resume, name="run-resume"),
    path("p/<slug:slug>/scoring/runs/<int:number>/retry", runs.run_retry, name="run-retry"),
    path("p/<slug:slug>/monitor/", monitor.monitor, name="monitor"),
    path("p/<slug:slug>/monitor/part/<str:part>", monitor.monitor_part, name="monitor-part"),
    path("p/<slug:slug>/monitor/groupings", monitor.monitor_groupings, name="monitor-groupings"),
    path("p/<slug:slug>/monitor/dashboards/new", dashboards.dashboard_new, name="dashboard-new"),
    path("p/<slug:slug>/monitor/dashboards/<int:id>", dashboards.dashboard_edit, name="dashboard"),
    path("p/<slug:slug>/monitor/dashboards/<int:id>/delete", dashboards.dashboard_delete, name="dashboard-delete"),
    path("p/<slug:slug>/monitor/alerts/", alerts.alert_list, name="alerts"),
    path("p/<slug:slug>/monitor/alerts/new", alerts.alert_new, name="alert-new"),
    path("p/<slug:slug>/monitor/alerts/measure", alerts.alert_measure, name="alert-measure"),
    path("p/<slug:slug>/monitor/alerts/<int:id>/", alerts.alert, name="alert"),
    path("p/<slug:slug>/monitor/alerts/<int:id>/edit", alerts.alert_edit, name="alert-edit"),
    path("p/<slug:slug>/monitor/alerts/<int:id>/test", alerts.alert_test, name="alert-test"),
    path("p/<slug:slug>/monitor/alerts/<int:id>/delete", alerts.alert_delete, name="alert-delete"),
    path("p/<slug:slug>/evaluators/", evaluators.evaluator_list, name="evaluators"),
    path("p/<slug:slug>/evaluators/<slug:evaluator>/", evaluators.evaluator, name="evaluator"),
    path("p/<slug:slug>/evaluators/<slug:evaluator>/numbers", evaluators.evaluator_numbers, name="evaluator-numbers"),
    path("p/<slug:slug>/evaluators/<slug:evaluator>/people", evaluators.evaluator_people, name="evaluator-people"),
    path("p/<slug:slug>/evaluators/<slug:evaluator>/flips", evaluators.evaluator_flips, name="evaluator-flips"),
    path(
        "p/<slug:slug>/evaluators/<slug:evaluator>/reviewers",
        evaluators.evaluator_reviewers,
        name="evaluator-reviewers",
    ),
]
