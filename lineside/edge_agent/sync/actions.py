"""What the sync machines ask their surroundings to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Publish:
    """Send a message; `qos` 0 may be lost."""

    topic: str
    payload: bytes
    qos: int = 1


@dataclass(frozen=True, slots=True)
class Remember:
    """Write watermarks into the journal: names as in `journal.records.Watermarks`."""

    changes: Mapping[str, int | str]


@dataclass(frozen=True, slots=True)
class OpenEpoch:
    """Seal the journal's epoch at `base`, open a new one, then tell the uplink `epoch_opened`."""

    base: int


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that people must hear of; the same code again replaces the former.

    Attributes:
        code: Stable dotted name, e.g. `sync.central_lost_events`.
        text: One sentence. Empty: the matter is settled.
    """

    code: str
    text: str


Action = Publish | Remember | OpenEpoch | Notice
