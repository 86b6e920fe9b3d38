"""python -m tests.bench NAME [options]: one benchmark, or `fill`, which makes the data that the others want.

A benchmark is a module beside this one with `run(options) -> None`; its docstring is its help. It may have
`add_arguments(parser)`. It starts its servers with `house`, and prints figures with `figures.report`, one JSON line
each. Modules import Django's apps inside `run`: `--data` decides where the settings look.
"""

import argparse
import importlib
import os
import pkgutil
from pathlib import Path

import tests.bench


def benchmarks() -> dict[str, object]:
    names = [m.name for m in pkgutil.iter_modules(tests.bench.__path__) if not m.name.startswith("_")]
    modules = {name: importlib.import_module(f"tests.bench.{name}") for name in names}
    return {name: module for name, module in modules.items() if hasattr(module, "run")}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalhub.settings")
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    commands = parser.add_subparsers(dest="name", required=True)
    for name, module in benchmarks().items():
        command = commands.add_parser(name, help=module.__doc__.splitlines()[0], description=module.__doc__)
        command.add_argument(
            "--data", type=Path, default=Path("/var/tmp/evalhub-bench"), help="data folder (%(default)s)"
        )
        command.add_argument("--rounds", type=int, default=5)
        if hasattr(module, "add_arguments"):
            module.add_arguments(command)
    options = parser.parse_args()
    # Before the settings are read; the secret is what keys are checked with, here and in the web server.
    os.environ |= {"EVALHUB_DATA": str(options.data), "SECRET_KEY": "bench", "DATABASE_URL": "", "REDIS_URL": ""}
    importlib.import_module(f"tests.bench.{options.name}").run(options)


if __name__ == "__main__":
    main()
