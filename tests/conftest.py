"""Tests talk to real servers: a throw-away PostgreSQL and Redis are started for the run and thrown away after it."""

import os

import pytest

from tests import servers


def pytest_configure(config: pytest.Config) -> None:
    from django.conf import settings
    from django.test import TransactionTestCase

    from tests.emptying import empty_tables

    if not hasattr(config, "workerinput"):  # the controller, or no xdist; workers inherit the environment
        os.environ.update(servers.start())
    settings.DATABASES["default"].update(
        HOST=os.environ["EVALHUB_TEST_SOCKETS"], PORT="", NAME="evalhub", USER="evalhub", PASSWORD="", CONN_MAX_AGE=0
    )
    # Each worker copies the migrated database, then migrates the copy: nothing is left to do, whatever was kept.
    settings.DATABASES["default"].setdefault("TEST", {})["TEMPLATE"] = "evalhub"
    TransactionTestCase._fixture_teardown = empty_tables
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    url = f"unix://{os.environ['EVALHUB_TEST_SOCKETS']}/redis.sock?db={worker}"
    settings.REDIS_URL = url
    for queue in settings.RQ_QUEUES.values():
        queue["URL"] = url
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"


@pytest.fixture
def project(db):
    from tests import factories

    return factories.project()


@pytest.fixture
def query_budget(db):
    """`with query_budget("records:list"):` fails when the number of queries is not the pinned one."""
    from tests.query_budgets import query_budget

    return query_budget


@pytest.fixture(autouse=True)
def forgotten_prices():
    """A price that one test has set is kept for some seconds by the process: the next test must not find it."""
    from records.prices import forget_own_prices

    forget_own_prices()
