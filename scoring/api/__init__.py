"""The calls on evaluators, providers, rules, scoring runs, alerts and requests for review.

`mount` puts them into the API; evalhub/urls.py calls it.
"""

from ninja import NinjaAPI

from scoring.api import alerts, evaluators, providers, reviews, rule_tests, rules, runs, trials, why


def mount(api: NinjaAPI) -> None:
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
