"""Imports go down only: experiments -> scoring -> records -> evalhub; nobody imports the composition root."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = ["evalhub", "records", "scoring", "experiments"]
# They put the house together, so they may name every app; nobody may name them.
COMPOSITION = {"evalhub/settings.py", "evalhub/urls.py", "evalhub/wsgi.py"}
COMPOSITION_MODULES = {path.removesuffix(".py").replace("/", ".") for path in COMPOSITION}


def files() -> list[str]:
    found = [path.relative_to(ROOT).as_posix() for floor in FLOORS for path in (ROOT / floor).rglob("*.py")]
    assert len(found) > 30, "the walk has lost the source"
    return found


def imported(path: str, source: str) -> list[str]:
    """Every module that the file imports, wherever in it the import stands; relative ones made absolute.

    `from records import ingest` counts as `records` and `records.ingest`. import_module() with a literal counts too.
    """
    package = path.removesuffix(".py").split("/")[:-1]
    names = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*start, *([node.module] if node.module else [])])
            names += [module, *(f"{module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "import_module":
            names += [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    return names


def lazy_models(source: str) -> list[str]:
    """Apps named by strings such as ForeignKey("scoring.Rule") and get_model("scoring", "Rule")."""
    apps = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if called in {"ForeignKey", "OneToOneField", "ManyToManyField", "ForeignObject", "get_model"}:
            named = [*node.args, *(word.value for word in node.keywords if word.arg in {"to", "through"})]
            values = [arg.value for arg in named if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            apps += [value.split(".")[0].lower() for value in values]
    return apps


def upward(path: str, source: str) -> list[str]:
    floor = FLOORS.index(path.split("/")[0])
    named = imported(path, source) + lazy_models(source)
    above = [] if path in COMPOSITION else [name for name in named if name.split(".")[0] in FLOORS[floor + 1 :]]
    return above + [name for name in named if name in COMPOSITION_MODULES and path not in COMPOSITION]


@pytest.mark.parametrize("path", files())
def test_imports_go_down_only(path):
    assert upward(path, (ROOT / path).read_text()) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("evalhub/x.py", "import records"),
        ("evalhub/x.py", "from records.models import Metric"),
        ("records/x.py", "def f():\n    from scoring import rules"),
        ("records/views/x.py", "from ...scoring import rules"),
        ("scoring/x.py", "import_module('experiments.gate')"),
        ("records/x.py", "models.ForeignKey('scoring.Rule', models.CASCADE)"),
        ("evalhub/x.py", "apps.get_model('records', 'Metric')"),
        ("evalhub/x.py", "from evalhub import settings"),
        ("experiments/x.py", "import evalhub.urls"),
    ],
)
def test_the_walk_sees_an_upward_import_however_it_is_written(path, source):
    assert upward(path, source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("experiments/x.py", "from scoring import rules\nfrom evalhub.models import Project"),
        ("records/x.py", "from django.conf import settings"),
        ("records/views/x.py", "from . import page\nfrom ..models import Metric"),
        ("evalhub/urls.py", "from experiments import urls"),
        ("evalhub/views/x.py", "from evalhub.views import settings"),
    ],
)
def test_the_walk_leaves_other_imports_alone(path, source):
    assert not upward(path, source)
