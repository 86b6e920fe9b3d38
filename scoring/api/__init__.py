"""The calls on evaluators, providers, scoring runs and requests for review.

`mount` puts them into the API; evalhub/urls.py calls it.
"""

from ninja import NinjaAPI

from scoring.api import alerts, evaluators, providers, reviews, runs, trials


def mount(api: NinjaAPI) -> None:
    api.add_router("/v1/evaluators", evaluators.router)
    api.add_router("/v1", trials.router)
    api.add_router("/v1/providers", providers.router)
    api.add_router("/v1/scoring-runs", runs.router)
    api.add_router("/v1/alerts", alerts.router)
    api.add_router("/v1/review-requests", reviews.router)
