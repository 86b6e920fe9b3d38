"""The protocol: the code flow with PKCE, and an ID token of which everything is checked.

The provider is trusted to say who somebody is, and nothing that came by way of the browser is: `state` belongs to one
session and is used once, `nonce` ties the ID token to it, and the token is for this client, of this issuer and signed
by one of its keys.
"""

from typing import Any

import jwt
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.oauth2.client import OAuth2Client, OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

# No symmetric ones: the client's secret is no key of the issuer's, and "none" is none.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
LEEWAY = 60  # seconds that the clocks may differ
CONFIGURATION_KEPT = 300  # seconds; what the provider says of itself hardly ever changes
NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")


def nonce_of(state: str) -> str:
    """The nonce of a sign-in, from its state: that is known to the session alone, and so nothing more is to be kept."""
    return salted_hmac("evalhub.oidc.nonce", state, algorithm="sha256").hexdigest()


class Client(OAuth2Client):
    def get_redirect_url(self, authorization_url: str, scope: list[str], extra_params: dict[str, str]) -> str:
        more = {**extra_params, "nonce": nonce_of(self.state)}
        return super().get_redirect_url(authorization_url, scope, more)


class Adapter(OpenIDConnectOAuth2Adapter):
    client_class = Client

    @property
    def openid_config(self) -> dict[str, Any]:
        """What the issuer says of itself. Raises requests.RequestException, or OAuth2Error where it is another's."""
        key = f"oidc:{self.provider_id}"
        if found := cache.get(key):
            return found
        found = _read(self.get_provider().server_url)
        issuer = found.get("issuer")
        if not isinstance(issuer, str) or issuer.rstrip("/") != self.provider_id.rstrip("/"):
            raise OAuth2Error(f"EVALHUB_OIDC_ISSUER is {self.provider_id}, but what answers there says {issuer!r}")
        if missing := [name for name in NEEDED if not isinstance(found.get(name), str)]:
            raise OAuth2Error(f"the configuration of {issuer} lacks {', '.join(missing)}")
        cache.set(key, found, CONFIGURATION_KEPT)
        return found

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        """The one that is registered at the provider, whatever name this request came by."""
        return settings.PUBLIC_URL + reverse("oidc-callback")

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any) -> SocialLogin:
        claims = self._checked(kwargs["response"].get("id_token"), app.client_id)
        if not constant_time_compare(str(claims.get("nonce", "")), nonce_of(request.GET.get("state", ""))):
            raise OAuth2Error("the ID token has another nonce: it was made for another sign-in")
        if "email" not in claims and self.openid_config.get("userinfo_endpoint"):
            claims |= self._of_userinfo(token, claims["sub"])
        kept = {name: claims[name] for name in ("sub", "email", "email_verified", "name") if name in claims}
        return self.get_provider().sociallogin_from_response(request, {"id_token": kept})

    def _checked(self, id_token: object, client_id: str) -> dict[str, Any]:
        """The claims of an ID token. Raises OAuth2Error, or requests.RequestException where the keys cannot be read."""
        if not isinstance(id_token, str):
            raise OAuth2Error("the answer holds no ID token")
        try:
            header = jwt.get_unverified_header(id_token)
            claims = jwt.decode(
                id_token,
                self._key(header.get("alg"), header.get("kid")),
                algorithms=ALGORITHMS,
                audience=client_id,
                issuer=self.openid_config["issuer"],
                leeway=LEEWAY,
                options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )
        except jwt.PyJWTError as problem:
            raise OAuth2Error(f"the ID token is refused: {problem}") from problem
        if claims.get("azp", client_id) != client_id:
            raise OAuth2Error("the ID token was issued to another client")
        return claims

    def _key(self, alg: str | None, kid: str | None) -> jwt.PyJWK:
        """What the header names, of the kind it names. Raises as `_checked` does, or jwt.PyJWTError."""
        if alg not in ALGORITHMS:
            raise OAuth2Error(f"the ID token is signed by {alg}")
        keys = _read(self.openid_config["jwks_uri"]).get("keys", [])
        fitting = [key for key in keys if kid in (None, key.get("kid")) and key.get("use", "sig") == "sig"]
        if len(fitting) != 1:
            raise OAuth2Error("the ID token names no key that the issuer has")
        return jwt.PyJWK(fitting[0], algorithm=alg)

    def _of_userinfo(self, token: SocialToken, sub: str) -> dict[str, Any]:
        found = self._fetch_user_info(token.token)
        if not isinstance(found, dict) or found.get("sub") != sub:
            raise OAuth2Error("the user's information is somebody else's")
        return {name: found[name] for name in ("email", "email_verified", "name") if name in found}


def _read(url: str) -> dict[str, Any]:
    """Raises requests.RequestException, or OAuth2Error."""
    with get_adapter().get_requests_session() as session:
        answer = session.get(url)
    answer.raise_for_status()
    found = answer.json()
    if not isinstance(found, dict):
        raise OAuth2Error(f"{url} holds no object")
    return found


class Provider(OpenIDConnectProvider):
    """Of accounts it keeps the issuer and the `sub`, never one without the other: two issuers may call two people 1."""

    oauth2_adapter_class = Adapter


def is_verified(claims: dict[str, Any]) -> bool:
    """Some providers send the word instead of the boolean; one that says nothing says no."""
    said = claims.get("email_verified")
    return said is True or said == "true"
