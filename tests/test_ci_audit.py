"""A known vulnerability stops a change; a service that is away is said aloud and stops nothing."""

import json
import runpy
from pathlib import Path

import pytest

verdict = runpy.run_path(str(Path(__file__).parents[1] / ".ci" / "audit"))["verdict"]

FINE = {"name": "django", "version": "6.1.3", "vulns": []}
UNKNOWN = {"name": "evalbus", "skip_reason": "Dependency not found on PyPI"}
HOLE = {"id": "PYSEC-2026-1", "fix_versions": ["2.1"], "aliases": []}
BAD = {"name": "lib", "version": "2.0", "vulns": [HOLE, HOLE | {"id": "GHSA-1", "fix_versions": []}]}


@pytest.mark.parametrize(
    ("packages", "code", "words"),
    [
        ([FINE], 0, "No known vulnerability in 1 of 1 dependencies."),
        ([FINE, UNKNOWN], 0, "No known vulnerability in 1 of 2 dependencies. WARNING: not audited: evalbus."),
        ([UNKNOWN], 0, "WARNING: dependencies were NOT audited: the service knows none of them"),
        ([UNKNOWN, BAD], 1, "lib 2.0: PYSEC-2026-1 (mended in 2.1)\nlib 2.0: GHSA-1 (mended in no version yet)"),
    ],
)
def test_what_is_known_of_the_dependencies_decides(packages, code, words):
    judged, said = verdict(json.dumps({"dependencies": packages, "fixes": []}))
    assert judged == code and words in said


def test_a_service_that_is_away_is_a_warning_with_its_reason():
    assert verdict("", "Traceback ...\nConnectionError: api.osv.dev\n") == (
        0,
        "WARNING: dependencies were NOT audited: ConnectionError: api.osv.dev",
    )
