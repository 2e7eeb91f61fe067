"""One station's share of acquisition: batches to its interpreter, facts to the recorder."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from lineside.contracts.clock import Clock, Microseconds
from lineside.contracts.events import Event
from lineside.contracts.samples import Reading
from lineside.edge_agent.acquisition.staleness import Staleness
from lineside.edge_agent.errors import ProjectionsBehindError
from lineside.edge_agent.interpretation.interpreter import Interpreter
from lineside.edge_agent.interpretation.shapes import (
    Context,
    Memory,
    Outcome,
    Weighing,
    Write,
)
from lineside.edge_agent.journal.errors import JournalBusyError, JournalFullError
from lineside.edge_agent.recorder import Recorder

RETRY_S = 1.0
log = structlog.get_logger("edge.acquisition")

ContextOf = Callable[[str], Context]
Extend = Callable[[str, tuple[Event, ...]], tuple[Event, ...]]
Weigh = Callable[[str, Weighing, str], Awaitable[bool]]


class StationLine:
    """Feeds one interpreter and commits what it says.

    What the interpreter remembers counts only after the commit. When the disk is full the same
    batch is fed again until it is taken; meanwhile the device is not asked for more.
    """

    def __init__(
        self,
        interpreter: Interpreter,
        recorder: Recorder,
        *,
        clock: Clock,
        context: ContextOf,
        extend: Extend,
        weigh: Weigh,
    ) -> None:
        """Begin with an empty memory.

        Args:
            interpreter: Of this station.
            recorder: Commits.
            clock: Business time.
            context: Orders and calendar of a station at this moment.
            extend: What facts of a machine mean for pieces in work; committed with them.
            weigh: Decides on a load with the id of its act; False: nothing can be recorded now.
        """
        self.station = interpreter.station.id
        self.devices = interpreter.devices
        self._interpreter = interpreter
        self._staleness = Staleness(interpreter.station)
        self._recorder = recorder
        self._clock = clock
        self._context = context
        self._extend = extend
        self._weigh = weigh
        self._memory = Memory()
        self._ended = False

    @property
    def marks(self) -> dict[str, tuple[str, str]]:
        """Names of the marks that this line keeps in the journal, with the signal behind each."""
        return self._interpreter.marks

    async def end(self) -> None:
        """Take nothing more: what is being committed is committed, whatever comes is dropped."""
        self._ended = True
        async with self._recorder.lock(self.station):
            pass

    async def forget(self) -> None:
        """The station is not read any more: its state is unknown from now on."""
        now = self._clock.now()
        async with self._recorder.lock(self.station):
            outcome = self._interpreter.unwatched(self._memory, now, now)
            if not outcome.empty:
                await self._recorder.record(outcome.events)

    async def begin(self, baselines: Mapping[str, bytes], alive: Microseconds | None) -> None:
        """Take the marks of the journal over, and say that nobody watched since `alive`."""
        self._memory = self._interpreter.begin({k: v for k, v in baselines.items() if v})
        now = self._clock.now()
        since = now if alive is None or alive > now else alive
        async with self._recorder.lock(self.station):
            outcome = self._interpreter.unwatched(self._memory, since, now)
            if not outcome.empty:
                await self._recorder.record(outcome.events)
            self._memory = outcome.memory

    async def take(self, device: str, readings: Sequence[Reading]) -> tuple[Write, ...]:
        """Commit what a batch means; the writes that a device waits for.

        Raises:
            JournalFailedError: The journal is stopped.
        """
        judged = self._staleness.judge(device, readings, self._clock.monotonic())
        while True:
            async with self._recorder.lock(self.station):
                if self._ended:
                    return ()
                outcome = self._interpreter.feed(
                    self._memory,
                    device,
                    judged,
                    now=self._clock.now(),
                    context=self._context(self.station),
                )
                committed = await self._commit(outcome)
            if committed:
                await self._weigh_all(outcome.weighings)
                return outcome.writes
            await self._clock.sleep(RETRY_S)

    async def _weigh_all(self, weighings: Sequence[Weighing]) -> None:
        for weighing in weighings:
            act = uuid.uuid4().hex  # one id, however often it is tried
            while not self._ended and not await self._weigh(self.station, weighing, act):
                await self._clock.sleep(RETRY_S)

    async def _commit(self, outcome: Outcome) -> bool:
        if outcome.empty:
            self._memory = outcome.memory
            return True
        try:
            self._recorder.require_current()
            events = self._extend(self.station, outcome.events)
            await self._recorder.record(events, baselines=outcome.baselines)
        except (JournalFullError, JournalBusyError, ProjectionsBehindError) as problem:
            log.warning("facts_wait", station=self.station, why=str(problem))
            return False
        self._memory = outcome.memory
        return True
