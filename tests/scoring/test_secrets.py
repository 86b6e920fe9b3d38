"""Secrets at rest."""

import pytest
from django.test import override_settings

from scoring import secrets


def test_what_is_stored_does_not_hold_the_secret_and_is_read_again():
    stored = secrets.encrypt("sk-hidden")
    assert "hidden" not in stored and stored != secrets.encrypt("sk-hidden")
    assert secrets.decrypt(stored) == "sk-hidden"
    assert secrets.encrypt("") == secrets.decrypt("") == ""


def test_a_former_secret_key_still_reads_and_another_does_not():
    with override_settings(SECRET_KEY="old" * 20):
        stored = secrets.encrypt("sk-hidden")
    with override_settings(SECRET_KEY="new" * 20, SECRET_KEY_FALLBACKS=["old" * 20]):
        assert secrets.decrypt(stored) == "sk-hidden"
        anew = secrets.encrypt("sk-hidden")
    with override_settings(SECRET_KEY="new" * 20, SECRET_KEY_FALLBACKS=[]):
        assert secrets.decrypt(anew) == "sk-hidden"
        with pytest.raises(secrets.UnreadableSecret):
            secrets.decrypt(stored)
