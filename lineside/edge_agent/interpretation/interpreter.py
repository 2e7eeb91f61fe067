"""Batches of one device to facts of one station. Pure: memory in, memory out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial

import msgspec

from lineside.contracts.clock import US_PER_SECOND, Microseconds
from lineside.contracts.events import MachineState, StateChanged
from lineside.contracts.samples import DriverNotice, Quality, Reading, SignalSample
from lineside.edge_agent.config import AlarmSection, StationSection
from lineside.edge_agent.interpretation.counters import CounterReader
from lineside.edge_agent.interpretation.machine_state import StateReader
from lineside.edge_agent.interpretation.scale import ScaleReader
from lineside.edge_agent.interpretation.shapes import (
    At,
    Context,
    CounterMark,
    Draft,
    Memory,
    Outcome,
    Shown,
    TriggerMark,
    moment,
)
from lineside.edge_agent.interpretation.signals import read_alarm, read_discrete
from lineside.edge_agent.interpretation.triggers import TriggerReader

Key = tuple[str, str]
# After these words of a driver nobody knows what a device did in between.
BROKEN = {"lost", "gap", "restarted"}


Timeline = Mapping[Key, Sequence[Shown]]
Handler = Callable[[Draft, SignalSample, At, Timeline], None]


class Interpreter:
    """Knows what the signals of one station mean."""

    def __init__(self, station: StationSection, *, device_time_window_s: Decimal) -> None:
        self.station = station
        self._window_us = int(device_time_window_s * US_PER_SECOND)
        followed = station.state is not None and station.state_from == "signals"
        self._state = StateReader(station) if followed else None
        self._counters = [CounterReader(station, section) for section in station.counter]
        self._triggers = [TriggerReader(station, section) for section in station.trigger]
        self._scale = ScaleReader(station) if station.scale is not None else None
        self._captured: set[Key] = {key for one in self._triggers for key in one.captured}
        if self._scale is not None:
            self._captured |= self._scale.companions
        self._causes: set[Key] = self._state.keys if self._state is not None else set()
        self._handlers = self._make_handlers()
        located = {station.located(name) for _, name in station.signals()}
        self.devices = {device for device, _ in located}

    def _make_handlers(self) -> dict[Key, list[Handler]]:
        handlers: dict[Key, list[Handler]] = {}

        def add(key: Key, handler: Handler) -> None:
            handlers.setdefault(key, []).append(handler)

        if (state := self._state) is not None:
            for key in state.keys:
                add(key, partial(_read_state, state, key))
        for counter in self._counters:
            add(counter.key, partial(_read_counter, counter))
        for trigger in self._triggers:
            add(trigger.key, trigger.read)
        if self._scale is not None:
            add(self._scale.key, self._scale.read)
        for discrete in self.station.discrete:
            key = self.station.located(discrete.signal)
            add(key, partial(read_discrete, discrete, key))
        for alarm in self.station.alarm:
            key = self.station.located(alarm.signal)
            add(key, partial(_read_alarm, alarm, key))
        return handlers

    @property
    def marks(self) -> dict[str, Key]:
        """Names of the marks in the journal, with the (device, signal) that each was read from."""
        readers = (*self._counters, *self._triggers)
        return {reader.baseline: reader.key for reader in readers}

    def begin(self, baselines: Mapping[str, bytes]) -> Memory:
        """What is remembered when the agent starts: the marks of the journal.

        Everything that a counter shows next was made while nobody watched, and an acknowledgement
        may have been lost between commit and write.
        """
        counters = {
            reader.section.name: msgspec.structs.replace(
                msgspec.json.decode(baselines[reader.baseline], type=CounterMark), outage=True
            )
            for reader in self._counters
            if reader.baseline in baselines
        }
        triggers = {
            reader.section.name: msgspec.json.decode(baselines[reader.baseline], type=TriggerMark)
            for reader in self._triggers
            if reader.baseline in baselines
        }
        return Memory(counters=counters, triggers=triggers, confirm=frozenset(triggers))

    def unwatched(self, memory: Memory, since: Microseconds, now: Microseconds) -> Outcome:
        """The agent did not run from `since` to now: nobody knows the state."""
        draft = Draft(memory, station=self.station.id, now=now, context=Context())
        if self._state is not None:
            self._state.lost(draft, At(since))
        return draft.outcome()

    def feed(
        self,
        memory: Memory,
        device: str,
        readings: Sequence[Reading],
        *,
        now: Microseconds,
        context: Context,
    ) -> Outcome:
        """What a batch of a device means for this station.

        Args:
            memory: What the last committed outcome left.
            device: Id of the device that gave the batch.
            readings: In order.
            now: Time of recording, microseconds UTC.
            context: Orders and calendar.
        """
        draft = Draft(memory, station=self.station.id, now=now, context=context)
        timeline = self._timeline(device, readings)
        for reading in readings:
            if isinstance(reading, SignalSample):
                self._sample(draft, (device, reading.signal), reading, timeline)
            elif isinstance(reading, DriverNotice):
                self._notice(draft, device, reading)
        for key, shown in timeline.items():
            draft.memory.values[key] = shown[-1]
        return draft.outcome()

    def _timeline(self, device: str, readings: Sequence[Reading]) -> dict[Key, list[Shown]]:
        """Good values of captured signals in this batch, in order of time."""
        found: dict[Key, list[Shown]] = {}
        if not self._captured:
            return found
        for reading in readings:
            if not isinstance(reading, SignalSample) or reading.quality is not Quality.GOOD:
                continue
            key = (device, reading.signal)
            if key in self._captured:
                shown = Shown(reading.value, moment(reading, self._window_us).us)
                found.setdefault(key, []).append(shown)
        for values in found.values():
            values.sort(key=lambda shown: shown.at)
        return found

    def _sample(self, draft: Draft, key: Key, sample: SignalSample, timeline: Timeline) -> None:
        at = moment(sample, self._window_us)
        if sample.quality is not Quality.GOOD:
            draft.memory.values.pop(key, None)
        elif key in self._causes:
            draft.memory.values[key] = Shown(sample.value, at.us)
        for handler in self._handlers.get(key, ()):
            handler(draft, sample, at, timeline)

    def _notice(self, draft: Draft, device: str, notice: DriverNotice) -> None:
        since = notice.since if notice.since is not None else notice.read_at
        whole = not notice.signal
        state = self._state
        if state is not None and (
            (notice.kind in BROKEN and whole and state.key[0] == device)
            or (notice.kind in BROKEN | {"signal_error"} and state.key == (device, notice.signal))
        ):
            self._lose_state(draft, state, At(since))
        if notice.kind not in BROKEN:
            return
        for counter in self._counters:
            if counter.key[0] == device and (whole or counter.key[1] == notice.signal):
                counter.lost(draft)
        scale = self._scale
        if (
            scale is not None
            and scale.key[0] == device
            and (whole or scale.key[1] == notice.signal)
        ):
            scale.lost(draft)
        if whole:
            for trigger in self._triggers:
                if trigger.key[0] == device:
                    trigger.lost(draft)
            for key in [key for key in draft.memory.values if key[0] == device]:
                del draft.memory.values[key]

    def _lose_state(self, draft: Draft, state: StateReader, at: At) -> None:
        later = any(
            isinstance(event, StateChanged) and event.occurred_at > at.us for event in draft.events
        )
        if later:
            # A state that was read after the loss stands; what was lost lies before it.
            draft.tell(StateChanged, at, state=MachineState.UNKNOWN)
        else:
            state.lost(draft, at)


def _read_state(
    reader: StateReader, key: Key, draft: Draft, sample: SignalSample, at: At, _: Timeline
) -> None:
    reader.read(draft, key, sample, at)


def _read_counter(
    reader: CounterReader, draft: Draft, sample: SignalSample, at: At, _: Timeline
) -> None:
    reader.read(draft, sample, at)


def _read_alarm(
    section: AlarmSection, key: Key, draft: Draft, sample: SignalSample, at: At, _: Timeline
) -> None:
    read_alarm(draft, section, key, sample, at)
