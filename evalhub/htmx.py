"""One URL, two renderings: the whole page, or for HTMX the fragment that the page includes."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django_htmx.http import trigger_client_event


def wants_fragment(request: HttpRequest) -> bool:
    """True when HTMX will swap a part of the page; boosted links and restored history need the whole page."""
    return bool(request.htmx) and not request.htmx.boosted and not request.htmx.history_restore_request


def vary(response: HttpResponse) -> HttpResponse:
    """Adds HX-Request to whatever the response varies on already: caches keep page and fragment apart."""
    patch_vary_headers(response, ["HX-Request"])
    return response


def render_page(
    request: HttpRequest, template: str, partial: str, context: dict[str, object], status: int = 200
) -> HttpResponse:
    """`template` for a browser, `template#partial` for HTMX. The partial must stand in that very file.

    Values that only the page shows should be lazy (a callable, a queryset), or a fragment pays for them too.
    """
    name = f"{template}#{partial}" if wants_fragment(request) else template
    return vary(render(request, name, context, status=status))


def toast(response: HttpResponse, words: str, state: str = "pass") -> HttpResponse:
    """Shows a short message beside an HTMX answer; `state` is pass or errored. Pages use django.contrib.messages."""
    return trigger_client_event(response, "toast", {"words": words, "state": state})
