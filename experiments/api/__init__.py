"""The calls on datasets, prompts and experiments. `mount` puts them into the API; evalhub/urls.py calls it."""

from ninja import NinjaAPI

from experiments.api import comparing, custom, datasets, experiments, items, prompts


def mount(api: NinjaAPI) -> None:
    # Case ids may hold slashes: what is longer is looked at before `items/{case_id}`.
    api.add_router("/v1/datasets", datasets.router)
    api.add_router("/v1/datasets", items.router)
    api.add_router("/v1/prompts", prompts.router)
    # `compare` before the others, whose addresses begin with a slug.
    api.add_router("/v1/experiments", comparing.router)
    api.add_router("/v1/experiments", experiments.router)
    api.add_router("/v1/experiments", custom.router)
    api.add_router("/v1/gate", comparing.gates)
