"""Events to bytes and back, with schema versions.

The stored bytes are JSON with defaults left out; they are what is hashed, sent and kept, and are
never
written anew. `SCHEMA` counts versions of the whole set of types; a commit group is of one version.
Reading an older one goes through the upcasters, one step a version.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Union

import msgspec

from lineside.contracts.errors import InvalidMessageError, UnsupportedVersionError
from lineside.contracts.events import EVENT_TYPES, Event

SCHEMA = 1
EVENT_BYTES_MAX = 64 * 1024
GENESIS_HASH = bytes(32)

_encoder = msgspec.json.Encoder(decimal_format="string", order="deterministic")
_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Union[EVENT_TYPES])  # noqa: UP007

Document = dict[str, Any]
# version -> function that turns one document of that version into the next one
UPCASTERS: dict[int, Callable[[Document], Document]] = {}


def encode_event(event: Event) -> bytes:
    """Bytes of one event: the form that is stored, hashed and sent.

    Raises:
        InvalidMessageError: Larger than `EVENT_BYTES_MAX`; the caller must say it to a person.
    """
    data = _encoder.encode(event)
    if len(data) > EVENT_BYTES_MAX:
        raise InvalidMessageError(
            f"An event of {len(data):,} bytes is larger than {EVENT_BYTES_MAX:,}.",
            hint="Shorten its texts or parameters.",
        )
    return data


def encode_events(events: Sequence[Event]) -> list[bytes]:
    """Bytes of several events; of each the same as `encode_event` gives, at half the price.

    Raises:
        InvalidMessageError: One is larger than `EVENT_BYTES_MAX`.
    """
    if len(events) == 1:
        return [encode_event(events[0])]
    # JSON escapes line feeds inside texts, so that one never stands inside an event.
    lines = _encoder.encode_lines(events).split(b"\n")[:-1]
    assert len(lines) == len(events)
    if max(map(len, lines), default=0) > EVENT_BYTES_MAX:
        return [encode_event(event) for event in events]  # refuses the large one by its own text
    return lines


def decode_event(data: bytes, *, schema: int = SCHEMA) -> Event:
    """One event from its bytes.

    Args:
        data: As stored.
        schema: Version under which it was stored.

    Raises:
        UnsupportedVersionError: A version newer than ours, or without upcaster.
        InvalidMessageError: No event; the text says where.
    """
    if schema == SCHEMA:
        try:
            return _decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
            raise InvalidMessageError(f"Not an event: {problem}.") from problem
    if schema > SCHEMA or schema < 1:
        raise UnsupportedVersionError(
            f"Schema {schema} is not known here; this program reads 1 to {SCHEMA}.",
            hint="Update this program; the event is kept until then.",
        )
    try:
        document = msgspec.json.decode(data)
        for version in range(schema, SCHEMA):
            document = UPCASTERS[version](document)
        return msgspec.convert(document, Union[EVENT_TYPES], strict=False)  # noqa: UP007
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise InvalidMessageError(f"Not an event of schema {schema}: {problem}.") from problem


def chain_hash(previous: bytes, events: Iterable[bytes]) -> bytes:
    """Hash of one commit group: SHA-256 over the previous hash and each event with its length.

    The length stands before each event so that no two lists of events have the same bytes.
    """
    digest = hashlib.sha256(previous)
    for event in events:
        digest.update(len(event).to_bytes(4, "big"))
        digest.update(event)
    return digest.digest()
