"""Signing in through a provider of identities (OpenID Connect), beside passwords.

Loaded only where EVALHUB_OIDC_ISSUER is set. django-allauth speaks the protocol; `provider` adds the checks that it
leaves out (OpenID Connect Core 1.0, 3.1.3.7), `entering` says who of those that the provider knows may enter.
"""
