"""Starts and stops the programs of a plant as a plant does: as processes."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lineside.contracts.clock import Clock, sleep_blocking
from lineside.contracts.errors import LinesideError

READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 15.0


class ProgramFailedError(LinesideError):
    """A program of the plant ended or did not answer in time."""

    code = "sim.program_failed"


def free_port() -> int:
    """A TCP port of loopback that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Program:
    """One child process with its output in a file."""

    def __init__(self, name: str, arguments: Sequence[str], *, log: Path) -> None:
        self.name = name
        self.arguments = list(arguments)
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; its output is appended to the log."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 our own programs
                self.arguments, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
            )

    def check(self) -> None:
        """Nothing when it runs.

        Raises:
            ProgramFailedError: It ended; the last lines of its log are in the text.
        """
        if self._process is not None and (status := self._process.poll()) is not None:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
            raise ProgramFailedError(
                f"{self.name} ended with status {status}:\n{tail}", hint=f"See {self.log}."
            )

    def stop(self) -> None:
        """Ask it to end, and make it end."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def program(name: str) -> str:
    """Path of one of our programs beside the running interpreter."""
    return str(Path(sys.executable).with_name(name))


def wait_until_open(port: int, *, clock: Clock, owner: Program) -> None:
    """Wait until something listens on a port of loopback.

    Raises:
        ProgramFailedError: The owner ended, or nobody listens after `READY_TIMEOUT_S`.
    """
    deadline = clock.monotonic() + round(READY_TIMEOUT_S * 1_000_000)
    while True:
        owner.check()
        with socket.socket() as probe:
            probe.settimeout(0.5)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if clock.monotonic() > deadline:
            raise ProgramFailedError(
                f"{owner.name} does not listen on port {port}.", hint=f"See {owner.log}."
            )
        sleep_blocking(0.05)
