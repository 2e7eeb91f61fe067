"""A device that does what a list says: for tests, simulations and trying a configuration."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any

from lineside.contracts.clock import Clock
from lineside.contracts.errors import DriverConfigurationError, DriverUnavailableError
from lineside.contracts.samples import DriverNotice, Reading, ScanRead, SignalSample, SignalValue
from lineside.drivers.scripted.config import ScriptedSettings, StepSettings, read_config


def build(settings: Mapping[str, Any], *, clock: Clock, file: str) -> ScriptedDriver:
    """Make the driver; `sample.toml` shows its table.

    Raises:
        ConfigurationError: A key or value is wrong.
    """
    return ScriptedDriver(read_config(settings, file=file), clock)


def scripted(
    steps: Iterable[StepSettings],
    *,
    clock: Clock,
    at_end: str = "wait",
    writable: Iterable[str] = (),
) -> ScriptedDriver:
    """The same from Python values, for tests."""
    config = ScriptedSettings(
        steps=tuple(steps),
        at_end="lost" if at_end == "lost" else "wait",
        writable=tuple(writable),
    )
    return ScriptedDriver(config, clock)


class ScriptedDriver:
    """Yields its steps in order, one batch each; a reconnect goes on after the step that was lost.

    Attributes:
        written: (signal, value) of every write, in order.
    """

    def __init__(self, config: ScriptedSettings, clock: Clock) -> None:
        self.written: list[tuple[str, SignalValue]] = []
        self._config = config
        self._clock = clock
        self._next = 0
        self._sequence = 0
        self._is_open = False

    async def connect(self) -> None:
        """Always succeeds."""
        self._is_open = True

    async def readings(self) -> AsyncIterator[Sequence[Reading]]:
        """Yield the steps.

        Raises:
            DriverUnavailableError: A step says so, or the script is at its end.
        """
        steps = self._config.steps
        while True:
            if self._next >= len(steps):
                if self._config.repeat and steps:
                    self._next = 0
                    continue
                if self._config.at_end == "lost":
                    raise DriverUnavailableError("The script is at its end.")
                await asyncio.Event().wait()
            step = steps[self._next]
            self._next += 1
            if step.after_s:
                await self._clock.sleep(step.after_s)
            yield self._batch(step)

    async def write(self, signal: str, value: SignalValue) -> None:
        """Keep a written value.

        Raises:
            DriverConfigurationError: Not writable.
            DriverUnavailableError: Not connected.
        """
        if signal not in self._config.writable:
            raise DriverConfigurationError(
                f"{signal} is not writable.", hint="Add it to `writable`."
            )
        if not self._is_open:
            raise DriverUnavailableError("The scripted device is not connected.")
        self.written.append((signal, value))

    async def close(self) -> None:
        """Safe to call twice."""
        self._is_open = False

    def _batch(self, step: StepSettings) -> list[Reading]:
        if step.lost:
            raise DriverUnavailableError("The script says that the device is lost.")
        read_at = self._clock.now()
        if step.scan is not None:
            return [
                ScanRead(raw=step.scan.encode("latin-1"), read_at=read_at, problem=step.problem)
            ]
        if step.notice is not None:
            return [DriverNotice(kind=step.notice, detail=step.detail, read_at=read_at)]
        self._sequence += 1
        return [
            SignalSample(
                signal=name,
                value=value,
                quality=step.quality,
                read_at=read_at,
                sequence=self._sequence,
            )
            for name, value in (step.values or {}).items()
        ]
