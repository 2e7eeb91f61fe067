"""What the journal refuses, and what stops it."""

from __future__ import annotations

from pathlib import Path

from lineside.contracts.errors import LinesideError


class JournalError(LinesideError):
    """Something about the journal."""

    code = "journal.error"


class JournalLockedError(JournalError):
    """Another agent has this journal open."""

    code = "journal.locked"
    status = 409

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"The journal {path} is in use by another agent.",
            hint="Stop the other agent, or give this one a directory of its own.",
        )


class JournalSqliteError(JournalError):
    """The SQLite library is too old to be trusted with a journal."""

    code = "journal.sqlite_too_old"

    def __init__(self, found: str, needed: str) -> None:
        super().__init__(
            f"SQLite {found} may corrupt a journal; {needed} or newer is needed.",
            hint="Install the pysqlite3 wheel that the lock file names.",
        )


class JournalPlaceError(JournalError):
    """The folder lies where a journal cannot be kept."""

    code = "journal.place"
    status = 422

    def __init__(self, folder: Path, filesystem: str) -> None:
        super().__init__(
            f"{folder} lies on {filesystem}, a file system of another computer: what it confirms"
            " may be lost.",
            hint="Set edge.data_dir to a disk of this computer.",
        )


class JournalDamagedError(JournalError):
    """The stored bytes are not what was committed."""

    code = "journal.damaged"

    def __init__(self, path: Path, first_bad_seq: int, why: str) -> None:
        super().__init__(
            f"The journal {path} is damaged at event {first_bad_seq}: {why}.",
            hint="Run `lineside-edge journal verify`, keep the file, and restore a backup.",
        )
        self.first_bad_seq = first_bad_seq
        self.values = {"first_bad_seq": first_bad_seq}


class JournalFullError(JournalError):
    """The disk is full: nothing of this append is stored. The next one is tried anew."""

    code = "journal.disk_full"
    status = 507

    def __init__(self) -> None:
        super().__init__(
            "The disk is full; this was not saved.", hint="Free disk space, then do it again."
        )


class JournalBusyError(JournalError):
    """The disk is slower than what arrives; nothing of this append is stored."""

    code = "journal.busy"
    status = 503

    def __init__(self) -> None:
        super().__init__(
            "The journal does not keep up; this was not saved.",
            hint="Wait a moment and do it again; look at the disk if it stays.",
        )


class JournalFailedError(JournalError):
    """The journal failed and is stopped; whether the last append is stored shows at restart."""

    code = "journal.failed"
    status = 503

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The journal stopped: {why}.",
            hint="The agent restarts by itself and verifies the journal; look at the disk.",
        )
        self.values = {"why": why}


class JournalUsageError(JournalError):
    """A call that would break a rule of the journal; a fault in the caller."""

    code = "journal.usage"
    status = 422
