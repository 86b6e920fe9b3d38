"""The calls on evaluators, providers, rules, scoring runs, alerts and requests for review.

`mount` puts them into the API; evalhub/urls.py calls it.
"""

from evalhub.api import EvalHubAPI
from scoring.api import alerts, evaluators, providers, reviews, rule_tests, rules, runs, trials, why


def mount(api: EvalHubAPI) -> None:
    api.describe("evaluators", "How a metric is measured: by a model, by code, or by people.", slug="correct", number=1)
    api.describe("scoring runs", "One bulk act of scoring, of whatever a filter finds.", number=1)
    api.describe("rules", "Online scoring: which new records are scored, and how many of them.", slug="live")
    api.describe("alerts", "Figures that are watched, and who is told.", id=1)
    api.describe("reviews", "Records that people are asked to score.", number=1)
    # Ids of records may hold slashes: this is looked at before `records/{id}`, so scoring is mounted first.
    api.add_router("/v1", why.router)
    api.add_router("/v1/evaluators", evaluators.router)
    api.add_router("/v1", trials.router)
    api.add_router("/v1/providers", providers.router)
    api.add_router("/v1/scoring-runs", runs.router)
    api.add_router("/v1/alerts", alerts.router)
    api.add_router("/v1/review-requests", reviews.router)
    api.add_router("/v1/rules", rule_tests.router)
    api.add_router("/v1/rules", rules.router)
