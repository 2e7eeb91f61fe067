"""The only way into the journal: facts and acts are stamped, committed, followed.

After the commit the projections are caught up and the watchers of the stations are told, so that
what a caller reads next knows what it has just recorded.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import msgspec
import structlog

from lineside.contracts.clock import Microseconds
from lineside.contracts.errors import LinesideError
from lineside.contracts.events import Event, ScanRefused
from lineside.edge_agent.errors import ProjectionsBehindError
from lineside.edge_agent.host import PlantClock
from lineside.edge_agent.journal.records import Appended
from lineside.edge_agent.journal.store import Journal

REPLAYED = "replayed"
CLOCK_UNSURE = "clock_unsure"
LOOK_BACK_EVENTS = 5_000
log = structlog.get_logger("edge.recorder")


def _believed(journal: Journal) -> Microseconds:
    """When the last fact was recorded whose time is not in doubt; 0 where there is none."""
    head = journal.head()
    for stored in reversed(journal.read(max(0, head - LOOK_BACK_EVENTS), LOOK_BACK_EVENTS)):
        try:
            event = stored.event
        except LinesideError:
            continue
        if CLOCK_UNSURE not in event.flags:
            return event.recorded_at
    return 0


class Recorder:
    """Writes events and lets the projections follow.

    One lock a station keeps a decision and its commit together: whoever decides on what stands at a
    station holds its lock until the projections know the result. Different stations share commits.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        clock: PlantClock,
        follow: Callable[[], int],
        changed: Callable[[set[str]], None],
        simulation: bool = False,
    ) -> None:
        """Begin.

        Args:
            journal: Open.
            clock: Business time for `recorded_at`.
            follow: Catches the projections up.
            changed: Told which stations have news, after each commit; empty text: the edge itself.
            simulation: Every event is marked `replayed`.
        """
        self._journal = journal
        self._clock = clock
        self._follow = follow
        self._changed = changed
        self._simulation = simulation
        if not simulation:
            clock.believe(_believed(journal))
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._behind = ""
        self.problem: LinesideError | None = None
        self.recorded = self.refused_scans = 0

    def lock(self, station: str) -> asyncio.Lock:
        """Held from decision to commit; empty text: the edge itself."""
        return self._locks[station]

    async def record(
        self,
        events: Sequence[Event],
        *,
        baselines: Mapping[str, bytes] | None = None,
        answer: bytes | None = None,
    ) -> Appended:
        """Commit events with what belongs to them, and come back when everything knows them.

        Args:
            events: In order; those of an act carry it.
            baselines: Marks that the journal keeps in the same transaction.
            answer: What whoever sends the act again gets.

        Raises:
            JournalFullError, JournalBusyError: Nothing is stored; try again later.
            JournalFailedError: The journal is stopped.
        """
        unsure = self._clock.unsure()
        now = self._clock.now()
        stamped = [self._stamp(event, now, unsure=unsure) for event in events]
        try:
            appended = await self._journal.append_async(stamped, baselines=baselines, answer=answer)
        except LinesideError as problem:
            self.problem = problem
            raise
        self.problem = None
        self.recorded += len(stamped)
        self.refused_scans += sum(isinstance(event, ScanRefused) for event in stamped)
        self._catch_up()
        self._changed({event.station for event in stamped})
        return appended

    def require_current(self) -> None:
        """Whoever decides on what stands at a station needs projections that know everything.

        Raises:
            ProjectionsBehindError: They cannot follow now; nothing may be decided on them.
        """
        if self._behind:
            self._catch_up()
        if self._behind:
            raise ProjectionsBehindError(self._behind)

    def _catch_up(self) -> None:
        # What is committed is committed: a cache that cannot follow must not look like a refusal.
        try:
            self._follow()
        except Exception as fault:
            log.exception("projections_behind")
            self._behind = f"{type(fault).__name__}: {fault}"
        else:
            self._behind = ""

    def _stamp(self, event: Event, now: int, *, unsure: bool) -> Event:
        flags = event.flags
        if self._simulation and REPLAYED not in flags:
            flags = tuple(sorted({*flags, REPLAYED}))
        if unsure and CLOCK_UNSURE not in flags:
            flags = tuple(sorted({*flags, CLOCK_UNSURE}))
        if flags == event.flags and event.recorded_at == now:
            return event
        return msgspec.structs.replace(event, recorded_at=now, flags=flags)
