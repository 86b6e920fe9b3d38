"""Who may enter of those whom the provider knows.

Somebody who has been here by it before; else a member with the e-mail that the provider has verified; else, where
EVALHUB_OIDC_NEW_USERS says so, a new user, who is in no project yet. An e-mail that is not verified opens nothing.
"""

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from allauth.socialaccount.providers.base.constants import AuthError
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from requests import RequestException

from evalhub import audit
from evalhub.models import User
from evalhub.oidc.provider import is_verified

log = logging.getLogger(__name__)


class Refused(Exception):
    """Why somebody may not enter, as a sentence for them."""


class SocialAdapter(DefaultSocialAccountAdapter):
    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Everything that is to be decided is decided here: allauth's own signing-up is never reached."""
        if sociallogin.is_existing:
            return
        try:
            with transaction.atomic():
                user = _user_of(sociallogin.account.extra_data["id_token"])
                sociallogin.connect(request, user)
                audit.note(None, user, "user.connect", settings.OIDC_ISSUER, subject=sociallogin.account.uid)
        except Refused as refusal:
            raise ImmediateHttpResponse(refused(request, 403, str(refusal))) from refusal
        except IntegrityError as problem:  # the same person in two windows
            raise ImmediateHttpResponse(refused(request, 409, "This sign-in was doubled. Begin again.")) from problem

    def on_authentication_error(
        self,
        request: HttpRequest,
        provider: object,
        error: str | None = None,
        exception: Exception | None = None,
        extra_context: dict[str, Any] | None = None,
    ) -> None:
        raise ImmediateHttpResponse(failed(request, exception, cancelled=error == AuthError.CANCELLED))


class AccountAdapter(DefaultAccountAdapter):
    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        return refused(request, 403, f"{user} may not sign in any more.")

    def add_message(self, *args: object, **kwargs: object) -> None:
        """Signing in is told by the page that one comes to."""


def failed(request: HttpRequest, problem: Exception | None, *, cancelled: bool = False) -> HttpResponse:
    """The page for a sign-in that did not come to its end; the log says more than somebody outside may know."""
    name = settings.OIDC_NAME
    if isinstance(problem, RequestException):
        log.warning("%s does not answer: %s", settings.OIDC_ISSUER, problem)
        return refused(request, 503, f"{name} does not answer. Try again later, or sign in with a password.")
    if problem is not None:
        log.warning("A sign-in by %s was refused: %s", settings.OIDC_ISSUER, str(problem)[:300])
        return refused(
            request, 502, f"What {name} answered was refused. Whoever runs this EvalHub finds why in its log."
        )
    if cancelled:
        return refused(request, 403, f"You did not sign in at {name}.")
    return refused(request, 400, "This sign-in is over, or was begun in another browser. Begin again.")


def refused(request: HttpRequest, status: int, words: str) -> HttpResponse:
    return render(request, "evalhub/oidc/refused.html", {"status": status, "words": words}, status=status)


def _user_of(claims: dict[str, Any]) -> User:
    """Whose account it is from now on. Raises Refused."""
    email = claims.get("email")
    if not isinstance(email, str) or not email or not is_verified(claims):
        raise Refused(f"{settings.OIDC_NAME} does not say that your e-mail address is verified, so nobody here is you.")
    found = list(User.objects.select_for_update().filter(email__iexact=email)[:2])
    if len(found) > 1:
        raise Refused(f"Several users have the address {email}. A superuser can give it to one of them.")
    if found:
        return _known(found[0])
    domain = email.rpartition("@")[2].casefold()
    if not {"any", domain} & {word.casefold() for word in settings.OIDC_NEW_USERS}:
        raise Refused(f"Nobody here has the address {email}. An admin of a project can add you by it.")
    return _new(email, claims.get("name"))


def _known(user: User) -> User:
    if not user.is_active:
        raise Refused(f"{user} may not sign in any more.")
    if user.must_change_password:  # somebody else has seen it, and it opens what is this person's from now on
        user.set_unusable_password()
        user.must_change_password = False
    return user


def _new(email: str, name: object) -> User:
    user = User(username=email, email=email, first_name=str(name or "")[:150])
    user.set_unusable_password()
    try:
        user.full_clean()
    except ValidationError as problem:
        log.warning("No user can be made for %r: %s", email, problem)
        raise Refused(
            f"The address {email} cannot be a user's name here. A superuser can make a user with it."
        ) from None
    user.save()
    audit.note(None, user, "user.create", user, by=settings.OIDC_ISSUER)
    return user
