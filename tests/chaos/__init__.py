"""Chaos: all of a real EvalHub is killed under load, in random order, and then it is counted whether anything was lost,
stored twice or left waiting. `python -m tests.chaos --minutes 10 --seed 1`."""
