"""Lets a simulated plant stand still between two pieces, so that it can be judged alive."""

from __future__ import annotations

import asyncio
from contextlib import suppress

QUIET_TIMEOUT_S = 30.0
LEASE_MAX_S = 600.0
QUIET_POLL_S = 0.05


class Hold:
    """Whether people and machines may begin a piece, and who has one in hand.

    A hold is leased: when the one who asked for it never comes back, the plant goes on by itself.
    """

    def __init__(self) -> None:
        self._free = asyncio.Event()
        self._free.set()
        self._lease: asyncio.TimerHandle | None = None
        self._closed = False
        self._asked_at = 0.0
        self._held_s = 0.0
        self.busy: set[str] = set()

    @property
    def asked(self) -> bool:
        """Somebody asked the plant to stand still."""
        return not self._free.is_set()

    @property
    def held_s(self) -> float:
        """Real seconds that the plant has stood still on request so far."""
        now = asyncio.get_running_loop().time()
        return self._held_s + (now - self._asked_at if self.asked else 0.0)

    @property
    def quiet(self) -> bool:
        """Nothing moves, and nothing will until the hold ends."""
        return (self.asked or self._closed) and not self.busy

    async def begin(self, who: str) -> None:
        """Wait until a piece may be begun; then one is in hand until `end`."""
        await self._free.wait()
        self.busy.add(who)

    def end(self, who: str) -> None:
        """The piece is out of hand."""
        self.busy.discard(who)

    def close(self) -> None:
        """The shift is over: whoever waits finishes what lies before him, and nobody begins."""
        self._closed = True
        self.release()

    async def ask(self, *, lease_s: float, patience_s: float = QUIET_TIMEOUT_S) -> bool:
        """Let the plant come to rest; whether it has.

        Args:
            lease_s: Real seconds after which it goes on by itself; at most `LEASE_MAX_S`.
            patience_s: How long to wait for the pieces in hand.
        """
        if self._closed:
            return self.quiet
        loop = asyncio.get_running_loop()
        if not self.asked:
            self._asked_at = loop.time()
        self._free.clear()
        if self._lease is not None:
            self._lease.cancel()
        self._lease = loop.call_later(min(lease_s, LEASE_MAX_S), self.release)
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while self.busy:  # noqa: ASYNC110 who is busy comes and goes; an event would too
                    await asyncio.sleep(QUIET_POLL_S)
        return self.quiet

    def release(self) -> None:
        """Go on."""
        if self._lease is not None:
            self._lease.cancel()
            self._lease = None
        if self.asked:
            self._held_s += asyncio.get_running_loop().time() - self._asked_at
        self._free.set()
