"""What the writer does inside its transactions. The caller begins and commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from lineside.contracts.clock import Microseconds
from lineside.contracts.codec import GENESIS_HASH, SCHEMA, chain_hash
from lineside.edge_agent.journal import segment_table
from lineside.edge_agent.journal.errors import JournalUsageError
from lineside.edge_agent.journal.groups import Lane, Pending
from lineside.edge_agent.journal.records import Appended
from lineside.edge_agent.journal.schema import mint_epoch, sqlite


@dataclass(frozen=True, slots=True)
class State:
    """Heads and epoch as committed."""

    facts_head: int
    head_hash: bytes
    telemetry_head: int
    epoch: str
    base: int

    def after(self, heads: dict[Lane, int], head_hash: bytes) -> State:
        """The state after a commit of events."""
        return replace(
            self,
            facts_head=heads["facts"],
            telemetry_head=heads["telemetry"],
            head_hash=head_hash,
        )


def state(connection: sqlite.Connection) -> State:
    """Heads and epoch as they stand in the file."""
    epoch, base = connection.execute(
        "SELECT id, base FROM epoch ORDER BY number DESC LIMIT 1"
    ).fetchone()
    last = connection.execute(
        "SELECT last_seq, hash FROM event_group ORDER BY first_seq DESC LIMIT 1"
    ).fetchone()
    (telemetry,) = connection.execute(
        "SELECT max(last) FROM (SELECT max(seq) AS last FROM telemetry"
        " UNION ALL SELECT max(last_seq) FROM telemetry_gap)"
    ).fetchone()
    if last is None or last[0] <= base:
        return State(base, GENESIS_HASH, telemetry or 0, epoch, base)
    return State(last[0], last[1], telemetry or 0, epoch, base)


ROWS_MAX = 128


@cache
def _insert(lane: Lane, rows: int) -> str:
    """One statement for many rows: the library is entered once, not once a row."""
    table = "event" if lane == "facts" else "telemetry"
    values = ",".join(f"(?1+{number},?2,?{number + 3})" for number in range(rows))
    return f"INSERT INTO {table} VALUES {values}"  # noqa: S608 - of two fixed names


def insert_events(
    connection: sqlite.Connection,
    lane: Lane,
    first_seq: int,
    events: Sequence[bytes],
    version: int = SCHEMA,
) -> None:
    """Write encoded events under rising numbers.

    The rows of a statement are powers of two, so that a handful of prepared statements, which the
    connection keeps, serves every number of events.
    """
    at = 0
    while at < len(events):
        rows = min(ROWS_MAX, 1 << ((len(events) - at).bit_length() - 1))
        connection.execute(_insert(lane, rows), (first_seq + at, version, *events[at : at + rows]))
        at += rows


def known_acts(
    connection: sqlite.Connection, appends: list[Pending]
) -> tuple[dict[int, Appended], list[Pending]]:
    """Separate appends whose act is already in the journal from fresh ones.

    An act that is asked twice in one group is fresh once; the second is answered by `number`.

    Returns:
        What to answer for the known ones, by `id(append)`; and the fresh ones in order.
    """
    results: dict[int, Appended] = {}
    fresh: list[Pending] = []
    in_group: set[str] = set()
    for item in appends:
        if item.act:
            row = connection.execute(
                "SELECT first_seq, last_seq, answer FROM act WHERE id = ?", (item.act,)
            ).fetchone()
            if row is not None:
                said = (
                    row[2]
                    if row[2] is not None
                    else segment_table.answer(connection, item.act, row[1])
                )
                results[id(item)] = Appended(row[0], row[1], duplicate=True, answer=said)
                continue
            if item.act in in_group:
                continue
            in_group.add(item.act)
        fresh.append(item)
    return results, fresh


def number(
    connection: sqlite.Connection,
    appends: list[Pending],
    fresh: list[Pending],
    heads: dict[Lane, int],
    results: dict[int, Appended],
) -> dict[Lane, int]:
    """Write telemetry, acts and baselines of fresh appends, and fill in what each is answered.

    Returns:
        The heads after them.
    """
    heads = dict(heads)
    by_act: dict[str, Appended] = {}
    acts: list[tuple[str, int, int, bytes | None]] = []
    telemetry: list[bytes] = []
    baselines: dict[str, bytes] = {}
    for item in fresh:
        first = heads[item.lane] + 1
        heads[item.lane] += len(item.events)
        where = Appended(first, heads[item.lane], answer=item.answer)
        if not item.events:
            where = Appended(0, 0, answer=item.answer)
        results[id(item)] = where
        if item.act:
            by_act[item.act] = where
            acts.append((item.act, where.first_seq, where.last_seq, item.answer))
        if item.lane == "telemetry":
            telemetry += item.events
        baselines.update(item.baselines)
    for item in appends:
        if id(item) not in results:
            first_time = by_act[item.act]
            results[id(item)] = Appended(
                first_time.first_seq, first_time.last_seq, duplicate=True, answer=first_time.answer
            )
    if acts:
        connection.executemany("INSERT INTO act VALUES (?, ?, ?, ?)", acts)
    if telemetry:
        insert_events(connection, "telemetry", heads["telemetry"] - len(telemetry) + 1, telemetry)
    if baselines:
        connection.executemany("INSERT OR REPLACE INTO baseline VALUES (?, ?)", baselines.items())
    return heads


def thin_telemetry(
    connection: sqlite.Connection, head: int, events_max: int, now: Microseconds
) -> int:
    """Delete the oldest telemetry beyond the ring's size, as one counted gap.

    Returns:
        How many events were deleted.
    """
    (oldest,) = connection.execute("SELECT min(seq) FROM telemetry").fetchone()
    if oldest is None or head - oldest + 1 <= events_max:
        return 0
    # A tenth more than needed, so that a full ring is not thinned at every commit.
    through = min(head, head - events_max + max(1, events_max // 10))
    deleted = connection.execute("DELETE FROM telemetry WHERE seq <= ?", (through,)).rowcount
    # Gaps that touch grow together: a ring leaves one, however long it runs.
    touching = connection.execute(
        "SELECT first_seq FROM telemetry_gap WHERE last_seq = ?", (oldest - 1,)
    ).fetchone()
    first = touching[0] if touching is not None else oldest
    connection.execute(
        "INSERT OR REPLACE INTO telemetry_gap VALUES (?, ?, ?)", (first, through, now)
    )
    return deleted


def begin_epoch(connection: sqlite.Connection, base: int, now: Microseconds) -> str:
    """Open a new epoch after `base` and chain the groups after it anew.

    Raises:
        JournalUsageError: `base` is not the end of a commit group.
    """
    before = state(connection)
    (oldest,) = connection.execute(
        "SELECT min(first) FROM (SELECT min(first_seq) AS first FROM segment"
        " UNION ALL SELECT min(first_seq) FROM event_group)"
    ).fetchone()
    begins = (0, before.facts_head, before.base, (oldest or 1) - 1)
    if base not in begins and not segment_table.ends_a_group(connection, base):
        raise JournalUsageError(f"No commit group ends at {base}.")
    identity = mint_epoch()
    connection.execute("INSERT INTO opened VALUES ('epoch'), ('retention')")
    connection.execute(
        "INSERT INTO epoch (id, base, opened_at) VALUES (?, ?, ?)", (identity, base, now)
    )
    previous = segment_table.chain_anew(connection, base)
    for first, last in connection.execute(
        "SELECT first_seq, last_seq FROM event_group WHERE first_seq > ? ORDER BY first_seq",
        (base,),
    ).fetchall():
        events = connection.execute(
            "SELECT data FROM event WHERE seq BETWEEN ? AND ? ORDER BY seq", (first, last)
        )
        hashed = chain_hash(previous, (data for (data,) in events))
        connection.execute(
            "UPDATE event_group SET previous = ?, hash = ? WHERE first_seq = ?",
            (previous, hashed, first),
        )
        previous = hashed
    connection.execute("DELETE FROM opened")
    connection.executemany(
        "INSERT OR REPLACE INTO cursor VALUES (?, ?)",
        [("durable_through", base), ("backed_up_through", min(base, _backed_up(connection)))],
    )
    return identity


def _backed_up(connection: sqlite.Connection) -> int:
    row = connection.execute("SELECT value FROM cursor WHERE name = 'backed_up_through'").fetchone()
    return row[0] if row is not None else 0


def mark_verified(connection: sqlite.Connection, seq: int) -> None:
    """Remember that everything up to `seq` was verified; the next start looks only behind it."""
    connection.execute("INSERT OR REPLACE INTO cursor VALUES ('verified', ?)", (seq,))
