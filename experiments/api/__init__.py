"""The calls on datasets, prompts and experiments. `mount` puts them into the API; evalhub/urls.py calls it."""

from evalhub.api import EvalHubAPI
from experiments.api import comparing, custom, datasets, experiments, items, prompts


def mount(api: EvalHubAPI) -> None:
    api.describe("datasets", "Test cases; every change is a new revision.", slug="questions", case_id="q1", number=1)
    api.describe("prompts", "Message templates in versions, one of which is deployed.", slug="answer", number=1)
    api.describe(
        "experiments", "A workflow over a dataset, scored and compared.", slug="support-v15", id="order-4711"
    )  # fmt: skip
    # Case ids may hold slashes: what is longer is looked at before `items/{case_id}`.
    api.add_router("/v1/datasets", datasets.router)
    api.add_router("/v1/datasets", items.router)
    api.add_router("/v1/prompts", prompts.router)
    # `compare` before the others, whose addresses begin with a slug.
    api.add_router("/v1/experiments", comparing.router)
    api.add_router("/v1/experiments", experiments.router)
    api.add_router("/v1/experiments", custom.router)
    api.add_router("/v1/gate", comparing.gates)
