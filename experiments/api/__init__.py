"""The calls on datasets, prompts and experiments. `mount` puts them into the API; evalhub/urls.py calls it."""

from ninja import NinjaAPI

from experiments.api import comparing, custom, experiments


def mount(api: NinjaAPI) -> None:
    # Before the others, whose addresses begin with a slug.
    api.add_router("/v1/experiments", comparing.router)
    api.add_router("/v1/experiments", experiments.router)
    api.add_router("/v1/experiments", custom.router)
    api.add_router("/v1/gate", comparing.gates)
