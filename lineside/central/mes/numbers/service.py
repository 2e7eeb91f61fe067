"""Rules of number series: every edge is in stock for as long as it may be cut off.

A block is a promise that cannot be taken back: an edge that is away may use it. So what was given
once is never given again, whether it was used or not.
"""

from __future__ import annotations

from sqlalchemy import select

from lineside.central.errors import AlreadyExistsError, NotFoundError
from lineside.central.ingest.models import central_identity
from lineside.central.kit.revisions import check_revision
from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.master_data.service import (
    current_epochs,
    edge_ids,
    need_edges,
    need_item,
)
from lineside.central.mes.notices import DocumentWanted
from lineside.central.mes.numbers.entities import Block, Series
from lineside.central.mes.numbers.errors import (
    BlockExhaustedError,
    SeriesOverlapError,
    SsccPrefixError,
)
from lineside.central.mes.numbers.queries import lock_series
from lineside.central.mes.numbers.schemas import BlockIn, SeriesBase, SeriesIn
from lineside.contracts import commands
from lineside.contracts.clock import US_PER_SECOND, Microseconds
from lineside.contracts.numbers import SSCC_DIGITS

DAYS = 35
"""An edge may be cut off this long and still number what it makes."""
LOW_PARTS = 5
"""An edge says that it runs low with a fifth of a block left: a week."""
US_PER_DAY = 86_400 * US_PER_SECOND
COUNT_MAX = 100_000_000
LEAP_BLOCKS = 2


def create_series(work: UnitOfWork, body: SeriesIn) -> Series:
    """A new series; its edges get their first blocks.

    Raises:
        AlreadyExistsError: The id is taken.
        SeriesOverlapError: Another series could give the same text.
        SsccPrefixError: The parts do not make an SSCC.
        UnknownReferenceError: No such item or edge.
    """
    lock_series(work.connection, "series")
    if work.session.get(Series, body.id) is not None:
        raise AlreadyExistsError("Series", body.id)
    prefix, width = _form(body)
    item = "" if body.kind == "sscc" else body.item
    if item:
        need_item(work, item, field="body.item")
    need_edges(work, body.edges, field="body.edges")
    for other in work.session.scalars(select(Series).where(Series.kind == body.kind)):
        if _same_texts((item, prefix, width), (other.item, other.prefix, other.width)):
            raise SeriesOverlapError(other.id)
    row = Series(
        id=body.id,
        kind=body.kind,
        item=item,
        prefix=prefix,
        width=width,
        first=body.first,
        per_day=body.per_day,
        edges=list(body.edges),
        active=body.active,
        created_at=work.now(),
        revision=1,
    )
    work.session.add(row)
    work.session.flush()
    _stock_edges(work, row)
    return row


def _form(body: SeriesIn) -> tuple[str, int]:
    if body.kind != "sscc":
        return body.prefix, body.width or 6
    prefix = body.extension + body.company_prefix
    width = SSCC_DIGITS - len(prefix)
    if not body.company_prefix or body.prefix or body.width not in {None, width}:
        raise SsccPrefixError("body.company_prefix")
    return prefix, width


def _same_texts(one: tuple[str, str, int], other: tuple[str, str, int]) -> bool:
    """Whether two series could give the same text to things that may be taken for each other."""
    if one[0] != other[0] and one[0] and other[0]:
        return False
    if one[1] == other[1]:
        return True
    if len(one[1]) + one[2] != len(other[1]) + other[2]:
        return False
    short, long = sorted((one[1], other[1]), key=len)
    return long.startswith(short) and long[len(short) :].isdigit()


def change_series(work: UnitOfWork, series: str, body: SeriesBase, *, expected: int) -> Series:
    """Change who gets how many; an inactive series is withdrawn from the edges.

    Raises:
        NotFoundError: No such series.
        RevisionStaleError: It was changed meanwhile.
        UnknownReferenceError: No such edge.
    """
    row = get_series(work, series, lock=True)
    check_revision(row.revision, expected)
    need_edges(work, body.edges, field="body.edges")
    row.per_day, row.edges, row.active = body.per_day, list(body.edges), body.active
    row.revision += 1
    work.session.flush()
    _stock_edges(work, row)
    return row


def get_series(work: UnitOfWork, series: str, *, lock: bool = False) -> Series:
    """One series.

    Raises:
        NotFoundError: No such series.
    """
    row = work.session.get(Series, series, with_for_update=lock)
    if row is None:
        raise NotFoundError("number series", series)
    return row


def give_block(work: UnitOfWork, body: BlockIn) -> Block:
    """The next free numbers of a series, for one edge; none is ever given twice.

    Raises:
        UnknownReferenceError: No such edge.
        BlockExhaustedError: The series has no more numbers of this width.
        SsccPrefixError: Prefix and width do not make an SSCC.
    """
    need_edges(work, [body.edge], field="body.edge")
    if body.kind == "sscc" and (
        not body.prefix.isdigit() or len(body.prefix) + body.width != SSCC_DIGITS
    ):
        raise SsccPrefixError("body.prefix")
    # Two planners ask at once: the series is locked, whether it has blocks or not.
    lock_series(work.connection, f"{body.kind}\x1f{body.item}\x1f{body.prefix}")
    taken, free = _end_of(work, (body.kind, body.item, body.prefix), body.first, body.count)
    first = max(body.first, free)
    last = first + body.count - 1
    if last >= 10**body.width:
        raise BlockExhaustedError(body.prefix, body.width)
    block = Block(
        id=f"{body.kind}-{body.item or 'any'}-{body.prefix}{first}".replace("/", "_"),
        edge=body.edge,
        kind=body.kind,
        item=body.item,
        prefix=body.prefix,
        width=body.width,
        first=first,
        last=last,
        after=taken,
        epoch=current_epochs(work).get(body.edge, ""),
        low=body.count // LOW_PARTS,
        used_through=None,
        used_at=None,
        withdrawn_at=None,
        created_at=work.now(),
        revision=1,
    )
    work.session.add(block)
    work.session.flush()
    _send(work, block)
    return block


def _send(work: UnitOfWork, block: Block) -> None:
    document = commands.NumberBlock(
        block=block.id,
        kind=block.kind,
        item=block.item,
        prefix=block.prefix,
        width=block.width,
        first=block.first,
        last=block.last,
        epoch=block.epoch,
        low=block.low,
    )
    body = document if block.withdrawn_at is None else None
    work.publish(DocumentWanted(edge=block.edge, kind="number_block", id=block.id, body=body))


def _withdraw(work: UnitOfWork, block: Block) -> None:
    block.withdrawn_at = work.now()
    block.revision += 1
    work.session.flush()
    _send(work, block)


def _stock_edges(work: UnitOfWork, series: Series) -> None:
    for edge in edge_ids(work):
        _stock(work, edge, series)


def stock(work: UnitOfWork, edge: str) -> None:
    """See to it that an edge has blocks of its journal, and numbers for 35 days.

    Called when an edge is new, when its agent starts, and when it tells what it used. A journal
    that was begun anew does not know what the one before has taken: it gets other blocks.
    """
    epoch = current_epochs(work).get(edge, "")
    if epoch:
        for block in work.session.scalars(
            select(Block)
            .where(Block.edge == edge, Block.withdrawn_at.is_(None), Block.epoch != epoch)
            .order_by(Block.id)
            .with_for_update()
        ):
            if block.epoch:
                _withdraw(work, block)
                continue
            block.epoch = epoch
            work.session.flush()
            _send(work, block)
    for series in work.session.scalars(select(Series).order_by(Series.id)):
        _stock(work, edge, series)


def _stock(work: UnitOfWork, edge: str, series: Series) -> None:
    blocks = list(
        work.session.scalars(
            select(Block)
            .where(
                Block.edge == edge,
                Block.kind == series.kind,
                Block.item == series.item,
                Block.prefix == series.prefix,
                Block.withdrawn_at.is_(None),
            )
            .order_by(Block.first)
            .with_for_update()
        )
    )
    wanted = series.active and (not series.edges or edge in series.edges)
    for block in blocks:
        if not wanted or not block.left:
            _withdraw(work, block)
    if not wanted:
        return
    need = min(DAYS * max(series.per_day, _per_day(blocks, work.now())), COUNT_MAX)
    if sum(block.left for block in blocks) >= need:
        return
    # A series at its end keeps what it has given; the last numbers are given in a smaller block.
    space = (series.kind, series.item, series.prefix)
    lock_series(work.connection, "\x1f".join(space))
    room = 10**series.width - _end_of(work, space, series.first, need)[1]
    if room > 0:
        body = BlockIn(
            edge=edge,
            kind=series.kind,  # pyright: ignore[reportArgumentType] - the table's check says so
            item=series.item,
            prefix=series.prefix,
            width=series.width,
            count=min(need, room),
            first=series.first,
        )
        give_block(work, body)


def _end_of(
    work: UnitOfWork, space: tuple[str, str, str], first: int, count: int
) -> tuple[int | None, int]:
    """Last number that was given, and the next one that may be; the series is locked.

    A central that was restored from a backup does not know what it gave after it, and the edges may
    be using it: its first block leaps over two blocks for every edge.
    """
    kind, item, prefix = space
    row = work.session.execute(
        select(Block.last, Block.created_at)
        .where(Block.kind == kind, Block.item == item, Block.prefix == prefix)
        .order_by(Block.last.desc())
        .limit(1)
    ).one_or_none()
    restored = work.session.scalar(
        select(central_identity.c.minted_at).where(central_identity.c.counter > 1)
    )
    leap = LEAP_BLOCKS * count * len(edge_ids(work))
    if row is None:
        return None, first + (leap if restored is not None else 0)
    forgotten = restored is not None and row.created_at < restored
    return row.last, row.last + 1 + (leap if forgotten else 0)


def _per_day(blocks: list[Block], now: Microseconds) -> int:
    """What the edge uses in a day, by what it took since its oldest block was given."""
    if not blocks:
        return 0
    days = max((now - blocks[0].created_at) / US_PER_DAY, 1.0)
    return round(sum(block.taken for block in blocks) / days)


def used(work: UnitOfWork, block: str, number: int, *, at: Microseconds) -> None:
    """An edge tells that it took a number; a block that is used up is withdrawn by `stock`."""
    row = work.session.get(Block, block, with_for_update=True)
    if row is None or not row.first <= number <= row.last:
        return  # of a central that was restored from before this block: the gap says it already
    if row.used_through is None or number > row.used_through:
        row.used_through, row.used_at = number, at
        work.session.flush()
