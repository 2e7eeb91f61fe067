"""What the journal keeps about configurations: the one that runs, one on trial, one taken back.

They are marks of the journal, so that each is committed together with the fact that tells of it: a
power cut leaves the old state or the new one, never half of either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from lineside.contracts.clock import Microseconds
from lineside.edge_agent.config.sections import Configuration

HASH = "configuration"
RUNNING = "configuration.running"
STAGED = "configuration.staged"
TAKEN_BACK = "configuration.taken_back"
NOTHING = b""
Record = TypeVar("Record", bound=msgspec.Struct)


class Running(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The configuration that proved itself last.

    Attributes:
        text: Its whole TOML.
        beside: Content hash of the edge's own file at that time: where it changes, a person has
            edited the file, and a configuration that came from a file gives way to it.
        at: Since when.
        exchanged: It was put in while the agent ran.
        request: Who asked for it on this computer.
        aside: Central's version and content hash that stood against it when a person on this
            computer decided; central must say something newer to be heard again.
    """

    content_hash: str
    text: str
    origin: str = "file"
    version: int = 0
    beside: str = ""
    at: Microseconds = 0
    exchanged: bool = False
    request: str = ""
    aside: tuple[int, str] = (0, "")


class Staged(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A configuration on trial; the one before still counts.

    Attributes:
        tries: How often its trial has begun.
        marks: Marks of the journal that do not fit it, to be put back when it is taken back.
    """

    content_hash: str
    text: str
    origin: str = "central"
    version: int = 0
    trial_s: int = 60
    request: str = ""
    aside: tuple[int, str] = (0, "")
    tries: int = 0
    marks: dict[str, bytes] = {}


class TakenBack(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The last configuration that was taken back, or never tried because it was wrong.

    Attributes:
        central: Central's version and content hash that were taken back last: they are not tried
            again until central says something else.
    """

    content_hash: str
    origin: str = "central"
    version: int = 0
    stage: str = "check"
    reason: str = ""
    devices: tuple[str, ...] = ()
    at: Microseconds = 0
    trial_s: int = 0
    request: str = ""
    central: tuple[int, str] = (0, "")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What a person on this computer wants, as a file in the data folder.

    Attributes:
        id: To know the answer by.
        name: Of the file, for error texts.
    """

    id: str
    name: str
    text: str
    trial_s: int = 60


REQUEST_FILE = "configuration.request"


def running(marks: Mapping[str, bytes]) -> Running | None:
    """The configuration that proved itself last; None: the journal knows of none."""
    return _read(marks, RUNNING, Running)


def staged(marks: Mapping[str, bytes]) -> Staged | None:
    """The configuration on trial."""
    return _read(marks, STAGED, Staged)


def taken_back(marks: Mapping[str, bytes]) -> TakenBack | None:
    """The last one that was taken back, unless a later one proved itself."""
    return _read(marks, TAKEN_BACK, TakenBack)


def written(record: msgspec.Struct) -> bytes:
    """A record as the journal keeps it."""
    return msgspec.json.encode(record)


def wins(known: Running | None, file: Configuration) -> bool:
    """Whether what proved itself last goes before the edge's own file.

    Central's does, always. One that came from a file does until the file is edited.
    """
    if known is None or known.content_hash == file.content_hash:
        return False
    return known.origin == "central" or known.beside == file.content_hash


def _read(marks: Mapping[str, bytes], name: str, kind: type[Record]) -> Record | None:
    found = marks.get(name)
    return msgspec.json.decode(found, type=kind) if found else None
