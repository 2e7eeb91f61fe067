"""What orders tell and ask."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemsNeeded:
    """Open orders at an edge consume these items from now on; it needs passports of what exists."""

    edge: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderClosed:
    """An order is finished or cancelled; nothing is needed for it any more.

    Attributes:
        needs: (edge, item) of the components that it needed.
    """

    order: str
    item: str
    edges: tuple[str, ...]
    needs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentsAsked:
    """A question: which documents of a kind shall an edge have whose id begins so?

    Answered by the downlink with a list of ids.
    """

    edge: str
    kind: str
    prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionsAsked:
    """A question: which revision of these documents is wanted at each edge?

    Answered by the downlink with a mapping (id, edge) -> revision.
    """

    kind: str
    ids: tuple[str, ...]
