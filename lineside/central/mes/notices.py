"""What MES tells other domains, in the same transaction."""

from __future__ import annotations

from dataclasses import dataclass

from lineside.contracts.commands import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentWanted:
    """An edge shall have this document, or shall have it no longer.

    Attributes:
        edge: Which edge.
        kind: One of `commands.DOCUMENTS`.
        id: Which of its kind.
        body: The document; None: gone.
    """

    edge: str
    kind: str
    id: str
    body: Document | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentsGone:
    """An edge shall no longer have many documents of a kind."""

    edge: str
    kind: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeEquipped:
    """An edge is new or shall get everything that every edge has once more."""

    edge: str
