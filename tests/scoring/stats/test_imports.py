"""The pages that need no statistics do not pay for them."""

import subprocess
import sys


def test_neither_plain_rates_nor_the_records_page_load_scipy():
    script = (
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'evalhub.settings'; import django; django.setup();"
        "import evalhub.urls, scoring.stats.rates, scoring.stats.sizes, scoring.stats.many;"
        "import scoring.stats.proportions;"
        "sys.exit(any(name in sys.modules for name in ('scipy', 'numpy', 'aiohttp')))"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
