"""The one interface of every driver."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Protocol, runtime_checkable

from lineside.contracts.samples import Reading, SignalValue


@runtime_checkable
class Driver(Protocol):
    """Reads one device, and nothing more.

    Life: `connect`, then iterate `readings` until it raises, then `close`; the supervisor starts
    over with a pause. A driver never reconnects behind the supervisor's back: one owner for that.
    """

    async def connect(self) -> None:
        """Open the device and check every configured signal.

        Raises:
            DriverUnavailableError: It does not answer; try again later.
            DriverConfigurationError: It answers, but nothing of what we ask for exists.
            DriverTrustError: Certificate or sign-in refused; a person must act.
        """
        ...

    def readings(self) -> AsyncIterator[Sequence[Reading]]:
        """Yield batches of readings in order until the device is lost.

        A batch is what arrived together (one publish, one poll block, one scan). The next batch is
        only taken from the device after the consumer asked for it, up to the declared queue sizes;
        whatever is lost on the way is said with a `gap` notice.

        Raises:
            DriverUnavailableError: The device is lost.
        """
        ...

    async def write(self, signal: str, value: SignalValue) -> None:
        """Write one signal that the configuration declares writable (a handshake acknowledgement).

        Raises:
            DriverConfigurationError: Unknown or not writable.
            DriverUnavailableError: The device did not confirm the write.
        """
        ...

    async def close(self) -> None:
        """Let go of the device; safe to call twice and after errors."""
        ...
