"""What a journal stands on: its file system, the speed of a flush, the room kept beside it."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import structlog

from lineside.edge_agent.journal.errors import JournalPlaceError

# Locks and flushes of a file that lies on another computer are promises of that computer.
REFUSED = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "lustre", "glusterfs", "ncpfs"}
)
REFUSED_FUSE = ("fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "fuse.rclone", "fuse.vmhgfs-fuse")
WARNED = {
    "overlay": "a container's own layer: it goes with the container; mount a volume",
    "aufs": "a container's own layer: it goes with the container; mount a volume",
    "tmpfs": "memory: it is empty after a power cut; use a disk",
    "ramfs": "memory: it is empty after a power cut; use a disk",
}
LIES_BELOW_US = 30.0
PROBES = 9
PROBE_S_MAX = 0.25
BALLAST_BYTES = 8 * 1024 * 1024
_BALLAST_SHARE = 8  # a ballast is at most this part of the free space
log = structlog.get_logger("edge.journal")


@dataclass(frozen=True, slots=True)
class Medium:
    """What is known about the disk under a journal.

    Attributes:
        filesystem: Type as the kernel names it; empty where it cannot be told.
        flush_us: Median time of a flush, microseconds; 0 where it was not measured.
        warnings: Sentences for people.
    """

    filesystem: str = ""
    flush_us: float = 0.0
    warnings: tuple[str, ...] = ()


def filesystem_of(folder: Path) -> str:
    """Type of the file system that holds a folder; empty where the kernel does not say."""
    device = os.stat(folder).st_dev  # noqa: PTH116 - of the folder itself, links followed
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    found = ""
    for line in lines:
        before, _, after = line.partition(" - ")
        if before.split()[2] == wanted:
            found = after.split()[0]
    return found


def flush_us(folder: Path) -> float:
    """Median time in which this disk says "written", microseconds; 0: nothing can be tried."""
    probe = folder / ".flush"
    times: list[float] = []
    try:
        descriptor = os.open(probe, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return 0.0
    try:
        until = time.perf_counter() + PROBE_S_MAX
        while len(times) < PROBES and (not times or time.perf_counter() < until):
            began = time.perf_counter()
            os.pwrite(descriptor, os.urandom(4096), 0)
            os.fsync(descriptor)
            times.append((time.perf_counter() - began) * 1e6)
    except OSError:
        return 0.0
    finally:
        os.close(descriptor)
        probe.unlink(missing_ok=True)
    return statistics.median(times)


def judge(folder: Path, filesystem: str, flush: float) -> Medium:
    """Refuse a place that cannot keep a journal, and say what is doubtful about another.

    Raises:
        JournalPlaceError: A file system of another computer.
    """
    if filesystem in REFUSED or filesystem.startswith(REFUSED_FUSE):
        raise JournalPlaceError(folder, filesystem)
    warnings: list[str] = []
    if filesystem in WARNED:
        warnings.append(f"The journal's folder is on {filesystem}, {WARNED[filesystem]}.")
    elif 0 < flush < LIES_BELOW_US:
        warnings.append(
            f"The disk says after {flush:.0f} microseconds that it has written: that is a cache."
            " Without protection against power loss it forgets what it has confirmed."
        )
    return Medium(filesystem, flush, tuple(warnings))


def examine(folder: Path) -> Medium:
    """Look at a folder before a journal is opened in it.

    Raises:
        JournalPlaceError: A file system of another computer.
    """
    medium = judge(folder, filesystem_of(folder), flush_us(folder))
    for warning in medium.warnings:
        log.warning("journal_place", path=str(folder), why=warning)
    return medium


class Ballast:
    """Room that is kept beside a journal, and given up when the disk is full.

    It buys the time in which a line goes on while people make room; it is taken again by itself.
    """

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size

    @property
    def held(self) -> bool:
        """Whether the room is kept now; always where none is wanted."""
        return self._size == 0 or self._path.exists()

    def take(self) -> None:
        """Keep the room, where there is plenty."""
        if self.held:
            return
        try:
            found = os.statvfs(self._path.parent)
            if found.f_bavail * found.f_frsize < _BALLAST_SHARE * self._size:
                return
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, self._size)
            finally:
                os.close(descriptor)
        except OSError:
            self._path.unlink(missing_ok=True)  # there is no such room; the next time, perhaps
            return
        log.info("journal_ballast_taken", path=str(self._path), bytes=self._size)

    def release(self) -> bool:
        """Give the room up; whether there was any."""
        if self._size == 0 or not self._path.exists():
            return False
        self._path.unlink(missing_ok=True)
        log.error("journal_ballast_released", path=str(self._path), bytes=self._size)
        return True
