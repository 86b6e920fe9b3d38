"""The calls on datasets, prompts and experiments. `mount` puts them into the API; evalhub/urls.py calls it."""

from ninja import NinjaAPI

from experiments.api import comparing


def mount(api: NinjaAPI) -> None:
    api.add_router("/v1/experiments", comparing.router)
    api.add_router("/v1/gate", comparing.gates)
