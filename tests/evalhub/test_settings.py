"""The settings under a production environment, each in a process of its own: they are read once."""

import secrets

import pytest

from tests.evalhub.running import manage, run_python

# Nothing listens at these addresses: the check must need neither server.
PRODUCTION = {
    "SECRET_KEY": secrets.token_urlsafe(50),
    "DATABASE_URL": "postgresql://evalhub:secret@127.0.0.1:1/evalhub?sslmode=require",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "EVALHUB_URL": "https://evalhub.example.com",
}
SHOW = (
    "from django.conf import settings as s; "
    "print(s.DEBUG, s.ALLOWED_HOSTS, s.CSRF_TRUSTED_ORIGINS, s.SESSION_COOKIE_SECURE, end=' '); "
    "print(s.DATABASES['default']['OPTIONS'])"
)


def check(*more: str, **environment: str):
    return manage("check", "--deploy", "--fail-level", "WARNING", *more, **environment)


def test_production_passes_the_deploy_check_with_no_server_reachable():
    checked = check(**PRODUCTION)
    assert checked.returncode == 0, checked.stderr
    assert "no issues (0 silenced)" in checked.stdout


def test_an_address_without_https_fails_the_deploy_check():
    checked = check("--tag", "security", **PRODUCTION | {"EVALHUB_URL": "http://evalhub.example.com"})
    assert checked.returncode == 1
    assert "passwords and API keys would travel in the clear" in checked.stderr


def test_production_without_a_secret_key_does_not_start(tmp_path):
    """An empty data folder: a file that `up` wrote would count."""
    checked = check(**PRODUCTION | {"SECRET_KEY": "", "EVALHUB_DATA": str(tmp_path)})
    assert checked.returncode == 1
    assert checked.stderr.strip().startswith("Set SECRET_KEY")
    assert "Traceback" not in checked.stderr


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("DATABASE_URL", "mysql://x/y", "DATABASE_URL must start with postgresql://."),
        ("EVALHUB_DEBUG", "perhaps", "EVALHUB_DEBUG must be true or false, not 'perhaps'."),
        ("DATABASE_CONN_MAX_AGE", "soon", "DATABASE_CONN_MAX_AGE must be a whole number, not 'soon'."),
    ],
)
def test_a_value_that_cannot_be_understood_stops_the_start_with_its_name(name, value, message):
    checked = check(**PRODUCTION | {name: value})
    assert checked.returncode == 1
    assert checked.stderr.strip() == message


def test_the_environment_says_who_may_ask_and_how_the_database_is_reached():
    shown = run_python(SHOW, **PRODUCTION | {"ALLOWED_HOSTS": "10.0.0.7, evalhub.internal"})
    assert shown.stdout.strip() == (
        "False ['evalhub.example.com', '10.0.0.7', 'evalhub.internal'] ['https://evalhub.example.com'] True "
        "{'sslmode': 'require', 'prepare_threshold': 5}"
    )
