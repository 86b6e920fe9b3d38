"""The providers a judge may name. They are entered in the admin; a key is never in an answer."""

from django.http import HttpRequest, HttpResponse
from ninja import Router

from evalhub.api import KeyAuth, answer
from evalhub.models import Scope
from scoring.api.schemas import ProviderList
from scoring.models import Provider
from scoring.providers import usable_by

router = Router(tags=["evaluators"])


@router.get("", response={200: ProviderList}, auth=KeyAuth(Scope.READ))
def provider_list(request: HttpRequest) -> HttpResponse:
    """The project's own and the shared ones."""
    items = [_json(provider) for provider in usable_by(request.project.id)]
    return answer({"items": items, "next_cursor": None})


def _json(provider: Provider) -> dict[str, object]:
    return {
        "id": provider.id, "name": provider.name, "kind": provider.kind, "shared": provider.project_id is None,
        "models": provider.model_names, "paused_reason": provider.paused_reason,
    }  # fmt: skip
