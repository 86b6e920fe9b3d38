"""Every benchmark in turn, each in a process of its own, then the targets beside what was measured.

Wants `fill --records 1000000`. The figures go to a file, one JSON line each, the first of them the machine; the table,
in Markdown for the README, to the screen. A benchmark that fails is said so, and the others go on. Each figure that a
row stands for has to meet its target: the worst of them is shown.
"""

import argparse
import json
import platform
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from tests.bench import figures, house

RUNS = ("ingest", "page", "rules", "judge", "code", "rescore", "mixed", "start")


@dataclass(frozen=True, slots=True)
class Target:
    """`figures`: names, or patterns of names, of what is held to it; `most` else `least`, in `unit`. `by` divides."""

    what: str
    figures: tuple[str, ...]
    unit: str
    most: float | None = None
    least: float | None = None
    by: float = 1.0

    def worst(self, lines: Iterable[dict]) -> float | None:
        """Of what was measured, None where nothing was."""
        found = [line["value"] / self.by for line in lines if any(fnmatch(line["name"], name) for name in self.figures)]
        return None if not found else max(found) if self.least is None else min(found)

    def is_met(self, value: float) -> bool:
        return value >= self.least if self.most is None else value <= self.most

    @property
    def said(self) -> str:
        return f"{'≥' if self.most is None else '≤'} {self.least if self.most is None else self.most:,g} {self.unit}"


TARGETS = (
    Target("Ingest over OTLP, 100 spans a post, 4 connections", ("ingest.otlp",), "spans/s", least=3000),
    Target("The same over JSON", ("ingest.json",), "records/s", least=2500),
    Target("Memory of the web server while spans come in", ("ingest.otlp.web_memory",), "MB", most=300),
    Target("Records page, unfiltered, p95", ("page, unfiltered",), "ms", most=60),
    Target("Records page, any filter of the matrix, p95", ("page, [!ur]*", "page, rare status"), "ms", most=120),
    Target("Records page, rare text, p95", ("page, rare text",), "ms", most=1000),
    Target("Table fragment, unfiltered and page 1,000, p95", ("rows, unfiltered", "rows, page 1,000"), "ms", most=40),
    Target("History chart and count, p95", ("history, *", "count, *"), "ms", most=150),
    Target("20 rules decided for 500 records", ("rules: decided",), "ms", most=50),
    Target("A code score is there after the span's end", ("rules: a code score is there",), "s", most=5),
    Target("What 20 rules at 1 % cost ingest", ("rules: ingest loses",), "%", most=10),
    Target("LLM judging, concurrency 128", ("judge engine, concurrency 128*: scores",), "scores/s", least=400),
    Target("LLM judging, concurrency 32", ("judge engine, concurrency 32*: scores",), "scores/s", least=120),
    Target("LLM judging, processor time", ("judge engine, concurrency 128*: CPU",), "ms a score", most=1.2),
    Target("Code evaluators, a worker, with reading and storing", ("rescore: scores stored",), "/s", least=3000, by=2),
    Target("100,000 records re-scored by a code evaluator", ("rescore: from the click to done",), "s", most=60),
    Target("Records page beside ingest, rules and a re-score, p95", ("mixed: *against*",), "times idle", most=2),
    Target("`manage.py up` to the first page, second time", ("start: up*",), "s", most=5),
    Target("Imports above bare Django, processor time", ("start: imports*",), "s", most=1.5),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, default=Path("bench.jsonl"), help="(%(default)s)")
    parser.add_argument("--only", nargs="+", choices=RUNS, default=list(RUNS))


def run(options: argparse.Namespace) -> None:
    machine = {"name": "machine", **_machine(options.data)}
    lines, failed = [machine], []
    with options.output.open("w") as output:
        output.write(json.dumps(machine) + "\n")
        for name in options.only:
            print(f"... {name}", file=sys.stderr, flush=True)
            command = [sys.executable, "-m", "tests.bench", name, "--data", options.data, "--rounds", options.rounds]
            with subprocess.Popen([*map(str, command)], cwd=house.ROOT, stdout=subprocess.PIPE, text=True) as child:
                for line in child.stdout:
                    output.write(line)
                    output.flush()
                    lines.append(json.loads(line))
            if child.returncode:
                failed.append(name)
    print(table(lines))
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}.")


def table(lines: list[dict]) -> str:
    """The targets and what was measured, as Markdown."""
    machine, measured = lines[0], lines[1:]
    rows = ["| | target | measured | |", "|---|---|---|---|"]
    for target in TARGETS:
        value = target.worst(measured)
        if value is not None:
            shown = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
            verdict = "met" if target.is_met(value) else "**not met**"
            rows.append(f"| {target.what} | {target.said} | {shown} {target.unit} | {verdict} |")
    return "\n".join(
        [*rows, "", f"{', '.join(f'{name} {value}' for name, value in machine.items() if name != 'name')}"]
    )


def _machine(data: Path) -> dict[str, str]:
    with house.services(data):
        import django
        import django_rq
        from django.db import connection

        from records.models import RecordRollup

        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            postgres = cursor.fetchone()[0]
        redis = django_rq.get_connection("online").info("server")["redis_version"]
        records = sum(RecordRollup.objects.values_list("n", flat=True))
        connection.close()
    return {
        "processor": _processor(), "with": figures.machine().split(", load")[0], "records": f"{records:,}",
        "Python": platform.python_version(), "Django": django.get_version(), "PostgreSQL": postgres, "Redis": redis,
    }  # fmt: skip


def _processor() -> str:
    found = (line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name"))
    return next(found, ": unknown").partition(":")[2].strip()
