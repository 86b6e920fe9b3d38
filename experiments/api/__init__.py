"""The calls on datasets, prompts and experiments. `mount` puts them into the API; evalhub/urls.py calls it."""

from ninja import NinjaAPI


def mount(api: NinjaAPI) -> None:
    pass
