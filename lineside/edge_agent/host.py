"""What the agent asks of its computer: clocks of a plant, marks of life, free space."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from lineside.contracts.clock import (
    US_PER_SECOND,
    Clock,
    Microseconds,
    SleepingClock,
    SystemClock,
)

BUILT_AFTER: Microseconds = 1_767_225_600_000_000  # 2026-01-01: an earlier clock is a dead one
STEP_US = US_PER_SECOND
SETTLED_AFTER_US = 15 * 60 * US_PER_SECOND
"""So long a clock that was set forward is doubted, unless it comes back or is confirmed before."""
GIVEN_UP_AFTER_US = 86_400 * US_PER_SECOND
"""So long a clock that is behind what is recorded is doubted: then the past was wrong, not it."""
AGREES_US = 5 * US_PER_SECOND
"""So near central's time, which has travelled, confirms a clock."""
PRIVATE = 0o700
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised


class ClockDoubt:
    """Whether the wall clock can be believed, by the running one and by what it said before.

    A dead battery shows as a time before the last fact, a step as a move against the running
    clock. Which time is right shows by what comes after: the clock goes back, the computer's time
    service or central confirms it, or it stays as it is for long enough. Until then the time that
    was believed before is carried on by the running clock.

    Attributes:
        line: What to add to the running clock for the time that is believed, microseconds; None:
            nothing was believed yet in this run, the wall clock is all there is.
    """

    def __init__(self, believed: Microseconds = 0) -> None:
        """Begin.

        Args:
            believed: The latest time that was recorded without doubt; 0 where there is none.
        """
        self._believed = believed
        self._moved_to: Microseconds = 0
        self._since: Microseconds | None = None
        self.line: Microseconds | None = None

    def unsure(
        self,
        now: Microseconds,
        running: Microseconds,
        *,
        confirmed: Callable[[Microseconds, Microseconds], bool] = lambda _, __: False,
    ) -> bool:
        """Whether what is recorded now must be marked.

        Args:
            now: Wall time.
            running: A clock that never steps; it runs on while the computer sleeps.
            confirmed: Whether somebody who knows the time says that the offset of the wall clock
                is right, asked with that offset and since when (`running`) it stands.
        """
        offset = now - running
        line = self.line
        behind = now < self._believed - STEP_US if line is None else offset <= line - STEP_US
        if not behind and (line is None or offset < line + STEP_US):
            return self._believe(now, offset)  # ordinary slewing is followed
        if self._since is None or abs(offset - self._moved_to) >= STEP_US:
            self._moved_to, self._since = offset, running
        waits = GIVEN_UP_AFTER_US if behind else SETTLED_AFTER_US
        if running - self._since >= waits or confirmed(offset, self._since):
            self._believed = now
            return self._believe(now, offset)
        return True

    def _believe(self, now: Microseconds, offset: Microseconds) -> bool:
        self.line, self._since = offset, None
        self._believed = max(self._believed, now)
        return False


class PlantClock:
    """Business time of the plant; waiting is always real.

    A wall clock that steps does not carry business time with it: the time that was believed runs on
    by the monotonic clock until the step is confirmed (`ClockDoubt`). A simulated plant may set it:
    from then on business time stands until it is set again, while sockets, retries and pauses go on
    in real time.
    """

    def __init__(
        self,
        system: Clock | None = None,
        *,
        synchronised: Callable[[], bool | None] | None = None,
    ) -> None:
        """Begin.

        Args:
            system: The computer's clocks.
            synchronised: Whether the wall clock follows a time service; the kernel is asked where
                the computer's own clocks are used.
        """
        self._system: Clock = system or SystemClock()
        if synchronised is None:
            synchronised = clock_is_synchronised if system is None else lambda: None
        self._synchronised = synchronised
        self._set: Microseconds | None = None
        self._doubt = ClockDoubt()
        self._watched = False
        self._central: tuple[Microseconds, Microseconds] | None = None

    def now(self) -> Microseconds:
        """Business time, microseconds UTC."""
        if self._set is not None:
            return self._set
        wall, line = self._system.now(), self._doubt.line
        if line is None:
            return wall
        carried = line + self._running()
        return wall if abs(wall - carried) < STEP_US else carried

    def wall(self) -> Microseconds:
        """What the computer's clock says, microseconds UTC, whether it is believed or not."""
        return self._system.now()

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

    def believe(self, at: Microseconds) -> None:
        """Watch the wall clock from now on; a simulated plant, which sets it, does not.

        Args:
            at: The latest time that was recorded without doubt; 0 where there is none.
        """
        self._doubt, self._watched = ClockDoubt(at), True

    def heard(self, at: Microseconds) -> None:
        """Central said that it is so late, microseconds UTC; an answer may have waited long."""
        self._central = (at - self._running(), self._running())

    def unsure(self) -> bool:
        """Whether what is recorded now must be marked; asked before each commit and each second."""
        if self.moved or not self._watched:
            return False
        return self._doubt.unsure(self.wall(), self._running(), confirmed=self._confirmed)

    def _running(self) -> Microseconds:
        return self.monotonic() + self.suspended()

    def _confirmed(self, offset: Microseconds, since: Microseconds) -> bool:
        if self._synchronised():  # the kernel forgets it when a person sets the clock
            return True
        if self._central is None or self._central[1] < since:
            return False
        away, line = self._central[0] - offset, self._doubt.line
        nearer = line is None or abs(away) < abs(self._central[0] - line)
        return nearer and abs(away) <= AGREES_US


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
    """Make a folder that only this user may read; one that is so already is left alone.

    Raises:
        OSError: The disk does not let us.
    """
    path.mkdir(parents=True, exist_ok=True)
    if os.name == "posix" and path.stat().st_mode & 0o777 != PRIVATE:
        path.chmod(PRIVATE)


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
