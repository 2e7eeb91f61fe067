"""Tables of number series and of the blocks given out of them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

from lineside.central.db import Base

KINDS = ("serial", "lot", "sscc")
SPACE = ("kind", "item", "prefix")


class Series(Base):
    """Numbers of one form that edges are kept in stock with.

    Attributes:
        item: What it numbers; empty for carriers, and for every item.
        prefix: Before the digits; of an SSCC the extension digit and the company prefix.
        first: Where a new series begins.
        per_day: Numbers that one edge uses in a day, as people expect; what it really uses counts
            where that is more.
        edges: Who gets blocks; empty: every edge.
    """

    __tablename__ = "number_series"
    __table_args__ = (
        CheckConstraint(f"kind IN {KINDS}", name="kind"),
        UniqueConstraint("kind", "item", "prefix"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    item: Mapped[str]
    prefix: Mapped[str]
    width: Mapped[int]
    first: Mapped[int]
    per_day: Mapped[int]
    edges: Mapped[list[str]]
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[int]
    revision: Mapped[int] = mapped_column(default=1)


class Block(Base):
    """Numbers `first` to `last`, printed as prefix and digits, that one edge alone may give.

    No number is in two blocks, and the database itself sees to it: blocks of the same kind, item
    and prefix form a chain. Each begins behind its predecessor, only one may follow a block, and
    only one may have none before it.

    Attributes:
        after: Last number of the block before it; None: the first of the chain.
        epoch: The journal that takes from it; empty until the edge has said hello.
        used_through: The highest number that the edge has reported as taken; None: none yet.
        withdrawn_at: The edge has it no longer; what was not taken is never given again.
    """

    __tablename__ = "number_block"
    __table_args__ = (
        Index(None, "kind", "item", "prefix", "first"),
        CheckConstraint("first <= last AND (after IS NULL OR after < first)", name="order"),
        UniqueConstraint(*SPACE, "last", name="uq_number_block_last"),
        UniqueConstraint(*SPACE, "after", name="uq_number_block_after"),
        Index(
            "uq_number_block_beginning",
            *SPACE,
            unique=True,
            postgresql_where=sql("after IS NULL"),
        ),
        ForeignKeyConstraint(
            [*SPACE, "after"],
            ["number_block.kind", "number_block.item", "number_block.prefix", "number_block.last"],
            name="fk_number_block_after",
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    edge: Mapped[str] = mapped_column(ForeignKey("edge.id"), index=True)
    kind: Mapped[str]
    item: Mapped[str]
    prefix: Mapped[str]
    width: Mapped[int]
    first: Mapped[int]
    last: Mapped[int]
    after: Mapped[int | None]
    epoch: Mapped[str] = mapped_column(default="", server_default="")
    low: Mapped[int] = mapped_column(default=0, server_default="0")
    used_through: Mapped[int | None]
    used_at: Mapped[int | None]
    withdrawn_at: Mapped[int | None]
    created_at: Mapped[int]
    revision: Mapped[int] = mapped_column(default=1)

    @property
    def taken(self) -> int:
        """How many of it are taken, as far as the edge has told."""
        return 0 if self.used_through is None else self.used_through - self.first + 1

    @property
    def left(self) -> int:
        """How many may still be taken; none of a block that was withdrawn."""
        return 0 if self.withdrawn_at is not None else self.last - self.first + 1 - self.taken
