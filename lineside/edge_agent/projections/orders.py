"""Projection `orders`: who and what is at each station now, and its last entries.

In memory, with a snapshot; a void of the last act brings back the floor that was before it.
"""

from __future__ import annotations

import msgspec

from lineside.contracts import events as ev
from lineside.contracts.clock import Microseconds
from lineside.edge_agent.journal.records import StoredEvent
from lineside.edge_agent.projections.changes import HANDLERS
from lineside.edge_agent.projections.counting import unmarked
from lineside.edge_agent.projections.entries import describe
from lineside.edge_agent.projections.floor import (
    ENTRIES_MAX,
    UNDO_ENTRIES_MAX,
    Entry,
    StationState,
    decode_floor,
    encode_floor,
)


class OrdersState(msgspec.Struct, kw_only=True):
    """The whole state of the projection.

    Attributes:
        devices: Device to (since when it is lost, what was said); those that answer are not in it.
        started_at: When the agent started last.
    """

    stations: dict[str, StationState] = {}
    devices: dict[str, tuple[Microseconds, str]] = {}
    started_at: Microseconds = 0
    gaps: int = 0


class OrdersProjection:
    """Keeps `OrdersState` current."""

    name = "orders"
    version = 2

    def __init__(self) -> None:
        self.state = OrdersState()

    def station(self, station: str) -> StationState:
        """The state of a station; an empty one where nothing happened yet."""
        found = self.state.stations.get(station)
        if found is None:
            found = self.state.stations[station] = StationState(station=station)
        return found

    def snapshot(self) -> bytes:
        """The whole state as bytes."""
        return msgspec.msgpack.encode(self.state)

    def restore(self, snapshot: bytes | None) -> None:
        """Take a state over; None: begin empty."""
        self.state = (
            msgspec.msgpack.decode(snapshot, type=OrdersState) if snapshot else OrdersState()
        )

    def apply(self, stored: StoredEvent) -> None:
        """Take one event in."""
        event = stored.event
        if not event.station:
            self._apply_edge(event)
            return
        station = self.station(event.station)
        if isinstance(event, ev.EventVoided | ev.EventCorrected):
            target = event.voids or event.corrects
            if target is not None:
                _take_back(station, target.seq)
                unmarked(station, target.seq)
        entry = describe(event, stored.seq, topic=_topic(station, event))
        known = _same_act(station, event)
        before = encode_floor(station.floor) if entry is not None or known is not None else b""
        handler = HANDLERS.get(type(event))
        if handler is not None:
            handler(station, event, stored.seq)
        if entry is not None:
            known = _remember(station, entry, known)
        if known is None:
            return
        known.last_seq = stored.seq
        if not known.facts and not isinstance(event, ev.EventVoided | ev.EventCorrected):
            known.facts = stored.seq
        if not known.before and encode_floor(station.floor) != before:
            known.before = before

    def _apply_edge(self, event: ev.Event) -> None:
        match event:
            case ev.DeviceLost():
                self.state.devices[event.device] = (event.occurred_at, event.detail)
            case ev.DeviceBack():
                self.state.devices.pop(event.device, None)
            case ev.AgentStarted():
                self.state.started_at = event.occurred_at
                self.state.devices.clear()
            case ev.GapFound():
                self.state.gaps += 1
            case _:
                pass


def _topic(station: StationState, event: ev.Event) -> str:
    """What a call is about, also where an event names only its id."""
    if not isinstance(event, ev.CallAcknowledged | ev.CallResolved):
        return ""
    call = station.floor.calls.get(event.call)
    if call is None and event.call == "journal.salvaged":
        return event.call  # no call but the banner of that name, which a shift leader acknowledged
    return call.topic if call is not None else ""


def _same_act(station: StationState, event: ev.Event) -> Entry | None:
    if event.act is None or not station.entries:
        return None
    last = station.entries[-1]
    return last if last.act == event.act.id else None


def _remember(station: StationState, entry: Entry, known: Entry | None) -> Entry:
    if known is not None:
        says_more = entry.kind in _HEADLINES or (known.kind in _UNDOS and entry.kind not in _UNDOS)
        if says_more and known.kind not in _HEADLINES:
            known.kind, known.subject, known.params = entry.kind, entry.subject, entry.params
        elif known.verdict != "refused":
            known.params = entry.params | known.params
        known.flags = tuple(sorted({*known.flags, *entry.flags}))
        return known
    station.entries.append(entry)
    if len(station.entries) > ENTRIES_MAX:
        del station.entries[0]
    if len(station.entries) > UNDO_ENTRIES_MAX:
        station.entries[-UNDO_ENTRIES_MAX - 1].before = b""
    return entry


_UNDOS = frozenset({"event_voided", "event_corrected"})
# Kinds that name an act of several events.
_HEADLINES = frozenset(
    {
        "unit_started",
        "unit_finished",
        "order_started",
        "order_finished",
        "component_fitted",
        "material_mounted",
        "serial_assigned",
        "lot_created",
        "label_printed",
        "label_reprinted",
        "put_in_carrier",
        "taken_out_of_carrier",
        "defect_recorded",
        "signed_on",
        "first_piece_released",
        "span_declared",
        "weighed",
        "counter_read",
    }
)


def _take_back(station: StationState, seq: int) -> None:
    """Bring the floor back where nothing else has changed it since."""
    for place, entry in enumerate(station.entries):
        if not entry.seq <= seq <= entry.last_seq or entry.voided:
            continue
        if entry.before and not any(one.changed_floor for one in station.entries[place + 1 :]):
            station.floor = decode_floor(entry.before)
        entry.voided = True
        return
