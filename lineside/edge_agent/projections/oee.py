"""Live figures of every station of this edge: the KPI model following the journal.

Ask it for a window of a shift, for the running shift with its bar and its stops, or for an order.
It holds the facts of the last days in memory, of a busy edge fewer days; older windows are
central's to answer. After a start many facts are loaded beside the work: until they are here, the
time that they tell of is shown as unknown.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import msgspec
import structlog
import zstandard

from lineside.contracts.calendar import Interval, Shift, named_occurrence, shift_at
from lineside.contracts.clock import US_PER_SECOND, Microseconds
from lineside.contracts.commands import Calendar
from lineside.contracts.kpi import (
    Job,
    KpiInputError,
    LiveFigures,
    OrderResult,
    Segment,
    Settings,
    Stop,
    Window,
    WindowResult,
    from_event,
)
from lineside.contracts.kpi.facts import AnyFact
from lineside.edge_agent.journal.records import StoredEvent

KEEP_US = 8 * 86_400 * US_PER_SECOND
FORGET_STEP_US = 86_400 * US_PER_SECOND
FACTS_MAX = 500_000
"""With more facts than that only the time that a running shift needs is kept."""
KEEP_CROWDED_US = 16 * 3_600 * US_PER_SECOND
FORGET_STEP_CROWDED_US = 4 * 3_600 * US_PER_SECOND
IDENTITIES_CROWDED_US = 7 * 86_400 * US_PER_SECOND
CHUNK_FACTS = 5_000
LOADED_AT_ONCE = 4 * CHUNK_FACTS
LOAD_PAUSE_S = 0.005  # between two chunks: scans come first
ZSTD_FRAME = b"\x28\xb5\x2f\xfd"  # how a snapshot from before chunks begins
FORGET_AFTER_EVENTS = 500
"""Events that must agree on what day it is: one wrong clock must not make the figures forget."""

log = structlog.get_logger("edge.figures")


class _Snapshot(msgspec.Struct, array_like=True):
    """State between two events; the facts are packed in chunks, in the order in which they came."""

    seq: int
    refused: int
    forgotten_before: Microseconds
    next_horizon: Microseconds | None
    beyond: int
    held: int
    chunks: list[bytes]


class _WholeSnapshot(msgspec.Struct, array_like=True):
    """As it was before chunks."""

    seq: int
    refused: int
    forgotten_before: Microseconds
    next_horizon: Microseconds | None
    beyond: int
    facts: list[AnyFact]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Snapshot)
_whole_decoder = msgspec.msgpack.Decoder(_WholeSnapshot)
_facts_decoder = msgspec.msgpack.Decoder(list[AnyFact])


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentShift:
    """The running shift of a station up to now.

    Attributes:
        window: From the shift's start to now.
        segments: The classified time, for a shift bar.
        stops: Delay, micro-stops left out; `unexplained` are those that nobody gave a reason for.
        seq: Last journal event that the figures know.
    """

    shift: Shift
    window: Window
    result: WindowResult
    segments: list[Segment]
    stops: list[Stop]
    seq: int

    @property
    def unexplained(self) -> list[Stop]:
        """Stops without a reason, oldest first."""
        return [stop for stop in self.stops if not stop.reason]


class OeeProjection:
    """A projection of the journal and the questions that it answers; safe across threads."""

    name = "oee"
    version = 1

    def __init__(
        self,
        *,
        calendar: Calendar | None = None,
        edge: str = "",
        keep_us: Microseconds | None = KEEP_US,
    ) -> None:
        """Begin empty.

        Args:
            calendar: Shifts and micro-stop rule; until there is one, only windows given as such
                work.
            edge: Whose journal it is.
            keep_us: How far back facts stay in memory; None: all.
        """
        self._edge = edge
        self._keep_us = keep_us
        self._lock = threading.RLock()
        self._calendar = calendar
        self._figures = LiveFigures(self._settings())
        self._seq = 0
        self._next_horizon: Microseconds | None = None
        self._beyond = 0
        self._held = 0
        self._chunks: list[bytes] = []
        self._fresh: list[AnyFact] = []  # since the last chunk
        self._arrived: list[AnyFact] = []  # while older ones are loaded
        self._loading: threading.Thread | None = None
        self.refused = 0

    def _settings(self) -> Settings:
        return Settings() if self._calendar is None else Settings.of(self._calendar)

    @property
    def calendar(self) -> Calendar | None:
        """The calendar in force."""
        return self._calendar

    @property
    def seq(self) -> int:
        """The last event that the figures know."""
        return self._seq

    def set_calendar(self, calendar: Calendar) -> None:
        """Another calendar applies, to the past as well."""
        with self._lock:
            self._calendar = calendar
            self._figures.change_settings(self._settings())

    def apply(self, stored: StoredEvent) -> None:
        """Take one event in; one that was taken in before changes nothing.

        An event that says nothing a figure can use is counted in `refused` and told in the log.
        """
        with self._lock:
            if stored.seq <= self._seq:
                return
            try:
                facts = from_event(stored.event, seq=stored.seq, edge=self._edge)
            except KpiInputError as problem:
                self.refused += 1
                log.warning("event_not_usable", seq=stored.seq, why=str(problem))
                facts = []
            for fact in facts:
                self._figures.add(fact)
            self._fresh += facts
            self._held += len(facts)
            if self._loading is not None:
                self._arrived += facts
            self._seq = stored.seq
            self._forget(stored.event.recorded_at)

    def _forget(self, known_at: Microseconds) -> None:
        """Let go of old facts, a day at a time, once enough events are that much younger."""
        if self._keep_us is None or self._loading is not None:
            return
        if self._next_horizon is None:
            self._next_horizon = known_at - self._keep_us + FORGET_STEP_US
        crowded = self._held > FACTS_MAX
        keep_us = min(self._keep_us, KEEP_CROWDED_US) if crowded else self._keep_us
        self._beyond += known_at - keep_us >= self._next_horizon
        if self._beyond < FORGET_AFTER_EVENTS:
            return
        if crowded:
            # A piece that is inspected again after so long counts as new here, not at central.
            self._figures.forget_before(self._next_horizon, identities_us=IDENTITIES_CROWDED_US)
        else:
            self._figures.forget_before(self._next_horizon)
        self._next_horizon += FORGET_STEP_CROWDED_US if crowded else FORGET_STEP_US
        self._beyond = 0
        self._chunks, self._fresh = [], self._figures.facts()
        self._held = len(self._fresh)

    def snapshot(self) -> bytes:
        """The whole state as bytes; the calendar is a setting and no part of it.

        What was packed for an earlier snapshot is not packed again.
        """
        with self._lock:
            full = len(self._fresh) // CHUNK_FACTS * CHUNK_FACTS
            self._chunks += [
                _packed(self._fresh[at : at + CHUNK_FACTS]) for at in range(0, full, CHUNK_FACTS)
            ]
            del self._fresh[:full]
            state = _Snapshot(
                self._seq,
                self.refused,
                self._figures.forgotten_before,
                self._next_horizon,
                self._beyond,
                self._held,
                [*self._chunks, _packed(self._fresh)],
            )
            return _encoder.encode(state)

    def restore(self, snapshot: bytes | None) -> None:
        """Take a state over; None: begin empty. More than a few facts come in beside the work."""
        with self._lock:
            self._figures = LiveFigures(self._settings())
            self._seq = self.refused = self._beyond = self._held = 0
            self._next_horizon, self._loading = None, None
            self._chunks, self._fresh, self._arrived = [], [], []
            if snapshot is None:
                return
            state = _decoded(snapshot)
            *self._chunks, last = state.chunks
            self._fresh = _unpacked(last)
            self._figures.forgotten_before = state.forgotten_before
            self._seq, self.refused = state.seq, state.refused
            self._next_horizon, self._beyond = state.next_horizon, state.beyond
            self._held = state.held
            if state.held <= LOADED_AT_ONCE:
                for chunk in state.chunks:
                    for fact in _unpacked(chunk):
                        self._figures.add(fact)
                return
            self._loading = threading.Thread(
                target=self._load, args=(state,), name="load figures", daemon=True
            )
            self._loading.start()

    def _load(self, state: _Snapshot) -> None:
        figures = LiveFigures(self._settings())
        pause = threading.Event()
        for chunk in state.chunks:
            for fact in _unpacked(chunk):
                figures.add(fact)
            pause.wait(LOAD_PAUSE_S)
        with self._lock:
            if self._loading is not threading.current_thread():
                return  # another state was taken over in the meantime
            for fact in self._arrived:
                figures.add(fact)
            figures.change_settings(self._settings())
            figures.forgotten_before = state.forgotten_before
            self._figures, self._arrived, self._loading = figures, [], None
        log.info("figures_loaded", facts=state.held)

    def loaded(self, within_s: float) -> bool:
        """Wait until all facts of the last state are here; False: not within so many seconds."""
        loading = self._loading
        if loading is not None:
            loading.join(within_s)
        return self._loading is None

    def stations(self) -> list[str]:
        """Stations of which there are facts."""
        with self._lock:
            return sorted(name for name in self._figures.units if name)

    def shift_window(
        self, station: str, shift: str, day: date, *, clip: Interval | None = None
    ) -> Window:
        """The window of a shift occurrence by its id and the local date of its start.

        Raises:
            CalendarError: There is no such shift.
        """
        calendar = self._calendar
        if calendar is None:
            calendar = Calendar(time_zone="UTC", shifts=())
        return Window.of_shift(station, named_occurrence(calendar, shift, day), clip)

    def window(
        self,
        station: str,
        shift: str,
        day: date,
        *,
        as_of: Microseconds | None = None,
        clip: Interval | None = None,
    ) -> WindowResult:
        """Figures of a shift of a station.

        Args:
            station: Its id.
            shift: Id of the shift's rule.
            day: Local date on which it started.
            as_of: As known then (R1); None: now. "As first reported" is the shift's end.
            clip: Narrows the window, microseconds UTC.

        Raises:
            CalendarError: There is no such shift.
            KpiHistoryError: It lies further back than facts are kept here.
        """
        return self.result(self.shift_window(station, shift, day, clip=clip), as_of=as_of)

    def result(self, window: Window, *, as_of: Microseconds | None = None) -> WindowResult:
        """Figures of any window."""
        with self._lock:
            return self._figures.window(window, as_of)

    def order(
        self,
        job: Job,
        windows: Sequence[tuple[Window, Microseconds | None]],
        *,
        as_of: Microseconds | None = None,
    ) -> OrderResult:
        """Figures of an order over windows (R22)."""
        with self._lock:
            return self._figures.order(job, windows, as_of)

    def current(self, station: str, now: Microseconds) -> CurrentShift | None:
        """The running shift of a station from its start to now; None between shifts."""
        with self._lock:
            shift = None if self._calendar is None else shift_at(self._calendar, now)
            if shift is None:
                return None
            window = Window.of_shift(station, shift, (shift.start_us, now))
            return CurrentShift(
                shift=shift,
                window=window,
                result=self._figures.window(window),
                segments=self._figures.segments(window),
                stops=self._figures.stops(window),
                seq=self._seq,
            )


def _packed(facts: list[AnyFact]) -> bytes:
    return zstandard.ZstdCompressor(level=1).compress(_encoder.encode(facts))


def _unpacked(chunk: bytes) -> list[AnyFact]:
    return _facts_decoder.decode(zstandard.ZstdDecompressor().decompress(chunk))


def _decoded(snapshot: bytes) -> _Snapshot:
    if not snapshot.startswith(ZSTD_FRAME):
        return _decoder.decode(snapshot)
    whole = _whole_decoder.decode(zstandard.ZstdDecompressor().decompress(snapshot))
    return _Snapshot(
        whole.seq,
        whole.refused,
        whole.forgotten_before,
        whole.next_horizon,
        whole.beyond,
        len(whole.facts),
        [
            _packed(whole.facts[at : at + CHUNK_FACTS])
            for at in range(0, len(whole.facts) or 1, CHUNK_FACTS)
        ],
    )
