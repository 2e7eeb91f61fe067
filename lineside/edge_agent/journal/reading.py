"""Reading a journal: for the agent beside its writer, and for the command line without one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lineside.contracts.codec import GENESIS_HASH, chain_hash
from lineside.edge_agent.journal.groups import ACT_EVENTS_MAX, Lane
from lineside.edge_agent.journal.records import (
    Epoch,
    SealedRun,
    StoredEvent,
    StoredGroup,
    Watermarks,
)
from lineside.edge_agent.journal.schema import connect_reader

READ_EVENTS_MAX = 10_000


class JournalReader:
    """Reads from any thread through one connection that cannot write."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._connection = connect_reader(path)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def _rows(self, query: str, *arguments: object) -> list[Any]:
        # Everything is fetched under the lock: an open cursor would hold the WAL back.
        with self._lock:
            return self._connection.execute(query, arguments).fetchall()

    def read(self, after_seq: int, limit: int, lane: Lane = "facts") -> list[StoredEvent]:
        """Events after a sequence number, rising, at most `limit` (and never more than 10,000)."""
        table = "event" if lane == "facts" else "telemetry"
        rows = self._rows(
            f"SELECT seq, schema, data FROM {table} WHERE seq > ? ORDER BY seq LIMIT ?",  # noqa: S608
            after_seq,
            min(limit, READ_EVENTS_MAX),
        )
        return [StoredEvent(seq, schema, data) for seq, schema, data in rows]

    def groups(
        self, after_seq: int, max_events: int, max_bytes: int, lane: Lane = "facts"
    ) -> list[StoredGroup]:
        """Whole commit groups after a sequence number; at least one, if there is any.

        Args:
            after_seq: The group that holds `after_seq + 1` comes first, whole.
            max_events: Bound of the sum; the first group may pass it.
            max_bytes: Bound of the sum of bytes as stored; the first group may pass it.
            lane: Telemetry has no stored groups: its runs without gap are handed out as groups.
        """
        if lane == "telemetry":
            return self._telemetry_runs(after_seq, max_events, max_bytes)
        heads = self._rows(
            "SELECT first_seq, last_seq, schema, previous, hash, committed_at FROM event_group"
            " WHERE last_seq > ? AND first_seq >= ? ORDER BY first_seq LIMIT ?",
            after_seq,
            after_seq + 1 - ACT_EVENTS_MAX,
            max(1, max_events) + ACT_EVENTS_MAX,
        )
        chosen = [
            head
            for number, head in enumerate(heads)
            if number == 0 or head[1] - heads[0][0] + 1 <= max_events
        ]
        if not chosen:
            return []
        rows = self._rows(
            "SELECT seq, data FROM event WHERE seq BETWEEN ? AND ? ORDER BY seq",
            chosen[0][0],
            chosen[-1][1],
        )
        found: list[StoredGroup] = []
        size = taken = 0
        for first, last, schema, previous, hashed, at in chosen:
            start = taken
            while taken < len(rows) and rows[taken][0] <= last:
                taken += 1
            events = tuple(data for _, data in rows[start:taken])
            size += sum(map(len, events))
            if found and size > max_bytes:
                break
            found.append(StoredGroup(first, last, schema, previous, hashed, at, events))
        return found

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
            query = "SELECT max(last_seq) FROM event_group"
        else:
            query = (
                "SELECT max(last) FROM (SELECT max(seq) AS last FROM telemetry"
                " UNION ALL SELECT max(last_seq) FROM telemetry_gap)"
            )
        return max(self._rows(query)[0][0] or 0, self.epoch().base if lane == "facts" else 0)

    def oldest(self) -> int:
        """First fact that is still here; `head + 1` when there is none."""
        (found,) = self._rows("SELECT min(first_seq) FROM event_group")[0]
        return found if found is not None else self.head() + 1

    def hash_at(self, seq: int) -> bytes:
        """Hash of the group that ends at `seq`; the genesis hash at the base of the epoch.

        Returns:
            Empty bytes where no group of the present epoch ends there.
        """
        if seq == self.epoch().base:
            return GENESIS_HASH
        rows = self._rows(
            "SELECT hash FROM event_group WHERE first_seq <= ? AND last_seq = ?"
            " ORDER BY first_seq DESC LIMIT 1",
            seq,
            seq,
        )
        return rows[0][0] if rows else b""

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
        rows = self._rows("SELECT answer FROM act WHERE id = ?", act)
        return rows[0][0] if rows else None

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

    def oldest_commit(self) -> tuple[int, int] | None:
        """(last seq, committed at) of the oldest group; None when there is none."""
        rows = self._rows(
            "SELECT last_seq, committed_at FROM event_group ORDER BY first_seq LIMIT 1"
        )
        return (rows[0][0], rows[0][1]) if rows else None

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


def _is_whole(group: StoredGroup) -> bool:
    """Whether the events are those that were hashed; a flipped bit may even change a type."""
    if any(type(event) is not bytes for event in group.events):
        return False
    return chain_hash(group.previous, group.events) == group.hash
