"""Segments as they stand in the file: found by number, chained anew, forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lineside.contracts.clock import Microseconds
from lineside.contracts.codec import GENESIS_HASH, chain_hash
from lineside.edge_agent.journal import segments
from lineside.edge_agent.journal.records import StoredGroup
from lineside.edge_agent.journal.schema import sqlite
from lineside.edge_agent.journal.segments import Segment

Row = tuple[int, int, Microseconds, bytes, bytes]
INSERT = "INSERT INTO segment VALUES (?, ?, ?, ?, ?)"
_ROW = "SELECT first_seq, last_seq, hash, data FROM segment"


def holding(connection: sqlite.Connection, seq: int) -> Segment | None:
    """The segment with a fact; None: the fact is a row, or gone."""
    found = connection.execute(
        f"{_ROW} WHERE first_seq <= ? ORDER BY first_seq DESC LIMIT 1", (seq,)
    ).fetchone()
    return None if found is None or found[1] < seq else segments.unpack(*found)


def answer(connection: sqlite.Connection, act: str, last_seq: int) -> bytes | None:
    """The answer of an act whose row has none: with its events it went into a segment."""
    found = holding(connection, last_seq)
    return None if found is None else found.answers.get(act)


def ends_a_group(connection: sqlite.Connection, seq: int) -> bool:
    """Whether a commit group, in rows or in a segment, ends there."""
    plain = connection.execute(
        "SELECT last_seq FROM event_group WHERE first_seq <= ? ORDER BY first_seq DESC LIMIT 1",
        (seq,),
    ).fetchone()
    if plain is not None:
        return plain[0] == seq
    found = holding(connection, seq)
    return found is not None and any(group.last_seq == seq for group in found.groups)


def ends_through(connection: sqlite.Connection, through: int) -> list[int]:
    """Where the last packed commit group ends that lies before `through` or ends there; or none."""
    found = connection.execute(
        f"{_ROW} WHERE first_seq <= ? ORDER BY first_seq DESC LIMIT 1", (through,)
    ).fetchone()
    groups = () if found is None else segments.unpack(*found).groups
    return [group.last_seq for group in groups if group.last_seq <= through][-1:]


def chain_anew(connection: sqlite.Connection, base: int) -> bytes:
    """Chain the segments after `base` anew; the caller has opened the table for it.

    A segment in which `base` lies is parted there, because one segment is one chain.

    Returns:
        Hash of their last group; the genesis hash where there is none after `base`.
    """
    previous = GENESIS_HASH
    firsts = connection.execute(
        "SELECT first_seq FROM segment WHERE last_seq > ? ORDER BY first_seq", (base,)
    ).fetchall()
    for (first,) in firsts:
        (stored,) = connection.execute(f"{_ROW} WHERE first_seq = ?", (first,)).fetchall()
        found = segments.unpack(*stored)
        if not found.whole:
            continue  # its hash stays: whoever verifies finds it as it was
        before = [group for group in found.groups if group.last_seq <= base]
        after = _chained([group for group in found.groups if group.first_seq > base], previous)
        connection.execute("DELETE FROM segment WHERE first_seq = ?", (first,))
        for groups in (before, after):
            if groups:
                connection.execute(INSERT, row(groups, found.answers))
        previous = after[-1].hash
    return previous


def _chained(groups: list[StoredGroup], previous: bytes) -> list[StoredGroup]:
    chained: list[StoredGroup] = []
    for group in groups:
        own = chain_hash(previous, group.events)
        chained.append(
            StoredGroup(
                group.first_seq,
                group.last_seq,
                group.schema,
                previous,
                own,
                group.committed_at,
                group.events,
            )
        )
        previous = own
    return chained


def row(groups: Sequence[StoredGroup], answers: Mapping[str, bytes]) -> Row:
    """Groups of one chain, packed, as a row of `segment`."""
    return (
        groups[0].first_seq,
        groups[-1].last_seq,
        max(group.committed_at for group in groups),
        groups[-1].hash,
        segments.pack(groups, answers),
    )
