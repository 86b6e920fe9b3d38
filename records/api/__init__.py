"""The calls on records, scores and metrics. `mount` puts them into the API; evalhub/urls.py calls it."""

from ninja import NinjaAPI

from records.api import metrics, scores


def mount(api: NinjaAPI) -> None:
    api.add_router("/v1", scores.router)
    api.add_router("/v1/metrics", metrics.router)
