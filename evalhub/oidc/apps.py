from django.apps import AppConfig


class OidcConfig(AppConfig):
    name = "evalhub.oidc"
    verbose_name = "Sign-in by OpenID Connect"
