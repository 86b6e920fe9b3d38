"""Logs as JSON lines, one object an event, for programs that collect them (LOG_FORMAT=json)."""

import json
import logging
from datetime import UTC, datetime

# What every record of the logging module has; the rest was given by whoever logged (`extra=`).
ORDINARY = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """time (RFC 3339, UTC), level, logger, message; `exception` with its traceback; whatever else an event carries."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            said["stack"] = self.formatStack(record.stack_info)
        for name, value in record.__dict__.items():
            if name not in ORDINARY and name not in said:
                said[name] = _plain(value)
        return json.dumps(said, ensure_ascii=False, default=str)


def _plain(value: object) -> object:
    """Django's log events carry the request and its response: of the first what was asked, of the others their kind."""
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    if hasattr(value, "method") and hasattr(value, "path"):
        return f"{value.method} {value.path}"
    return type(value).__name__
