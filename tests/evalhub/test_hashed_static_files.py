"""Installations serve scripts under hashed names alone: what one script imports must be there under such a name."""

import re

from django.conf import settings as project
from django.core.management import call_command

from tests.evalhub.running import run_python

HASHED = "evalhub.staticstorage.HashedStaticFiles"
IMPORTED = re.compile(r'^import [^;]*?"\./([^"]+)"', re.MULTILINE)


def test_an_installation_serves_by_hashed_names():
    said = run_python("from django.conf import settings as s; print(s.STORAGES['staticfiles'])")
    assert HASHED in said.stdout, said.stderr


def test_scripts_import_each_other_by_names_that_are_served(settings, tmp_path):
    settings.STATICFILES_DIRS = [project.BASE_DIR / "static"]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": HASHED}}
    call_command("collectstatic", interactive=False, verbosity=0)
    scripts = list((tmp_path / "js").glob("*.js"))
    imported = [name for script in scripts for name in IMPORTED.findall(script.read_text())]
    assert imported
    assert {name for name in imported if not (tmp_path / "js" / name).exists()} == set()
