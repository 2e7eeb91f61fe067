"""What comes on the wire, before it is stored: is it whole, and what can be read of it."""

from __future__ import annotations

import msgspec

from lineside.central.ingest.storage import LaneState, NewEvent
from lineside.contracts.codec import EVENT_BYTES_MAX, decode_event
from lineside.contracts.envelope import BATCH_EVENTS_MAX, Batch, Live
from lineside.contracts.errors import InvalidMessageError, LinesideError

SEQ_MAX = 1 << 62
SCHEMA_MAX = 32_767
TIME_MAX = 1 << 62
STATIONS_MAX, LIVE_FIELDS_MAX, LIVE_TEXT_MAX = 200, 20, 500


class _Header(msgspec.Struct):
    """What is kept of an event whose type is not known here."""

    type: str = ""
    station: str = ""
    occurred_at: int = 0


def malformed(batch: Batch) -> str:
    """Why a batch cannot be taken as it is, whatever is stored; empty: it can."""
    if not batch.groups:
        return "A batch without groups."
    if sum(len(group.events) for group in batch.groups) > BATCH_EVENTS_MAX:
        return f"A batch of more than {BATCH_EVENTS_MAX} events."
    expected = batch.groups[0].first_seq
    for group in batch.groups:
        if not group.events or not 1 <= group.first_seq <= SEQ_MAX:
            return "A group without events or with an impossible number."
        if not 1 <= group.schema <= SCHEMA_MAX:
            return f"Schema {group.schema} is no version."
        if group.first_seq < expected or (batch.lane == "facts" and group.first_seq != expected):
            return "The groups of a batch do not follow each other."
        if any(len(bytes(event)) > EVENT_BYTES_MAX for event in group.events):
            return f"An event of more than {EVENT_BYTES_MAX:,} bytes."
        if batch.lane == "facts" and not (_is_hash(group.previous) and _is_hash(group.hash)):
            return "A hash that is none."
        if batch.lane != "facts" and (group.previous or group.hash):
            return "A hash in a lane without chain."
        expected = group.first_seq + len(group.events)
    return ""


def _is_hash(text: str) -> bool:
    return len(text) == 64 and all(letter in "0123456789abcdef" for letter in text)  # noqa: PLR2004


def new_event(
    state: LaneState, data: bytes, *, seq: int, schema: int, now: int, group_hash: bytes | None
) -> NewEvent:
    """An event as it is stored; one that this program cannot read is marked, not refused."""
    kind, station, occurred_at = "", "", now
    unreadable: tuple[str, str] | None = None
    try:
        event = decode_event(data, schema=schema)
    except LinesideError as problem:
        unreadable = (problem.code, str(problem)[:500])
        try:
            header = msgspec.json.decode(data, type=_Header)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            header = _Header(occurred_at=now)
        kind, station, occurred_at = header.type, header.station, header.occurred_at
    else:
        kind = str(event.__struct_config__.tag)
        station, occurred_at = event.station, event.occurred_at
    if not -TIME_MAX < occurred_at < TIME_MAX:
        occurred_at = now
        unreadable = unreadable or ("message.invalid", "A time that is none.")
    return NewEvent(
        state.edge,
        state.lane,
        state.epoch,
        seq,
        schema,
        _storable(kind),
        _storable(station),
        occurred_at,
        now,
        group_hash,
        data,
        unreadable,
    )


def _storable(text: str) -> str:
    """Text for a column: PostgreSQL keeps no NUL, an index no long value; `data` has all of it."""
    return text.replace("\x00", "")[:200]


def check_live(live: Live) -> None:
    """Refuse a newest state that cannot be one.

    Raises:
        InvalidMessageError: Too many stations or fields, too long texts, impossible numbers.
    """
    if not (0 <= live.head_seq < SEQ_MAX and 0 <= live.sent_at < TIME_MAX):
        raise InvalidMessageError("A newest state with impossible numbers.")
    if len(live.stations) > STATIONS_MAX:
        raise InvalidMessageError(f"A newest state of more than {STATIONS_MAX} stations.")
    for station, fields in live.stations.items():
        texts = [station, *fields, *fields.values()]
        if len(fields) > LIVE_FIELDS_MAX or any(
            len(text) > LIVE_TEXT_MAX or "\x00" in text for text in texts
        ):
            raise InvalidMessageError(f"A newest state of {station[:64]!r} that is too large.")
