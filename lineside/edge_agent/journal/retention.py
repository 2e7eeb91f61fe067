"""What the journal may forget.

An event goes only when it is in a verified backup of central **and** older than the retention time,
so that a central restored from a backup can be given everything again. Under disk pressure what
central has committed goes, too, oldest first: a missing backup never stops a line. What central has
not committed stays, whatever happens.
"""

from __future__ import annotations

from dataclasses import dataclass

from lineside.contracts.clock import US_PER_SECOND, Microseconds
from lineside.edge_agent.journal.records import Watermarks
from lineside.edge_agent.journal.schema import sqlite
from lineside.edge_agent.journal.store import Journal

DAY = 86_400 * US_PER_SECOND
RETENTION = 35 * DAY
DISK_PRESSURE = 0.8
DELETE_EVENTS_MAX = 20_000
EVENT_BYTES = 400  # about, with its part of the group: what a deletion moves in the log
NEVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Pruned:
    """What one call of `prune` deleted.

    Attributes:
        first_seq, last_seq: Inclusive; both 0 when nothing was deleted.
        rule: `age`, or `pressure`: people must hear of that one.
    """

    first_seq: int = 0
    last_seq: int = 0
    rule: str = ""

    @property
    def events(self) -> int:
        """How many events."""
        return self.last_seq - self.first_seq + 1 if self.rule else 0


def may_forget_through(
    watermarks: Watermarks, *, used_share: float, without_backup: bool
) -> tuple[int, str]:
    """Up to which fact the journal may forget, and by which rule.

    Args:
        watermarks: What central told.
        used_share: Used part of the journal's disk, 0 to 1.
        without_backup: The site declared that central has no backup; age alone decides.

    Returns:
        Sequence number, and `pressure` where age no longer matters, else `age`.
    """
    if used_share >= DISK_PRESSURE:
        return watermarks.durable_through, "pressure"
    if without_backup:
        return watermarks.durable_through, "age"
    return min(watermarks.backed_up_through, watermarks.durable_through), "age"


def prune(
    journal: Journal,
    *,
    used_share: float,
    retention: Microseconds = RETENTION,
    without_backup: bool = False,
) -> Pruned:
    """Delete what the rule allows, at most 20,000 events a call; call again while it deletes.

    Args:
        journal: The open journal.
        used_share: Used part of its disk, 0 to 1.
        retention: Minimum age of what goes by age.
        without_backup: The site declared that central has no backup.
    """
    through, rule = may_forget_through(
        journal.watermarks(), used_share=used_share, without_backup=without_backup
    )
    now = journal.clock.now()
    young_after = now - retention if rule == "age" else NEVER
    oldest = journal.reader.oldest()
    through = min(through, oldest + DELETE_EVENTS_MAX - 1)

    def work(connection: sqlite.Connection) -> Pruned:
        last = _last_to_go(connection, through, young_after)
        if last is None:
            return Pruned()
        connection.execute("INSERT INTO opened VALUES ('retention')")
        connection.execute("DELETE FROM segment WHERE first_seq <= ?", (last,))
        connection.execute("DELETE FROM event WHERE seq <= ?", (last,))
        connection.execute("DELETE FROM event_group WHERE first_seq <= ?", (last,))
        connection.execute("DELETE FROM act WHERE last_seq <= ?", (last,))
        connection.execute("DELETE FROM opened WHERE what = 'retention'")
        connection.execute("INSERT INTO pruning VALUES (?, ?, ?, ?)", (now, oldest, last, rule))
        return Pruned(oldest, last, rule)

    return journal.run(work, size=DELETE_EVENTS_MAX * EVENT_BYTES).result()


def _last_to_go(
    connection: sqlite.Connection, through: int, young_after: Microseconds
) -> int | None:
    """The end of the last segment or commit group that may go with all before it; None: nothing.

    One goes whole, and only after all before it: a clock step must not leave a hole. The newest
    group stays, because numbers go on from it.
    """
    last: int | None = None
    for table, committed in (("segment", "committed_until"), ("event_group", "committed_at")):
        for last_seq, committed_at in connection.execute(
            f"SELECT last_seq, {committed} FROM {table} WHERE first_seq <= ?"  # noqa: S608
            f" AND last_seq < (SELECT last_seq FROM event_group ORDER BY first_seq DESC LIMIT 1)"
            " ORDER BY first_seq",
            (through,),
        ):
            if last_seq > through or committed_at > young_after:
                return last
            last = last_seq
    return last
