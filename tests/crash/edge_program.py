"""The edge agent as it is run at a line, and a place at which it kills itself.

Arguments: configuration, place, how many times the place is passed before. Places are put around
the program from here; the program itself knows nothing of them.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from lineside.contracts.samples import SignalValue
from lineside.edge_agent import cli
from lineside.edge_agent.acquisition.supervisor import DeviceTask
from lineside.edge_agent.journal import schema, writer

CHECKPOINT_BYTES = 32 * 1024
# place -> beginning of the statement before or after which it lies
STATEMENTS = {
    "begin": "BEGIN",
    "event": "INSERT INTO event ",
    "group": "INSERT INTO event_group",
    "baseline": "INSERT OR REPLACE INTO baseline",
    "commit": "COMMIT",
    "verified": "INSERT OR REPLACE INTO cursor",
    "checkpoint": "PRAGMA wal_checkpoint",
}
PLACES = (
    *(f"{when} {what}" for what in STATEMENTS for when in ("before", "after")),
    "before handshake",
    "after handshake",
)


class Trap:
    """Kills the process when its place is passed for the nth time."""

    def __init__(self, place: str, times: int) -> None:
        self.place, self._left = place, times

    def passed(self, place: str) -> None:
        if place != self.place:
            return
        self._left -= 1
        if self._left < 0:
            os.kill(os.getpid(), signal.SIGKILL)


class TrappedConnection:
    """The writer's connection with places before and after its statements."""

    def __init__(self, connection: Any, trap: Trap) -> None:
        self._connection, self._trap = connection, trap

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def _around(self, statement: str, act: Callable[[], Any]) -> Any:
        what = next((name for name, text in STATEMENTS.items() if statement.startswith(text)), "")
        self._trap.passed(f"before {what}")
        result = act()
        self._trap.passed(f"after {what}")
        return result

    def execute(self, statement: str, *arguments: Any) -> Any:
        return self._around(statement, lambda: self._connection.execute(statement, *arguments))

    def executemany(self, statement: str, *arguments: Any) -> Any:
        return self._around(statement, lambda: self._connection.executemany(statement, *arguments))


def set_trap(trap: Trap) -> None:
    connect, write = schema.connect_writer, DeviceTask.write

    async def trapped_write(self: DeviceTask, signal: str, value: SignalValue) -> None:
        trap.passed("before handshake")
        await write(self, signal, value)
        trap.passed("after handshake")

    schema.connect_writer = lambda path: TrappedConnection(connect(path), trap)
    DeviceTask.write = trapped_write
    writer.CHECKPOINT_BYTES = CHECKPOINT_BYTES


if __name__ == "__main__":
    set_trap(Trap(sys.argv[2], int(sys.argv[3])))
    sys.exit(cli.main(["run", sys.argv[1]]))
