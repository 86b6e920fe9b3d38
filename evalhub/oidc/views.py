"""To the provider and back."""

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST
from requests import RequestException

from evalhub.oidc.entering import failed
from evalhub.oidc.provider import Adapter


@login_not_required
@never_cache
@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """A page that goes on to the provider by itself. A redirect would not: `form-action` of the Content Security Policy
    holds for where a form's answer leads, and the provider's address is not known before it is asked for."""
    to = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(to, {request.get_host()}, require_https=request.is_secure())
    provider = get_adapter().get_provider(request, settings.OIDC_ISSUER)
    try:
        there = provider.redirect(request, "login", next_url=to if safe else None).url
    except (OAuth2Error, RequestException) as problem:
        return failed(request, problem)
    return render(request, "evalhub/oidc/leaving.html", {"name": settings.OIDC_NAME, "there": there})


@login_not_required
@never_cache
@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    try:
        return OAuth2CallbackView.adapter_view(Adapter(request, settings.OIDC_ISSUER))(request)
    except ImmediateHttpResponse as answer:
        return answer.response
    except (OAuth2Error, RequestException) as problem:
        return failed(request, problem)
