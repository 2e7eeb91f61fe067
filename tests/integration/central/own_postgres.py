"""A PostgreSQL of the distribution, as a plant has it: its own cluster, started for a test."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

ACCOUNTS = ("postgres", "nobody")


def programs() -> Path | None:
    """Folder of the newest server that is installed; None where there is none."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(found, key=lambda folder: int(folder.parent.name), default=None)


@contextmanager
def own_postgres(binaries: Path) -> Generator[str]:
    """A cluster of this server over TCP with a password, as `[database] dsn` names one.

    Yields:
        DSN of an empty database.
    """
    account = _account()
    folder = Path(tempfile.mkdtemp(prefix="lineside-own-pg-"))
    password = folder / "password"
    password.write_text("plant secret")
    if account is not None:
        for path in (folder, password):
            shutil.chown(path, account)
    data, port = folder / "data", _free_port()

    def run(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(binaries / program), *arguments],
            user=account,
            cwd=folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr + done.stdout

    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {folder} -c fsync=off"
    run("initdb", "-D", str(data), "-U", "lineside", f"--pwfile={password}",
        "--auth=scram-sha-256", "-E", "UTF8", "--no-sync")  # fmt: skip
    try:
        run("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
        yield f"postgresql://lineside:plant%20secret@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder)


def _account() -> str | None:
    """Whom the server runs as: never root, which it refuses; None: ourselves."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ACCOUNTS if name in known)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
