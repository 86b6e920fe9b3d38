"""What pages do not need they do not load: seconds of a start, and memory of every process."""

import pytest

from tests.evalhub.running import run_python


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """The packages of a process that can answer every page, and has computed no statistics yet."""
    modules = (
        "evalhub.urls, records.views.history, scoring.stats.rates, scoring.stats.sizes, scoring.stats.many, "
        "scoring.stats.proportions"
    )
    ran = run_python(f"import django, sys; django.setup(); import {modules}; print(*sys.modules)")
    assert ran.returncode == 0, ran.stderr
    return {name.partition(".")[0] for name in ran.stdout.split()}


@pytest.mark.parametrize(
    "packages",
    [
        {"plotly", "_plotly_utils"},  # half a second, and nothing but the browser needs it
        {"scipy", "numpy", "aiohttp"},
        {"allauth", "jwt", "requests"},  # people sign in by OpenID Connect only where it is switched on
    ],
    ids=lambda packages: min(packages),
)
def test_all_pages_load_nothing_of_it(loaded, packages):
    assert "django" in loaded and not loaded & packages
