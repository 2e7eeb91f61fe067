"""What orders tell and ask."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemsNeeded:
    """Open orders at an edge consume these items from now on; it needs passports of what exists."""

    edge: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionsAsked:
    """A question: which revision of these documents is wanted at each edge?

    Answered by the downlink with a mapping (id, edge) -> revision.
    """

    kind: str
    ids: tuple[str, ...]
