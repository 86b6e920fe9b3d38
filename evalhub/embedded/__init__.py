"""EvalHub's own PostgreSQL and Redis for a trial: where they keep their things, and how Django finds them.

The settings import this module: it starts nothing and imports nothing heavy. `embedded.servers` runs them.
"""

import hashlib
import os
from pathlib import Path

SOCKET_FOLDER_LIMIT = 85  # bytes; the kernel's 107 less the longest socket name, its lock's and some room


def data_dir(base: Path) -> Path:
    """Where a trial keeps its data. Root gets /var/lib: the servers run as another user, whom root's home shuts out."""
    given = os.environ.get("EVALHUB_DATA", "").strip()
    if given:
        return Path(given).expanduser().resolve()
    return Path("/var/lib/evalhub") if os.geteuid() == 0 else base / ".evalhub"


def static_root(base: Path, data: Path) -> Path:
    return Path(os.environ["STATIC_ROOT"]) if os.environ.get("STATIC_ROOT") else data / "static"


def socket_dir(data: Path) -> Path:
    """The private folder of both sockets: in the data folder, or a short one where a socket's path would be too long.

    The same for every process of the user, whatever TMPDIR says, so that `manage.py shell` finds a running `up`.
    """
    folder = data / "run"
    if len(os.fsencode(folder)) <= SOCKET_FOLDER_LIMIT:
        return folder
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return Path(f"/tmp/evalhub-{os.geteuid()}-{name}")  # noqa: S108 made with mode 0700, or refused


def database(data: Path) -> dict[str, object]:
    return {"NAME": "evalhub", "USER": "evalhub", "HOST": str(socket_dir(data)), "PORT": ""}


def redis_url(data: Path) -> str:
    return f"unix://{socket_dir(data)}/redis.sock?db=0"
