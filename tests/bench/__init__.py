"""Benchmarks against a real EvalHub: `python -m tests.bench NAME`, one module each (see tests/bench/__main__.py)."""
