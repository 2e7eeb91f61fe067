"""Facts that are no longer looked at every day move from rows into segments.

The packing is done beside the writer; one transaction then puts the segment in and takes its rows
out, so that a power cut leaves all rows or the segment, never both and never neither.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from lineside.contracts.codec import chain_hash
from lineside.edge_agent.journal import segment_table, segments
from lineside.edge_agent.journal.errors import JournalDamagedError
from lineside.edge_agent.journal.records import StoredGroup
from lineside.edge_agent.journal.schema import FORMAT, sqlite

if TYPE_CHECKING:
    from lineside.edge_agent.journal.store import Journal

PLAIN_EVENTS = 20_000
"""So many of the newest facts stay rows: what terminals and projections read all the time."""


def pack_oldest(
    journal: Journal,
    *,
    plain_events: int = PLAIN_EVENTS,
    segment_events: int = segments.SEGMENT_EVENTS,
) -> int:
    """Pack the oldest facts that are rows: one segment a call at most; call again while it packs.

    A segment is shorter only where the chain begins anew, or where events are large.

    Args:
        journal: The open journal.
        plain_events: How many of the newest facts stay rows; the newest group always does.
        segment_events: How many facts a segment has; a larger commit group fills one alone.

    Returns:
        How many facts were packed.

    Raises:
        JournalDamagedError: The rows are not what was committed; nothing was packed.
    """
    reader = journal.reader
    plain = reader.plain_from()
    if plain is None or journal.head() - plain + 1 < plain_events + segment_events:
        return 0
    groups = _one_chain(
        reader.groups(plain - 1, segment_events, segments.SEGMENT_BYTES_MAX),
        journal.head() - max(1, plain_events),  # numbers and chain go on from the newest group
    )
    if not groups:
        return 0
    _refuse_damage(journal, groups)
    first, last = groups[0].first_seq, groups[-1].last_seq
    ends = (groups[0].previous, groups[-1].hash)
    row = segment_table.row(groups, reader.answers_between(first, last))

    def work(connection: sqlite.Connection) -> int:
        if _ends(connection, first, last) != ends:
            return 0  # pruned, or chained anew under another epoch, in the meantime
        connection.execute("INSERT INTO opened VALUES ('retention')")
        connection.execute(segment_table.INSERT, row)
        connection.execute("DELETE FROM event WHERE seq BETWEEN ? AND ?", (first, last))
        connection.execute("DELETE FROM event_group WHERE first_seq BETWEEN ? AND ?", (first, last))
        connection.execute(
            "UPDATE act SET answer = NULL WHERE last_seq BETWEEN ? AND ?", (first, last)
        )
        connection.execute("DELETE FROM opened WHERE what = 'retention'")
        connection.execute(f"PRAGMA user_version={FORMAT}")
        return last - first + 1

    size = sum(len(event) for group in groups for event in group.events)
    return journal.run(work, size=size).result()


def _one_chain(groups: list[StoredGroup], through: int) -> list[StoredGroup]:
    """As many of some groups as fit into one segment and may be packed."""
    end = len(groups)
    for number, (group, after) in enumerate(pairwise(groups), start=1):
        follows = after.first_seq == group.last_seq + 1 and after.previous == group.hash
        if not follows or after.schema != group.schema:
            end = number
            break
    return [group for group in groups[:end] if group.last_seq <= through]


def _refuse_damage(journal: Journal, groups: list[StoredGroup]) -> None:
    for group in groups:
        whole = len(group.events) == group.last_seq - group.first_seq + 1 and all(
            type(event) is bytes for event in group.events
        )
        if not whole or chain_hash(group.previous, group.events) != group.hash:
            raise JournalDamagedError(
                journal.path, group.first_seq, "its hash is not that of its events"
            )


def _ends(connection: sqlite.Connection, first: int, last: int) -> tuple[bytes, bytes] | None:
    row = connection.execute(
        "SELECT a.previous, b.hash FROM event_group a, event_group b WHERE a.first_seq = ?"
        " AND b.first_seq = (SELECT max(first_seq) FROM event_group WHERE first_seq <= ?)"
        " AND b.last_seq = ?",
        (first, last, last),
    ).fetchone()
    return None if row is None else (row[0], row[1])
