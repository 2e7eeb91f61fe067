"""Work of a journal under which the power may go, and what must be found afterwards."""

from __future__ import annotations

import contextlib
import hashlib
import random
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from unittest import mock

from lineside.contracts.clock import ManualClock
from lineside.contracts.events import SignedOn
from lineside.contracts.units import Act
from lineside.edge_agent.journal import maintenance, schema, writer
from lineside.edge_agent.journal.medium import Medium
from lineside.edge_agent.journal.packing import pack_oldest
from lineside.edge_agent.journal.reading import JournalReader
from lineside.edge_agent.journal.retention import prune
from lineside.edge_agent.journal.store import Journal
from tests.crash.library import ApswLibrary, journal_on
from tests.crash.tape import Op, RecordingDisk, Tape

TELEMETRY_EVENTS_MAX = 30
COUNTER = "press/count"
# Everything that a journal knows, but for the mark up to which it was verified.
_CONTENTS = (
    "SELECT seq, schema, data FROM event ORDER BY seq",
    "SELECT * FROM event_group ORDER BY first_seq",
    "SELECT * FROM segment ORDER BY first_seq",
    "SELECT seq, data FROM telemetry ORDER BY seq",
    "SELECT * FROM telemetry_gap ORDER BY first_seq",
    "SELECT * FROM act ORDER BY id",
    "SELECT * FROM baseline ORDER BY name",
    "SELECT * FROM cursor WHERE name <> 'verified' ORDER BY name",
    "SELECT * FROM epoch ORDER BY number",
    "SELECT * FROM pruning ORDER BY at, first_seq",
    "SELECT * FROM opened",
)


def open_plainly(path: Path, clock: ManualClock) -> Journal:
    """The journal without what it does about its disk beside SQLite."""
    return Journal.open(
        path,
        clock=clock,
        telemetry_events_max=TELEMETRY_EVENTS_MAX,
        ballast_bytes=0,
        examine=lambda _: Medium(),
        verify_after_s=3_600,
    )


def contents(reader: JournalReader) -> str:
    """Digest of all that a journal knows."""
    digest = hashlib.sha256()
    for query in _CONTENTS:
        digest.update(repr(reader._rows(query)).encode())
    return digest.hexdigest()


@dataclass(slots=True)
class Recording:
    """A tape, and what the journal knew after each step.

    A note on the tape carries the number of a step, and in `file` whether it `began` or was
    `confirmed`.
    """

    tape: Tape = field(default_factory=Tape)
    states: list[str] = field(default_factory=list[str])

    def note(self, what: str, step: int) -> None:
        self.tape.ops.append(Op("note", what, step=step))

    def between(self, cut: int) -> tuple[int, int]:
        """Last confirmed and last begun step at a cut; 0: not even created."""
        confirmed = begun = 0
        for op in self.tape.ops[:cut]:
            if op.kind == "note":
                confirmed = op.step if op.file == "confirmed" else confirmed
                begun = max(begun, op.step)
        return confirmed, begun


class Work:
    """Random appends, acts, telemetry, retention, packing, new epochs and restarts in turn."""

    def __init__(self, path: Path, chance: random.Random, recording: Recording) -> None:
        self._path = path
        self._chance = chance
        self._recording = recording
        self._clock = ManualClock(1_000_000)
        self._pieces = 0
        self._step = 0
        self._journal = self._create()

    def _create(self) -> Journal:
        self._begin()
        journal = self._open()
        self._recording.note("confirmed", self._step)
        self._recording.states += ["", contents(journal.reader)]  # step 0 is no journal at all
        return journal

    def _open(self) -> Journal:
        journal = open_plainly(self._path, self._clock)
        # In the writer's thread and before it goes on: a checkpoint must not hide a late note.
        journal.on_commit(lambda *_: self._recording.note("confirmed", self._step))
        return journal

    def _begin(self) -> None:
        self._step += 1
        self._recording.note("began", self._step)

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self._clock.advance(1_000_000)
            self._begin()
            self._chance.choice(
                (self._append,) * 12 + (self._act, self._telemetry) * 2 + self._rare
            )()
            self._recording.note("confirmed", self._step)
            self._recording.states.append(contents(self._journal.reader))
        self._journal.close()

    def _event(self, act: Act | None = None) -> SignedOn:
        self._pieces += 1
        text = f"{self._pieces} " + "x" * self._chance.choice((0, 10, 300, 3_000))
        return SignedOn(occurred_at=1, recorded_at=2, reason=text, act=act)

    def _append(self) -> None:
        events = [self._event() for _ in range(self._chance.choice((1, 1, 2, 5, 20)))]
        self._journal.append_now(events, baselines={COUNTER: b"%d" % self._pieces})

    def _act(self) -> None:
        size = self._chance.randint(1, 4)
        act = Act(id=f"act-{self._step}", size=size)
        self._journal.append_now(
            [self._event(act) for _ in range(size)],
            baselines={COUNTER: b"%d" % self._pieces},
            answer=b"yes",
        )

    def _telemetry(self) -> None:
        events = [SignedOn(occurred_at=1, recorded_at=2, reason="t" * 200) for _ in range(7)]
        self._journal.append_now(events, lane="telemetry")

    def _retention(self) -> None:
        """Central knows all but the last few; the disk is nearly full."""
        known = max(0, self._journal.head() - self._chance.randint(0, 10))
        self._journal.set_watermarks(durable_through=known).result()
        self._recording.note("confirmed", self._step)
        self._recording.states.append(contents(self._journal.reader))
        self._begin()
        prune(self._journal, used_share=0.9)

    def _pack(self) -> None:
        pack_oldest(self._journal, plain_events=self._chance.choice((0, 5)), segment_events=12)

    def _epoch(self) -> None:
        self._journal.begin_epoch(self._journal.head()).result()

    def _restart(self) -> None:
        self._journal.close()
        self._journal = self._open()

    @property
    def _rare(self) -> tuple:
        return (self._retention, self._epoch, self._restart, self._pack, self._pack)


def _epoch_of(chance: random.Random) -> str:
    return f"{chance.getrandbits(64):016x}"


def record(folder: Path, seed: str, *, steps: int, synchronous: str = "FULL") -> Recording:
    """Let a journal work on a recording disk.

    Args:
        folder: Empty.
        seed: Decides everything, SQLite's own random numbers included.
        steps: How many acts of the journal.
        synchronous: What the journal's pragma of that name becomes; other than FULL is a planted
            fault.
    """
    import apsw

    chance = random.Random(seed)
    recording = Recording()
    disk = RecordingDisk("recording", recording.tape, chance.getrandbits(32))
    library = ApswLibrary(
        lambda text: text.replace("synchronous=FULL", f"synchronous={synchronous}")
    )
    checkpoint_pages = chance.choice((4, 10, 30, 100, 1_000))
    epochs = random.Random(chance.getrandbits(32))
    try:
        apsw.randomness(0)  # SQLite forgets its seed and asks this disk for a new one
        with contextlib.ExitStack() as stack:
            stack.enter_context(journal_on(library))
            for module in (schema, maintenance):
                stack.enter_context(
                    mock.patch.object(module, "mint_epoch", partial(_epoch_of, epochs))
                )
            stack.enter_context(
                mock.patch.object(writer, "CHECKPOINT_BYTES", checkpoint_pages * writer.PAGE_BYTES)
            )
            Work(folder / "journal.db", chance, recording).run(steps)
    finally:
        disk.unregister()
    return recording
