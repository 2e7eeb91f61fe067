"""Signals to machine states (section 6 of the OEE sheet); unknown where nothing is sure."""

from __future__ import annotations

from lineside.contracts.events import MachineState, StateChanged
from lineside.contracts.samples import Quality, SignalSample
from lineside.edge_agent.config import StationSection
from lineside.edge_agent.interpretation.shapes import At, Draft, as_text

RAW_CHARS_MAX = 64


class StateReader:
    """Follows the state of one station."""

    def __init__(self, station: StationSection) -> None:
        assert station.state is not None
        self._section = station.state
        self._map = station.state.states()
        self.key = station.located(station.state.signal)
        self._blocked = station.located(station.state.blocked) if station.state.blocked else None
        self._starved = station.located(station.state.starved) if station.state.starved else None
        self.keys = {self.key, *(key for key in (self._blocked, self._starved) if key)}

    def read(self, draft: Draft, key: tuple[str, str], sample: SignalSample, at: At) -> None:
        """Take one sample of the state signal or of a cause signal.

        An uncertain value is no edge; a bad one means that nobody knows the state.
        """
        if sample.quality is Quality.UNCERTAIN:
            return
        if key != self.key:
            if draft.memory.state is not None and draft.memory.state[0] is MachineState.STOP:
                self._tell(draft, MachineState.STOP, draft.memory.state[2], at)
            return
        if sample.quality is Quality.BAD:
            self.lost(draft, at)
            return
        told_at = draft.memory.state_at
        if sample.initial and told_at is not None and at.us < told_at:
            # Since when it is so lies before our ignorance, which ends now, not before it began.
            at = At(told_at)
        raw = as_text(sample.value)[:RAW_CHARS_MAX]
        self._tell(draft, self._map.get(raw, MachineState.UNKNOWN), raw, at)

    def lost(self, draft: Draft, at: At) -> None:
        """Nobody knows the state from now on."""
        self._tell(draft, MachineState.UNKNOWN, "", at)

    def _tell(self, draft: Draft, state: MachineState, raw: str, at: At) -> None:
        detail = self._cause(draft) if state is MachineState.STOP else ""
        before = draft.memory.state
        if before is not None and before[:2] == (state, detail):
            draft.remember(state=(state, detail, raw))
            return
        draft.remember(state=(state, detail, raw), state_at=at.us)
        draft.tell(StateChanged, at, state=state, detail=detail, raw=raw, jobs=draft.context.jobs)

    def _cause(self, draft: Draft) -> str:
        for key, word in ((self._blocked, "blocked"), (self._starved, "starved")):
            shown = draft.memory.values.get(key) if key else None
            if shown is not None and as_text(shown.value) not in {"", "0", "false"}:
                return word
        return ""
