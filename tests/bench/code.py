"""Calls a second of the sandbox of code evaluators: rows as JSON in, checked outcomes out, one worker, no database.

Each round runs the snippet over all rows; every outcome must be the value that the snippet is known to give. `start`
is the time from nothing to a sandbox that has proved itself. The processor time, of host and children together, says
more than the clock on a busy machine.
"""

import argparse
import resource
import time

from tests.bench import figures

SNIPPETS = {
    "length": "def evaluate(output):\n    return len(output)\n",
    "overlap": """
import re

def words(text):
    return set(re.findall(r"[a-z]+", text.lower()))

def evaluate(input, output):
    asked, said = words(input), words(output)
    shared = len(asked & said) / max(1, len(asked))
    return {"score": round(shared, 3), "reasoning": f"{len(asked & said)} of {len(asked)} words of the question"}
""",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=10_000, help="a round (%(default)s)")
    parser.add_argument("--bytes", type=int, default=1_500, help="of text in a row (%(default)s)")


def run(options: argparse.Namespace) -> None:
    import django

    django.setup()
    from scoring.sandbox import Sandbox

    starts = []
    for _ in range(options.rounds):
        began = time.perf_counter()
        with Sandbox() as sandbox:
            assert sandbox.start().active, sandbox.report.reasons
            starts.append(1000 * (time.perf_counter() - began))
    figures.report("code.start", starts, "ms", with_self_test=True)

    text = ("Where is my order? It left the warehouse on Monday. " * (options.bytes // 100 + 1))[: options.bytes // 2]
    rows = [
        {
            "input": text,
            "output": f"{n} {text}",
            "expected": None,
            "metadata": {"model": "m"},
            "metrics": {"latency": 1.5},
        }
        for n in range(options.rows)
    ]
    for name, snippet in SNIPPETS.items():
        rates, before = [], _cpu()
        with Sandbox() as sandbox:
            sandbox.start()
            for _ in range(options.rounds):
                began = time.perf_counter()
                values = [outcome.value for outcome in sandbox.run(snippet, rows)]
                rates.append(len(rows) / (time.perf_counter() - began))
                assert values == [len(row["output"]) if name == "length" else 1.0 for row in rows]
        used = 1e6 * (_cpu() - before) / len(rows) / options.rounds
        figures.report(
            f"code.{name}", rates, "calls/s", rows=len(rows), row_bytes=len(text) * 2, cpu_us_a_call=round(used)
        )


def _cpu() -> float:
    """Seconds of this process and the ended ones that it started."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )
