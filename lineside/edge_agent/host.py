"""What the agent asks of its computer: clocks of a plant, marks of life, free space."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
from collections.abc import Mapping
from pathlib import Path

from lineside.contracts.clock import Clock, Microseconds, SleepingClock, SystemClock

BUILT_AFTER: Microseconds = 1_767_225_600_000_000  # 2026-01-01: an earlier clock is a dead one
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised


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

    def suspended(self) -> Microseconds:
        """How long this computer was suspended since it was started; 0 where nobody knows."""
        return self._system.suspended() if isinstance(self._system, SleepingClock) else 0

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


def clock_is_synchronised() -> bool | None:
    """Whether the kernel follows a time source; None where it does not say (adjtimex(2))."""
    try:
        adjtimex = ctypes.CDLL(None, use_errno=True).adjtimex
    except (AttributeError, OSError):
        return None
    state = int(adjtimex(ctypes.create_string_buffer(512)))  # modes 0: asks, changes nothing
    return None if state < 0 else state != _TIME_ERROR


def tell_service_manager(words: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Tell systemd how we are: one datagram to the socket that it named (sd_notify(3)).

    Args:
        words: Such as `READY=1`, `WATCHDOG=1`, `STOPPING=1`.
        environment: Where NOTIFY_SOCKET is looked up; a name with @ is an abstract one.

    Returns:
        Whether it was told; False where nobody asked, or the socket does not take it.
    """
    address = environment.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
            wire.settimeout(0)
            wire.sendto(words.encode(), address)
    except OSError:
        return False  # it will hear the next one, or restart us
    return True


def watchdog_s(environment: Mapping[str, str] = os.environ) -> float | None:
    """Seconds after which the service manager restarts a silent agent; None: it does not watch."""
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        period = int(environment.get("WATCHDOG_USEC", "0")) / 1_000_000
    except ValueError:
        return None
    return period if period > 0 else None
