"""Reading a journal: for the agent beside its writer, and for the command line without one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lineside.contracts.codec import GENESIS_HASH, chain_hash
from lineside.edge_agent.journal import segment_table, segments
from lineside.edge_agent.journal.groups import ACT_EVENTS_MAX, Lane
from lineside.edge_agent.journal.records import (
    Epoch,
    SealedRun,
    StoredEvent,
    StoredGroup,
    Watermarks,
)
from lineside.edge_agent.journal.schema import connect_reader, has_segments, sqlite

READ_EVENTS_MAX = 10_000
OPENED_MAX = 2


class JournalReader:
    """Reads from any thread through one connection that cannot write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._connection = connect_reader(path)
        self._segmented = has_segments(self._connection)
        # Segments that were opened last: the uplink takes one in several portions.
        self._opened: dict[tuple[int, int, bytes], tuple[StoredGroup, ...]] = {}

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def _rows(self, query: str, *arguments: object) -> list[Any]:
        # Everything is fetched under the lock: an open cursor would hold the WAL back.
        with self._lock:
            return self._connection.execute(query, arguments).fetchall()

    @contextmanager
    def _snapshot(self) -> Generator[Any]:
        """The connection, for several questions about one state of the file."""
        with self._lock:
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                self._connection.execute("COMMIT")

    def read(self, after_seq: int, limit: int, lane: Lane = "facts") -> list[StoredEvent]:
        """Events after a sequence number, rising, at most `limit` (and never more than 10,000).

        A fact of a damaged segment has no bytes.
        """
        table = "event" if lane == "facts" else "telemetry"
        limit = min(limit, READ_EVENTS_MAX)
        query = f"SELECT seq, schema, data FROM {table} WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608
        rows = self._rows(query, after_seq, limit)
        found: list[StoredEvent] = []
        if lane == "facts" and limit > 0 and (not rows or rows[0][0] > after_seq + 1):
            with self._snapshot() as connection:
                for segment in self._segments_after(connection, after_seq):
                    found += _events_of(segment, after_seq, limit - len(found))
                    after_seq = segment[-1].last_seq
                    if len(found) == limit:
                        return found
                rows = connection.execute(query, (after_seq, limit - len(found))).fetchall()
        return found + [StoredEvent(seq, schema, data) for seq, schema, data in rows]

    def groups(
        self, after_seq: int, max_events: int, max_bytes: int, lane: Lane = "facts"
    ) -> list[StoredGroup]:
        """Whole commit groups after a sequence number; at least one, if there is any.

        A damaged segment is one group of as many empty events, whose hash does not agree.

        Args:
            after_seq: The group that holds `after_seq + 1` comes first, whole.
            max_events: Bound of the sum; the first group may pass it.
            max_bytes: Bound of the sum of bytes as stored; the first group may pass it.
            lane: Telemetry has no stored groups: its runs without gap are handed out as groups.
        """
        if lane == "telemetry":
            return self._telemetry_runs(after_seq, max_events, max_bytes)
        found: list[StoredGroup] = []
        size = 0
        with self._snapshot() as connection:
            for group in self._groups_after(connection, after_seq, max_events):
                size += sum(map(len, group.events))
                beyond = found and group.last_seq - found[0].first_seq + 1 > max_events
                if beyond or (found and size > max_bytes):
                    break
                found.append(group)
        return found

    def _groups_after(
        self, connection: sqlite.Connection, after_seq: int, max_events: int
    ) -> Iterator[StoredGroup]:
        """Groups in order, packed ones first; of rows not many more than `max_events` events."""
        for segment in self._segments_after(connection, after_seq):
            yield from (group for group in segment if group.last_seq > after_seq)
            after_seq = segment[-1].last_seq
        heads = connection.execute(
            "SELECT first_seq, last_seq, schema, previous, hash, committed_at FROM event_group"
            " WHERE last_seq > ? AND first_seq >= ? ORDER BY first_seq LIMIT ?",
            (after_seq, after_seq + 1 - ACT_EVENTS_MAX, max(1, max_events) + ACT_EVENTS_MAX),
        ).fetchall()
        chosen = [
            head
            for number, head in enumerate(heads)
            if number == 0 or head[1] - heads[0][0] + 1 <= max_events
        ]
        if not chosen:
            return
        rows = connection.execute(
            "SELECT seq, data FROM event WHERE seq BETWEEN ? AND ? ORDER BY seq",
            (chosen[0][0], chosen[-1][1]),
        ).fetchall()
        taken = 0
        for first, last, schema, previous, hashed, at in chosen:
            start = taken
            while taken < len(rows) and rows[taken][0] <= last:
                taken += 1
            events = tuple(data for _, data in rows[start:taken])
            yield StoredGroup(first, last, schema, previous, hashed, at, events)

    def _segments_after(
        self, connection: sqlite.Connection, after_seq: int
    ) -> Iterator[tuple[StoredGroup, ...]]:
        """Groups of the segment that holds the next fact, or else of the oldest; and so on."""
        while self._segmented:
            row = connection.execute(
                "SELECT first_seq, last_seq, hash FROM segment WHERE first_seq <= ?"
                " ORDER BY first_seq DESC LIMIT 1",
                (after_seq + 1,),
            ).fetchone()
            if row is None or row[1] <= after_seq:
                row = connection.execute(
                    "SELECT first_seq, last_seq, hash FROM segment WHERE first_seq > ?"
                    " ORDER BY first_seq LIMIT 1",
                    (after_seq,),
                ).fetchone()
            if row is None:
                return
            groups = self._opened.get(row)
            if groups is None:
                (data,) = connection.execute(
                    "SELECT data FROM segment WHERE first_seq = ?", (row[0],)
                ).fetchone()
                groups = segments.unpack(row[0], row[1], row[2], data).groups
                while len(self._opened) >= OPENED_MAX:
                    del self._opened[next(iter(self._opened))]
                self._opened[row] = groups
            yield groups
            after_seq = row[1]

    def _telemetry_runs(self, after_seq: int, max_events: int, max_bytes: int) -> list[StoredGroup]:
        runs: list[StoredGroup] = []
        run: list[StoredEvent] = []

        def close() -> None:
            if run:
                events = tuple(event.data for event in run)
                runs.append(
                    StoredGroup(run[0].seq, run[-1].seq, run[0].schema, b"", b"", 0, events)
                )
                run.clear()

        size = 0
        for event in self.read(after_seq, max_events, "telemetry"):
            size += len(event.data)
            if size > max_bytes and (runs or run):
                break
            if run and (event.seq != run[-1].seq + 1 or event.schema != run[0].schema):
                close()
            run.append(event)
        close()
        return runs

    def head(self, lane: Lane = "facts") -> int:
        """Last sequence number of a lane; 0 when nothing was ever appended."""
        if lane == "facts":
            query = "SELECT last_seq FROM event_group ORDER BY first_seq DESC LIMIT 1"
        else:
            query = (
                "SELECT max(last) FROM (SELECT max(seq) AS last FROM telemetry"
                " UNION ALL SELECT max(last_seq) FROM telemetry_gap)"
            )
        last = next((row[0] for row in self._rows(query)), None)
        return max(last or 0, self.epoch().base if lane == "facts" else 0)

    def oldest(self) -> int:
        """First fact that is still here; `head + 1` when there is none."""
        found = self._oldest_segment() or self.plain_from()
        return found if found is not None else self.head() + 1

    def plain_from(self) -> int | None:
        """First fact that is a row, not in a segment; None: there is none."""
        return self._rows("SELECT min(first_seq) FROM event_group")[0][0]

    def _oldest_segment(self) -> int | None:
        return self._rows("SELECT min(first_seq) FROM segment")[0][0] if self._segmented else None

    def answers_between(self, first_seq: int, last_seq: int) -> dict[str, bytes]:
        """Stored answers of the acts whose last event lies there, both ends included."""
        return dict(
            self._rows(
                "SELECT id, answer FROM act WHERE last_seq BETWEEN ? AND ? AND answer IS NOT NULL",
                first_seq,
                last_seq,
            )
        )

    def hash_at(self, seq: int) -> bytes:
        """Hash of the group that ends at `seq`; the genesis hash at the base of the epoch.

        Returns:
            Empty bytes where no group of the present epoch ends there.
        """
        if seq == self.epoch().base:
            return GENESIS_HASH
        with self._snapshot() as connection:
            row = connection.execute(
                "SELECT last_seq, hash FROM event_group WHERE first_seq <= ?"
                " ORDER BY first_seq DESC LIMIT 1",
                (seq,),
            ).fetchone()
            if row is not None:
                return row[1] if row[0] == seq else b""
            segment = next(self._segments_after(connection, seq - 1), ())
        return next((group.hash for group in segment if group.last_seq == seq), b"")

    def epoch(self) -> Epoch:
        """The present epoch."""
        return self.epochs()[-1]

    def epochs(self) -> list[Epoch]:
        """All epochs of this journal, oldest first."""
        rows = self._rows("SELECT id, base, opened_at FROM epoch ORDER BY number")
        return [Epoch(identity, base, at) for identity, base, at in rows]

    def sealed(self) -> list[SealedRun]:
        """Facts of sealed epochs that are still here, oldest first; split around damage."""
        oldest, epochs = self.oldest(), self.epochs()
        if len(epochs) == 1:
            return []
        damages = self.damages()
        found: list[SealedRun] = []
        through = epochs[-1].base
        for epoch in reversed(epochs[:-1]):  # what is beyond a later base belongs to the later one
            holes = [hole for hole in damages if epoch.base < hole[1] and hole[0] <= through]
            first = max(epoch.base + 1, oldest)
            runs: list[SealedRun] = []
            for hole_first, hole_last in [*holes, (through + 1, through)]:
                if first < hole_first:
                    runs.append(SealedRun(epoch.id, first, min(hole_first - 1, through)))
                first = max(first, hole_last + 1)
            found = runs + found
            through = min(through, epoch.base)
        return found

    def baselines(self) -> dict[str, bytes]:
        """Counter baselines as of the last commit, name to what was stored."""
        return dict(self._rows("SELECT name, value FROM baseline"))

    def act_answer(self, act: str) -> bytes | None:
        """What was stored as the answer of an act; None: unknown act, or no answer stored."""
        with self._snapshot() as connection:
            row = connection.execute(
                "SELECT answer, last_seq FROM act WHERE id = ?", (act,)
            ).fetchone()
            if row is None or row[0] is not None or not self._segmented:
                return None if row is None else row[0]
            return segment_table.answer(connection, act, row[1])

    def act_range(self, act: str) -> tuple[int, int] | None:
        """First and last sequence number of an act; None when it is not known."""
        rows = self._rows("SELECT first_seq, last_seq FROM act WHERE id = ?", act)
        return (rows[0][0], rows[0][1]) if rows else None

    def watermarks(self) -> Watermarks:
        """What central has told, as far as it is committed here."""
        return Watermarks(
            **dict(self._rows("SELECT name, value FROM cursor WHERE name <> 'verified'"))
        )

    def verified_through(self) -> int:
        """Everything up to it was verified before."""
        rows = self._rows("SELECT value FROM cursor WHERE name = 'verified'")
        return rows[0][0] if rows else 0

    def telemetry_gaps(self) -> list[tuple[int, int]]:
        """Ranges of telemetry that were thinned, inclusive."""
        return self._rows("SELECT first_seq, last_seq FROM telemetry_gap ORDER BY first_seq")

    def prunings(self) -> list[tuple[int, int, int, str]]:
        """What retention deleted: (microseconds UTC, first seq, last seq, rule)."""
        return self._rows("SELECT at, first_seq, last_seq, rule FROM pruning ORDER BY at")

    def damages(self) -> list[tuple[int, int]]:
        """Ranges of facts in whose place certificates stand, because they were damaged here."""
        return self._rows(
            "SELECT first_seq, last_seq FROM pruning WHERE rule = 'damage' ORDER BY first_seq"
        )

    def verify(
        self, after_seq: int = 0, *, pause: Callable[[], None] = lambda: None
    ) -> Iterator[tuple[int, str]]:
        """Recompute the chain from the group after `after_seq` to the end.

        Args:
            after_seq: Where to begin.
            pause: Called between portions, where somebody else's work comes first.

        Yields:
            (first sequence number of a bad group, what is wrong); nothing: all is as committed.
        """
        epochs, certified = self.epochs(), {last for _, last in self.damages()}
        bases = {epoch.base for epoch in epochs}
        expected_seq: int | None = None
        expected_hash: bytes | None = None
        while groups := self.groups(after_seq, 2_000, 8 * 1024 * 1024):
            for group in groups:
                starts = group.first_seq - 1 in bases and group.previous == GENESIS_HASH
                starts = starts or group.first_seq - 1 in certified
                wrong = ""
                if expected_seq is not None and group.first_seq != expected_seq:
                    wrong = f"the next group begins at {group.first_seq}"
                elif len(group.events) != group.last_seq - group.first_seq + 1:
                    wrong = "events of this group are missing"
                elif not starts and expected_hash not in (None, group.previous):
                    wrong = "the chain is broken before it"
                elif not _is_whole(group):
                    wrong = "its hash is not that of its events"
                # The agent may work meanwhile: a new epoch chains anew, retention takes away.
                if wrong and self.epochs() != epochs:
                    yield from self.verify(after_seq, pause=pause)
                    return
                at = group.first_seq if expected_seq is None else min(expected_seq, group.first_seq)
                if wrong and at >= self.oldest():
                    yield at, wrong
                expected_seq, expected_hash = group.last_seq + 1, group.hash
                after_seq = group.last_seq
            pause()


def _events_of(segment: tuple[StoredGroup, ...], after_seq: int, limit: int) -> list[StoredEvent]:
    found: list[StoredEvent] = []
    for group in segment:
        if group.last_seq <= after_seq:
            continue
        found += [
            StoredEvent(seq, group.schema, data)
            for seq, data in enumerate(group.events, start=group.first_seq)
            if seq > after_seq
        ]
        if len(found) >= limit:
            break
    return found[:limit]


def _is_whole(group: StoredGroup) -> bool:
    """Whether the events are those that were hashed; a flipped bit may even change a type."""
    if any(type(event) is not bytes for event in group.events):
        return False
    return chain_hash(group.previous, group.events) == group.hash
