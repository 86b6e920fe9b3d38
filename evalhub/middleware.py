from collections.abc import Callable
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.utils.csp import CSP
from django_htmx.http import HttpResponseClientRedirect

OPEN_WITH_ONE_TIME_PASSWORD = {"change-password", "sign-out"}

# The admin's own scripts evaluate expressions, set inline styles and open its forms in a frame; no other page may.
ADMIN_CSP = settings.SECURE_CSP | {
    "script-src": [CSP.SELF, CSP.UNSAFE_EVAL],
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
    "frame-ancestors": [CSP.SELF],
}


def admin_policy(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Gives `/admin/` alone the looser Content-Security-Policy that its look needs."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.path.startswith("/admin/"):
            response._csp_config = ADMIN_CSP
        return response

    return middleware


class SignInRequired(LoginRequiredMiddleware):
    """Django's own, but a page whose session has ended goes to sign-in as a whole, not the fragment it asked for."""

    def handle_no_permission(self, request: HttpRequest, view: Callable) -> HttpResponse:
        if "HX-Request" not in request.headers:
            return super().handle_no_permission(request, view)
        page = urlsplit(request.headers.get("HX-Current-URL", ""))
        target = urlunsplit(("", "", page.path or "/", page.query, ""))
        return HttpResponseClientRedirect(f"{resolve_url(settings.LOGIN_URL)}?{urlencode({'next': target})}")


class OneTimePassword:
    """Whoever signed in with a password that somebody else has seen chooses their own before anything else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Callable, args: object, kwargs: object) -> HttpResponse | None:
        open_to_all = not getattr(view, "login_required", True)  # the API, health: no session is read for them
        if open_to_all or request.resolver_match.view_name in OPEN_WITH_ONE_TIME_PASSWORD:
            return None
        if request.user.is_authenticated and request.user.must_change_password:
            to = resolve_url("change-password")
            return HttpResponseClientRedirect(to) if "HX-Request" in request.headers else redirect(to)
        return None
