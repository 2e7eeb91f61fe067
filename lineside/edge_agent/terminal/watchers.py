"""Open pages: who is told when a station has news; bounded, and never waited for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import suppress

from lineside.edge_agent.errors import TooManyWatchersError
from lineside.edge_agent.terminal.views import VerdictMessage

VERDICTS_MAX = 100
REFRESH_S = 5.0


class Page:
    """One open page of a station."""

    def __init__(self) -> None:
        self.verdicts: deque[VerdictMessage] = deque(maxlen=VERDICTS_MAX)
        self._news = asyncio.Event()
        self.stale = True

    def wake(self, verdict: VerdictMessage | None = None) -> None:
        """Something is new: the state, or a verdict as well."""
        if verdict is not None:
            self.verdicts.append(verdict)
        else:
            self.stale = True
        self._news.set()

    async def wait(self) -> None:
        """Until there is news, or it is time to look at the clock again."""
        # Not wait_for: on Python 3.11 it may swallow a cancellation that comes with the news.
        with suppress(TimeoutError):
            async with asyncio.timeout(REFRESH_S):
                await self._news.wait()
        if not self._news.is_set():
            self.stale = True
        self._news.clear()


class Watchers:
    """All open pages."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._pages: dict[str, set[Page]] = {}
        self._closed = False

    @property
    def count(self) -> int:
        """Open pages."""
        return sum(len(pages) for pages in self._pages.values())

    def check(self) -> None:
        """Whether one more page may be opened.

        Raises:
            TooManyWatchersError: No.
        """
        if self.count >= self._most:
            raise TooManyWatchersError(self._most)

    async def watch(self, station: str) -> AsyncGenerator[Page]:
        """The page each time that there is news for it; the first time at once."""
        page = Page()
        self._pages.setdefault(station, set()).add(page)
        try:
            yield page
            while not self._closed:
                await page.wait()
                yield page
        finally:
            self._pages[station].discard(page)

    def close(self) -> None:
        """The agent stops: every page's stream ends."""
        self._closed = True
        self.tell({""})

    def tell(self, stations: set[str]) -> None:
        """These stations have news; the edge itself concerns all."""
        for station, pages in self._pages.items():
            if station in stations or "" in stations:
                for page in pages:
                    page.wake()

    def verdict(self, station: str, message: VerdictMessage) -> None:
        """Show the answer to a scan on every page of the station."""
        for page in self._pages.get(station, ()):
            page.wake(message)
