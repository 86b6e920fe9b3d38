"""How a gate ends: the exit codes of its outcomes, and what keeps it from being judged."""

EXIT_CODES = {"pass": 0, "fail": 1, "inconclusive": 2}
COULD_NOT_RUN = 3


class NotReady(Exception):
    """An experiment that is not over, or was cancelled, cannot be judged."""
