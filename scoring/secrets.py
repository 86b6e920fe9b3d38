"""Secrets at rest: encrypted with a key that is derived from SECRET_KEY, so that a copy of the database opens nothing.

When SECRET_KEY changes, put the old one into SECRET_KEY_FALLBACKS: what it encrypted stays readable, and is encrypted
anew when it is next saved.
"""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.crypto import salted_hmac

SALT = "evalhub.scoring.secrets"


class UnreadableSecret(Exception):
    """It was encrypted with a SECRET_KEY that is neither the present one nor among SECRET_KEY_FALLBACKS."""

    def __init__(self) -> None:
        super().__init__("The key was encrypted with another SECRET_KEY: enter it again.")


def encrypt(plain: str) -> str:
    """Empty stays empty."""
    return _fernet(_keys()).encrypt(plain.encode()).decode() if plain else ""


def decrypt(stored: str) -> str:
    """Raises UnreadableSecret."""
    if not stored:
        return ""
    try:
        return _fernet(_keys()).decrypt(stored.encode()).decode()
    except InvalidToken:
        raise UnreadableSecret from None


def _keys() -> tuple[str, ...]:
    return (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    """The first key encrypts; all of them decrypt."""
    digests = [salted_hmac(SALT, "fernet", key, algorithm="sha256").digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
