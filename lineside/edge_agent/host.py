"""What the agent asks of its computer: clocks of a plant, marks of life, free space."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from lineside.contracts.clock import Clock, Microseconds, SystemClock


class PlantClock:
    """Business time of the plant; waiting is always real.

    A simulated plant may set it: from then on business time stands until it is set again, while
    sockets, retries and pauses go on in real time.
    """

    def __init__(self, system: Clock | None = None) -> None:
        self._system: Clock = system or SystemClock()
        self._set: Microseconds | None = None

    def now(self) -> Microseconds:
        """Business time, microseconds UTC."""
        return self._system.now() if self._set is None else self._set

    def monotonic(self) -> Microseconds:
        """Real time that never steps, microseconds."""
        return self._system.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait in real time."""
        await self._system.sleep(seconds)

    @property
    def moved(self) -> bool:
        """Whether somebody has set it."""
        return self._set is not None

    def set(self, at: Microseconds) -> None:
        """Move business time; only in a simulated plant."""
        self._set = at


class AliveMark:
    """Remembers when the agent was last seen working, so that a restart knows what nobody watched.

    A hint, not a fact: it is written without waiting for the disk, and an older one only makes the
    unknown time longer.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Microseconds | None:
        """The last mark; None where there is none that can be read."""
        try:
            return int(self._path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def write(self, now: Microseconds) -> None:
        """Mark now; a disk that takes nothing is told by the journal, not here."""
        fresh = self._path.with_suffix(".new")
        try:
            fresh.write_text(str(now), encoding="ascii")
            fresh.replace(self._path)
        except OSError:
            return


def free_bytes(path: Path) -> int:
    """Free space of the disk that holds a folder."""
    return shutil.disk_usage(path).free


def private_folder(path: Path) -> None:
    """Make a folder that only this user may read."""
    path.mkdir(parents=True, exist_ok=True)
    if os.name == "posix":
        path.chmod(0o700)


def disk_share(path: Path) -> float:
    """Used part of the disk that holds a folder, 0 to 1."""
    usage = shutil.disk_usage(path)
    return 1 - usage.free / usage.total if usage.total else 0.0
