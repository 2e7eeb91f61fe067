"""The part-complete handshake: data and sequence number are read, committed, then acknowledged.

Every piece is booked once: what is booked is known by its sequence number, which the journal keeps
in the transaction of the piece's event. A number that jumps is a hole, and is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from lineside.contracts.events import GapFound, PieceCompleted
from lineside.contracts.samples import Quality, SignalSample, SignalValue
from lineside.edge_agent.config import StationSection, TriggerSection
from lineside.edge_agent.interpretation.shapes import (
    At,
    Draft,
    Shown,
    TriggerMark,
    Write,
    as_count,
    as_text,
)

# A number that fell by more than this went round; less, and the device began anew.
ROUND_TRIP_MAX = 1_000
Timeline = Mapping[tuple[str, str], Sequence[Shown]]


class TriggerReader:
    """Follows one trigger of one station."""

    def __init__(self, station: StationSection, section: TriggerSection) -> None:
        self.section = section
        self.key = station.located(section.sequence)
        self._acknowledge = station.located(section.acknowledge) if section.acknowledge else None
        self._good = station.located(section.good) if section.good else None
        self._serial = station.located(section.serial) if section.serial else None
        self._parameters = tuple(
            (_short(station.id, name), station.located(name)) for name in section.parameters
        )
        self.baseline = f"trigger:{station.id}/{section.name}"
        self.captured = {key for _, key in self._parameters} | {
            key for key in (self._good, self._serial, self._acknowledge) if key is not None
        }

    def lost(self, draft: Draft) -> None:
        """The device went away: whether it heard the last acknowledgement is not known."""
        if self.section.name in draft.memory.triggers:
            draft.remember(confirm=draft.memory.confirm | {self.section.name})

    def read(self, draft: Draft, sample: SignalSample, at: At, timeline: Timeline) -> None:
        """Take one sample of the sequence number."""
        if sample.quality is not Quality.GOOD:
            return
        number = as_count(sample.value)
        if number is None or number < 0:
            self._odd(draft, at, f"{self.section.sequence} shows {as_text(sample.value)[:40]!r}")
            return
        mark = draft.memory.triggers.get(self.section.name)
        if mark is None:
            self._first(draft, number, at, timeline)
        elif number == mark.sequence:
            if sample.initial or self.section.name in draft.memory.confirm:
                self._confirm(draft, number)
        else:
            self._next(draft, mark.sequence, number, at, timeline)

    def _first(self, draft: Draft, number: int, at: At, timeline: Timeline) -> None:
        # Nobody has followed this trigger before. A number that waits for its acknowledgement is a
        # piece that nobody has booked; any other number is a baseline.
        waiting = self._acknowledge is not None and number > 0
        shown = self._acknowledged(draft, timeline)
        if waiting and shown is not None and as_count(shown) not in (None, number):
            self._book(draft, number, at, timeline)
            return
        self._mark(draft, number, at)
        if waiting and shown is None:
            self._confirm(draft, number)

    def _next(self, draft: Draft, before: int, number: int, at: At, timeline: Timeline) -> None:
        ahead = (number - before) % self.section.modulus
        if number < before and ahead > ROUND_TRIP_MAX:
            self._gap(draft, before, number, at)
            if number == 0:
                self._mark(draft, number, at)
                return
        else:
            # Devices that never show 0 go from the modulus' last number to 1.
            missing = ahead - 1 - (1 if number < before and number > 0 else 0)
            if missing > 0:
                self._gap(draft, before, number, at, missing=missing)
        self._book(draft, number, at, timeline)

    def _book(self, draft: Draft, number: int, at: At, timeline: Timeline) -> None:
        good = self._shown(draft, self._good, at, timeline)
        parameters = {
            name: as_text(shown)
            for name, key in self._parameters
            if (shown := self._shown(draft, key, at, timeline)) is not None
        }
        serial = self._shown(draft, self._serial, at, timeline)
        if serial is not None and as_text(serial):
            parameters["serial"] = as_text(serial)
        draft.tell(
            PieceCompleted,
            at,
            trigger=self.section.name,
            sequence=number,
            good=None if good is None else as_text(good) not in {"", "0", "false"},
            parameters=parameters,
            jobs=draft.context.jobs,
            used=draft.context.used,
        )
        self._mark(draft, number, at)
        self._confirm(draft, number)

    def _gap(
        self, draft: Draft, before: int, number: int, at: At, *, missing: int | None = None
    ) -> None:
        mark = draft.memory.triggers[self.section.name]
        draft.tell(
            GapFound,
            At(min(mark.at, at.us), at.source),
            occurred_until=at.us,
            device=self.key[0],
            signal=self.section.name,
            missing=missing,
            detail=(
                f"{missing} piece(s) between {before} and {number} were never shown."
                if missing is not None
                else f"The sequence began anew: {number} after {before}."
            ),
            jobs=draft.context.jobs,
        )

    def _odd(self, draft: Draft, at: At, detail: str) -> None:
        if self.baseline in draft.memory.unsure:
            return
        draft.remember(unsure=draft.memory.unsure | {self.baseline})
        draft.tell(GapFound, at, device=self.key[0], signal=self.section.name, detail=f"{detail}.")

    def _mark(self, draft: Draft, number: int, at: At) -> None:
        mark = TriggerMark(sequence=number, at=at.us)
        draft.memory.triggers[self.section.name] = mark
        draft.baselines[self.baseline] = msgspec.json.encode(mark)
        draft.remember(unsure=draft.memory.unsure - {self.baseline})

    def _confirm(self, draft: Draft, number: int) -> None:
        draft.remember(confirm=draft.memory.confirm - {self.section.name})
        if self._acknowledge is not None:
            device, signal = self._acknowledge
            draft.writes.append(Write(device=device, signal=signal, value=number))

    def _acknowledged(self, draft: Draft, timeline: Timeline) -> SignalValue:
        """What the device holds as acknowledged, where it can be read."""
        if self._acknowledge is None:
            return None
        if in_batch := timeline.get(self._acknowledge):
            return in_batch[-1].value
        shown = draft.memory.values.get(self._acknowledge)
        return None if shown is None else shown.value

    def _shown(
        self, draft: Draft, key: tuple[str, str] | None, at: At, timeline: Timeline
    ) -> SignalValue:
        """The value that stood when the piece was complete: in this batch, else from before."""
        if key is None:
            return None
        in_batch = timeline.get(key, ())
        earlier = [shown for shown in in_batch if shown.at <= at.us]
        if earlier:
            return earlier[-1].value
        shown = draft.memory.values.get(key)
        return None if shown is None else shown.value


def _short(station: str, name: str) -> str:
    """A parameter's name without its device, and without the station where signals carry it."""
    return name.rpartition("/")[2].removeprefix(f"{station}.")
