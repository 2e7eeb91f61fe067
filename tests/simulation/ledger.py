"""What an edge has really committed and booked, kept beside it and compared with the truth."""

from __future__ import annotations

import hashlib
from collections import Counter
from copy import copy
from dataclasses import dataclass, field, fields
from typing import Any

from lineside.contracts.errors import InvalidMessageError
from lineside.contracts.events import CounterRead, GapFound, PieceCompleted
from lineside.edge_agent.journal.records import StoredEvent
from lineside.edge_agent.journal.store import Journal

from .plant import COUNTERS, Truth

AnyCounter = tuple[str, str]
DIGEST_BYTES = 8
_LOOKED_AT = (b'"counter_read"', b'"piece_completed"', b'"act":', b'"gap_found"')
FLAGGED = frozenset({"over_gap", "clock_unsure"})


class InvariantError(AssertionError):
    """The simulation found something that must never be.

    Attributes:
        invariant: I1 to I7, or a word for what else went wrong.
    """

    def __init__(self, invariant: str, text: str) -> None:
        super().__init__(f"{invariant}: {text}")
        self.invariant = invariant


def _readable(item: StoredEvent) -> Any:
    try:
        return item.event
    except InvalidMessageError:
        return None  # poison is a fact like any other, and nobody's piece


def digest(data: bytes) -> bytes:
    """Short fingerprint of an event's bytes."""
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).digest()


@dataclass(frozen=True, slots=True)
class Booked:
    """How far a counter is booked.

    Attributes:
        truth: Of the last reading that stands in the journal.
        clock_steps: How often the edge's clock had been set by then.
        doubtful: That reading had an anomaly; the next may set right what it got wrong.
    """

    truth: Truth
    clock_steps: int
    doubtful: bool = False


@dataclass(slots=True)
class Ledger:
    """Of one journal; copied with the disk, so that a rolled back disk rolls it back as well.

    Attributes:
        facts: Fingerprint of every committed fact by (epoch, seq).
        audited: Last number looked at.
        booked: By (station, counter).
        shown: Truth of the batch that the edge has in its hands, by (station, counter).
        sums: Pieces booked; declared: truth that a flag stands for instead, both by counter.
        pieces: Pieces booked by their sequence number.
    """

    facts: dict[tuple[str, int], bytes] = field(default_factory=dict[tuple[str, int], bytes])
    audited: int = 0
    epoch: str = ""
    booked: dict[AnyCounter, Booked] = field(default_factory=dict[AnyCounter, Booked])
    shown: dict[AnyCounter, Truth] = field(default_factory=dict[AnyCounter, Truth])
    clock_steps: int = 0
    began: dict[AnyCounter, int] = field(default_factory=dict[AnyCounter, int])
    sums: Counter[AnyCounter] = field(default_factory=Counter[AnyCounter])
    declared: Counter[AnyCounter] = field(default_factory=Counter[AnyCounter])
    flagged: Counter[str] = field(default_factory=Counter[str])
    pieces: Counter[int] = field(default_factory=Counter[int])
    missing: int = 0
    restarts: int = 0
    acts: Counter[str] = field(default_factory=Counter[str])

    def copy(self) -> Ledger:
        """As the disk is copied; what stands in the tables is never changed in place."""
        return Ledger(
            **{
                part.name: copy(getattr(self, part.name))  # tables are copied, numbers are numbers
                for part in fields(self)
            }
        )

    def show(self, truth: dict[str, Truth], clock_steps: int) -> None:
        """A batch goes to the edge, whose clock was set so often."""
        self.shown = {COUNTERS[signal]: value for signal, value in truth.items()}
        self.clock_steps = clock_steps

    def audit(self, journal: Journal) -> list[bytes]:
        """Look at what was committed since the last time.

        Returns:
            The new facts' bytes.

        Raises:
            InvariantError: A piece is booked twice or not at all, an act twice.
        """
        self._follow_epoch(journal)
        new: list[bytes] = []
        while True:
            stored = journal.read(self.audited, 5_000)
            if not stored:
                break
            readings: dict[AnyCounter, list[CounterRead]] = {}
            for item in stored:
                if item.seq != self.audited + 1:
                    raise InvariantError("I3", f"the journal has a hole before {item.seq}")
                self.audited = item.seq
                self.facts[self.epoch, item.seq] = digest(item.data)
                new.append(item.data)
                event = _readable(item) if any(word in item.data for word in _LOOKED_AT) else None
                if isinstance(event, CounterRead):
                    readings.setdefault((event.station, event.counter), []).append(event)
                elif event is not None:
                    self._piece_or_act(event)
                    self._gap(event)
            for counter, events in readings.items():
                self._counter(counter, events)
        if self.audited != journal.head():
            raise InvariantError("I3", f"head {journal.head()}, readable to {self.audited}")
        return new

    def _follow_epoch(self, journal: Journal) -> None:
        if journal.epoch == self.epoch:
            return
        if self.epoch:  # facts after the base keep numbers and bytes under the new epoch
            for seq in range(journal.epoch_base + 1, self.audited + 1):
                self.facts[journal.epoch, seq] = self.facts[self.epoch, seq]
        self.epoch = journal.epoch

    def _piece_or_act(self, event: Any) -> None:
        if isinstance(event, PieceCompleted):
            self.pieces[event.sequence] += 1
        if event.act is not None:
            self.acts[event.act.id] += 1
            if self.acts[event.act.id] > event.act.size:
                raise InvariantError("I2", f"act {event.act.id} is booked twice")

    def _gap(self, event: Any) -> None:
        if isinstance(event, GapFound) and event.signal == "piece":
            self.missing += event.missing or 0
            self.restarts += event.missing is None

    def _counter(self, counter: AnyCounter, events: list[CounterRead]) -> None:
        """The increments of one batch against what was really made since the last one."""
        shown = self.shown.get(counter)
        if shown is None:
            raise InvariantError("I7", f"{counter} was booked and never shown")
        before = self.booked.get(counter)
        doubtful = any(event.anomaly in {"reset", "implausible", "glitch"} for event in events)
        self.booked[counter] = Booked(shown, self.clock_steps, doubtful)
        if before is None:
            self.began[counter] = shown[0]
            return
        made = shown[0] - before.truth[0]
        booked = sum(event.increment for event in events)
        if any(event.increment < 0 for event in events):
            raise InvariantError("I7", f"{counter} was booked with a negative increment")
        self.sums[counter] += booked
        if made == booked:
            return
        anomalies = {event.anomaly for event in events} - {""}
        flags = {flag for event in events for flag in event.flags} & FLAGGED
        if not anomalies and not flags and not before.doubtful:
            if shown[1] != before.truth[1]:
                # Set to a value that it might have counted to: nobody can see that.
                self.declared[counter] += made - booked
                self.flagged["not visible"] += 1
                return
            raise InvariantError(
                "I7",
                f"{counter}: {made} were made, {booked} booked, and nothing says so: {events}",
            )
        if before.clock_steps != self.clock_steps:
            anomalies = {f"{name} after a clock step" for name in anomalies} or {"clock step"}
        elif shown[1] == before.truth[1] and not before.doubtful:
            raise InvariantError(
                "I7",
                f"{counter}: {made} were made, {booked} booked ({anomalies or flags}),"
                f" though nothing was wrong with the counter: {events}",
            )
        self.declared[counter] += made - booked
        self.flagged.update(anomalies or flags or {"after an anomaly"})

    def check_sums(self) -> None:
        """Everything made is booked or declared.

        Raises:
            InvariantError: It does not add up.
        """
        for counter, booked in self.booked.items():
            made = booked.truth[0] - self.began[counter]
            if self.sums[counter] + self.declared[counter] != made:
                raise InvariantError("I7", f"{counter}: {made} made, {self.sums[counter]} booked")
