"""Who one is: signing in, the profile, the password."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from evalhub import audit, throttle, zones
from evalhub.forms import ProfileForm


class SignIn(LoginView):
    """Django's own, which knows about safe redirects and session fixation; a refusal answers 422 like every form."""

    template_name = "evalhub/sign_in.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        return super().get_context_data(oidc=settings.OIDC_ISSUER and settings.OIDC_NAME, **kwargs)

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        seconds = throttle.waits(self.request, form.data.get("username", ""))
        if not seconds:
            return self.render_to_response(self.get_context_data(form=form), status=422)
        form.errors.clear()
        minutes = -(-seconds // 60)
        form.add_error(None, f"Too many attempts. Try again in {minutes} minute{'' if minutes == 1 else 's'}.")
        response = self.render_to_response(self.get_context_data(form=form), status=429)
        response["Retry-After"] = str(seconds)
        return response


@login_not_required
@require_GET
def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """The administration has no door of its own: whoever is signed in already and is sent here may not enter."""
    if request.user.is_authenticated:
        raise PermissionDenied("The administration is for whoever edits a project, and for staff.")
    return redirect(f"{reverse('sign-in')}?{request.GET.urlencode()}")


@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        audit.note(None, request.user, "user.change", request.user, fields=form.changed_data)
        messages.success(request, "Saved.")
        return redirect("profile")
    if request.method == "POST":
        request.user.refresh_from_db()  # the form has put the refused values on it, and the page shows its name
    with timezone.override(zones.zone_of(request.user)):
        return render(request, "evalhub/profile.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def change_password(request: HttpRequest) -> HttpResponse:
    """Also the only page open to somebody who signed in with a one-time password."""
    form = PasswordChangeForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        form.user.must_change_password = False
        form.save()
        update_session_auth_hash(request, form.user)
        audit.note(None, request.user, "user.password", request.user)
        messages.success(request, "Your password is changed; other browsers are signed out.")
        return redirect("profile")
    return render(request, "evalhub/change_password.html", {"form": form}, status=422 if form.errors else 200)
