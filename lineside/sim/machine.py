"""A simulated machine: runs a piece when told to, counts it, hands it over with a handshake."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Protocol

from lineside.contracts.clock import US_PER_SECOND, Clock, Microseconds
from lineside.sim.truth import Truth

PACKML = {"IDLE": 4, "RUN": 6, "STOP": 11, "FAIL": 9, "SETUP": 15}
COUNTER_MODULUS = 65_536
ACK_TIMEOUT_S = 45.0
UNATTENDED_ACK_S = 1.0


class MachinePort(Protocol):
    """How a machine's values reach its controller's server."""

    async def put(self, values: dict[str, int | float | bool | str], at: Microseconds) -> None:
        """Set values together, stamped `at`."""
        ...

    async def acknowledged(self) -> int:
        """The sequence number that the other side has acknowledged."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineKind:
    """What a machine does.

    Attributes:
        station: Station id.
        cycle_s: Ideal seconds a piece.
        parameter: Name of the process value it measures on each piece.
        nominal, spread: Its usual value and standard deviation.
        program: Name of its program.
        counter_start: Face value of its piece counter at start; near the modulus it rolls over.
    """

    station: str
    cycle_s: float
    parameter: str
    nominal: float
    spread: float
    program: str
    counter_start: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceResult:
    """What a machine or a person did with a piece; as `TrueStep` says."""

    started_at: Microseconds
    finished_at: Microseconds
    good: bool
    parameters: dict[str, str]
    finish_took: Microseconds = 0


def what_happens(number: int) -> tuple[bool, str]:
    """Whether a machine's piece of this number comes out bad, and the trouble in its middle.

    Args:
        number: Of the piece, from 0.

    Returns:
        Bad; empty, `STOP` or `FAIL`.
    """
    return number % 12 == 4, {1: "STOP", 6: "FAIL"}.get(number % 15, "")  # noqa: PLR2004 every 12th


class SimMachine:
    """One machine. One piece at a time; a stop or failure may happen in the middle of a cycle."""

    def __init__(
        self, kind: MachineKind, port: MachinePort, truth: Truth, clock: Clock, rng: random.Random
    ) -> None:
        self.kind = kind
        self._port = port
        self._truth = truth
        self._clock = clock
        self._rng = rng
        self._count = kind.counter_start
        self._scrap = 0
        self._sequence = 0
        self._state = ""
        self.pieces = 0
        self.not_acknowledged = 0
        truth.counter_starts[kind.station] = kind.counter_start

    async def power_on(self) -> None:
        """Show first values; the machine idles."""
        at = self._clock.now()
        await self._port.put(
            {
                "total": self._count,
                "scrap": self._scrap,
                "sequence": self._sequence,
                "good": True,
                "program": self.kind.program,
                "tool": 1,
                self.kind.parameter: 0.0,
            },
            at,
        )
        await self.go("IDLE")

    async def go(self, state: str) -> Microseconds:
        """Change state; returns the instant."""
        at = self._clock.now()
        if state != self._state:
            self._state = state
            await self._port.put({"state": PACKML[state]}, at)
            self._truth.state(self.kind.station, state, at)
        return at

    async def run(
        self, *, scrap: bool = False, trouble: str = "", insist: bool = True
    ) -> PieceResult:
        """Make one piece.

        Args:
            scrap: The piece comes out bad.
            trouble: Empty, `STOP` or `FAIL`: what happens in the middle of the cycle.
            insist: The piece has to be acknowledged; else the machine goes on after a moment, as
                one to which nobody is connected.

        Raises:
            TimeoutError: It was not acknowledged.
        """
        kind = self.kind
        started_at = await self.go("RUN")
        await self._clock.sleep(kind.cycle_s / 2)
        if trouble:
            await self.go(trouble)
            await self._clock.sleep(0.4 if trouble == "STOP" else 1.2)
            await self.go("RUN")
        await self._clock.sleep(kind.cycle_s / 2 * self._rng.uniform(0.97, 1.1))
        value = self._rng.gauss(kind.nominal, kind.spread) + (6 * kind.spread if scrap else 0)
        shown = round(value, 3)
        at = self._clock.now()
        if self._count + 1 == COUNTER_MODULUS:
            self._truth.rollovers[kind.station] += 1
        self._count = (self._count + 1) % COUNTER_MODULUS
        self._truth.counts[kind.station].append((at, "produced", 1))
        values: dict[str, int | float | bool | str] = {
            "total": self._count,
            "good": not scrap,
            kind.parameter: shown,
            "tool": 1 + self.pieces % 4,
        }
        if scrap:
            self._scrap += 1
            values["scrap"] = self._scrap
            self._truth.counts[kind.station].append((at, "scrap", 1))
        self._sequence += 1
        values["sequence"] = self._sequence
        await self._port.put(values, at)
        await self._wait_for_acknowledgement(insist=insist)
        acknowledged_after = self._clock.now() - at
        await self.go("IDLE")
        self.pieces += 1
        return PieceResult(
            started_at=started_at,
            finished_at=at,
            good=not scrap,
            parameters={kind.parameter: str(shown)},
            finish_took=acknowledged_after,
        )

    async def _wait_for_acknowledgement(self, *, insist: bool) -> None:
        patience_s = ACK_TIMEOUT_S if insist else UNATTENDED_ACK_S
        deadline = self._clock.monotonic() + round(patience_s * US_PER_SECOND)
        while await self._port.acknowledged() != self._sequence:
            if self._clock.monotonic() > deadline:
                if not insist:
                    self.not_acknowledged += 1
                    return
                message = f"{self.kind.station}: piece {self._sequence} was never acknowledged"
                raise TimeoutError(message)
            await self._clock.sleep(0.02)
