"""Messages of a subscription to batches of readings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite

from lineside.contracts.clock import Microseconds
from lineside.contracts.samples import DriverNotice, Quality, Reading, SignalSample
from lineside.drivers.opcua import decoding
from lineside.drivers.opcua.decoding import RawValue
from lineside.drivers.opcua.items import Item
from lineside.drivers.opcua.values import INTEGER_RANGES, Meaning, meaning, overflowed

_PLAIN = {
    "": frozenset({decoding.BOOLEAN, decoding.DOUBLE, decoding.STRING, *INTEGER_RANGES}),
    "bool": frozenset({decoding.BOOLEAN}),
    "int": frozenset(INTEGER_RANGES),
    "float": frozenset({decoding.DOUBLE}),
    "text": frozenset({decoding.STRING}),
}
"""Built-in types whose good values are ours as they are, by what the configuration wants."""

RUNNING = 0
STATES = {
    0: "Running",
    1: "Failed",
    2: "NoConfiguration",
    3: "Suspended",
    4: "Shutdown",
    5: "Test",
    6: "CommunicationFault",
    7: "Unknown",
}
"""States of a server (Part 5, ServerState)."""


def in_time_order(values: Sequence[RawValue]) -> Sequence[RawValue]:
    """Order by source time across signals; each signal's own order stays as the server queued it.

    Within a signal the queue is the truth: a device's clock may step back, its queue does not.
    """
    times = [raw.source_at or raw.server_at or 0 for raw in values]
    if times == sorted(times):
        return values
    latest: dict[int, Microseconds] = {}
    keys: list[Microseconds] = []
    for raw, at in zip(values, times, strict=True):
        latest[raw.handle] = key = max(at, latest.get(raw.handle, 0))
        keys.append(key)
    return [values[index] for index in sorted(range(len(values)), key=keys.__getitem__)]


def readings(
    values: Sequence[RawValue],
    items: Mapping[int, Item],
    *,
    read_at: Microseconds,
    sequence: int,
    state: int = RUNNING,
) -> list[Reading]:
    """What one message says.

    Args:
        values: As decoded.
        items: By our handle.
        read_at: When it was taken, microseconds UTC.
        sequence: The message's number.
        state: State of the server; values of one that does not run are void.
    """
    batch: list[Reading] = []
    for raw in in_time_order(values):
        item = items.get(raw.handle)
        if item is None:
            continue
        value, kind = raw.value, raw.kind
        if (
            raw.status
            or state
            or value is None
            or kind not in _PLAIN[item.signal.type]
            or (kind == decoding.DOUBLE and not isfinite(value))
        ):
            _add(batch, item, raw, read_at=read_at, sequence=sequence, state=state)
            continue
        batch.append(
            SignalSample(
                signal=item.signal.name,
                value=value,
                quality=Quality.GOOD,
                read_at=read_at,
                source_at=raw.source_at,
                server_at=raw.server_at,
                status="Good",
                initial=item.fresh,
                sequence=sequence,
            )
        )
        item.fresh = False
        item.last, item.last_at = raw, read_at
        item.heard += 1
    return batch


def _add(
    batch: list[Reading],
    item: Item,
    raw: RawValue,
    *,
    read_at: Microseconds,
    sequence: int,
    state: int,
) -> None:
    """One value of one signal, with a notice before it where something is amiss."""
    found = _void(state) if state != RUNNING else meaning(raw, item.signal.type)
    quality = found.quality
    if found.misfit and not item.misfit_told:
        item.misfit_told = True
        batch.append(signal_error(item, found.misfit, read_at))
    overflow = overflowed(raw.status)
    if overflow:
        batch.append(_gap(item, read_at, "The server's queue ran over, values were lost"))
    sample = SignalSample(
        signal=item.signal.name,
        value=found.value,
        quality=quality,
        read_at=read_at,
        source_at=raw.source_at,
        server_at=raw.server_at,
        status=found.status,
        initial=item.fresh,
        overflow=overflow,
        sequence=sequence,
    )
    if quality is not Quality.BAD:
        item.fresh = False
    item.last, item.last_at = raw, read_at
    item.heard += 1
    batch.append(sample)


def _void(state: int) -> Meaning:
    return Meaning(None, Quality.BAD, f"server state {STATES.get(state, state)}")


def void(items: Iterable[Item], *, read_at: Microseconds, state: int) -> list[Reading]:
    """Every signal's value is void, because the server does not run."""
    status = _void(state).status
    return [
        SignalSample(
            signal=item.signal.name,
            value=None,
            quality=Quality.BAD,
            read_at=read_at,
            status=status,
        )
        for item in items
        if not item.problem
    ]


def full_queues(
    values: Sequence[RawValue], items: Mapping[int, Item], *, read_at: Microseconds
) -> list[Reading]:
    """Gap notices for signals whose queue arrived full although no value says that it ran over.

    Some servers throw values away without marking it. Our queues are twice as long as one cycle
    needs, so a full one means that messages were late; whether it was too short nobody can say.
    """
    counts = Counter(raw.handle for raw in values)
    notices: list[Reading] = []
    for handle, count in counts.items():
        item = items.get(handle)
        if item is not None and 1 < item.queue_size <= count:
            notices.append(
                _gap(
                    item,
                    read_at,
                    f"The server's queue of {item.queue_size} values arrived full and unmarked,"
                    " values may be lost",
                )
            )
    return notices


def _gap(item: Item, read_at: Microseconds, detail: str) -> DriverNotice:
    return DriverNotice(
        kind="gap",
        detail=f"{detail}: {item.signal.name}.",
        read_at=read_at,
        since=item.last_at,
        signal=item.signal.name,
    )


def untold(item: Item, raw: RawValue, *, read_at: Microseconds, gap: bool) -> list[Reading]:
    """A value that was read back because the subscription did not tell it.

    Args:
        item: The signal.
        raw: As read.
        read_at: Now, microseconds UTC.
        gap: The subscription should have told it: say so.
    """
    batch: list[Reading] = []
    if gap:
        batch.append(_gap(item, read_at, "Read-back and subscription differ, changes were missed"))
    item.fresh = True
    _add(batch, item, raw, read_at=read_at, sequence=0, state=RUNNING)
    return batch


def signal_error(item: Item, problem: str, read_at: Microseconds) -> DriverNotice:
    """A notice about one signal that is not as the configuration says."""
    return DriverNotice(
        kind="signal_error",
        detail=f"{item.signal.name}: {problem}.",
        read_at=read_at,
        signal=item.signal.name,
    )
