from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.csp import CSP

OPEN_WITH_ONE_TIME_PASSWORD = {"change-password", "sign-out"}

# The admin's own scripts evaluate expressions and set inline styles; no other page may.
ADMIN_CSP = settings.SECURE_CSP | {
    "script-src": [CSP.SELF, CSP.UNSAFE_EVAL],
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
}


def admin_policy(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Gives `/admin/` alone the looser Content-Security-Policy that its look needs."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.path.startswith("/admin/"):
            response._csp_config = ADMIN_CSP
        return response

    return middleware


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
            return redirect("change-password")
        return None
