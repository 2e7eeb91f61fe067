"""A driver whose library takes long to import: loaded at the first connection, not at the start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from lineside.contracts.errors import DriverUnavailableError
from lineside.contracts.samples import Reading, SignalValue
from lineside.drivers.base import Driver


class LateDriver:
    """Stands for a driver until that is loaded, then passes everything on.

    An edge that starts again after a fault must serve its terminal at once; its devices may wait.
    """

    def __init__(self, load: Callable[[], Driver]) -> None:
        """Nothing is loaded yet.

        Args:
            load: Imports the driver and makes it, in a thread: the event loop goes on meanwhile.
        """
        self._load = load
        self._driver: Driver | None = None

    async def connect(self) -> None:
        """Load the driver if need be, and connect it; raises as `Driver.connect` does."""
        if self._driver is None:
            self._driver = await asyncio.to_thread(self._load)
        await self._driver.connect()

    def readings(self) -> AsyncIterator[Sequence[Reading]]:
        """The driver's batches.

        Raises:
            DriverUnavailableError: It was never connected.
        """
        return self._loaded().readings()

    async def write(self, signal: str, value: SignalValue) -> None:
        """Write one signal; raises as `Driver.write` does."""
        await self._loaded().write(signal, value)

    async def close(self) -> None:
        """Let go of the device."""
        if self._driver is not None:
            await self._driver.close()

    def _loaded(self) -> Driver:
        if self._driver is None:
            raise DriverUnavailableError("The device was never connected.")
        return self._driver
