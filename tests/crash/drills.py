"""Restores, rollbacks and clones at random points (F-57 to F-60), with real files and a real base.

`python -m tests.crash.drills --count 30 --seed 1` plays one drill after another: an edge with a
journal on disk and central on PostgreSQL tell each other things over a wire that loses, doubles and
reorders; at a random moment one of them, or both, become an older copy of themselves. At the end
every fact that some surviving journal or database had is at central once, every chain verifies, and
whatever could not be saved is written down as a gap.
"""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from sqlalchemy import text

from lineside.central import embedded_postgres
from lineside.central.db import metadata, open_engine
from lineside.central.ingest import models
from lineside.central.ingest.edges import enrol
from lineside.central.ingest.event_store import PostgresEventStore
from lineside.central.ingest.inbound import Inbound
from lineside.central.ingest.incarnation import mint_incarnation
from lineside.central.kit.unit_of_work import transaction
from lineside.contracts.clock import US_PER_SECOND, ManualClock
from lineside.contracts.codec import GENESIS_HASH, chain_hash
from lineside.contracts.events import SignedOn
from lineside.edge_agent.journal.store import Journal
from lineside.edge_agent.sync.actions import Action, Notice, OpenEpoch, Publish, Remember
from lineside.edge_agent.sync.uplink import Uplink

EDGE = "edge-1"
STEPS_MAX = 2_000
START = 1_700_000_000_000_000


class DrillFailedError(AssertionError):
    """Something was lost, doubled, or not noticed."""


class Central:
    """PostgreSQL with copies of itself that it can be put back to."""

    def __init__(self, server: embedded_postgres.EmbeddedPostgres, clock: ManualClock) -> None:
        self._server, self._clock = server, clock
        self._admin = open_engine(server.dsn("postgres"), pool_connections=1)
        self._copies = 0
        self._sql("DROP DATABASE IF EXISTS drill WITH (FORCE)", "CREATE DATABASE drill")
        self._open()
        tables = [t for t in vars(models).values() if t in metadata.sorted_tables]
        metadata.create_all(self.engine, tables=tables)
        with transaction(self.engine) as connection:
            enrol(connection, EDGE, now=clock.now())
        self._serve()

    def _sql(self, *statements: str) -> None:
        with self._admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for statement in statements:
                connection.execute(text(statement))

    def _open(self) -> None:
        self.engine = open_engine(self._server.dsn("drill"), pool_connections=2)

    def _serve(self) -> None:
        self.store = PostgresEventStore(self.engine, now=self._clock.now())
        self.inbound = Inbound(self.store, clock=self._clock)

    def close(self) -> None:
        self.engine.dispose()
        for number in range(1, self._copies + 1):
            self._sql(f"DROP DATABASE IF EXISTS drill_{number}")
        self._sql("DROP DATABASE IF EXISTS drill WITH (FORCE)")
        self._admin.dispose()

    def copy(self) -> int:
        """A backup; its number."""
        self._copies += 1
        self.engine.dispose()
        self._sql(f"CREATE DATABASE drill_{self._copies} TEMPLATE drill")
        self._open()
        self._serve()
        return self._copies

    def restore(self, number: int) -> None:
        """Become an older copy, as the restore command does it."""
        self.engine.dispose()
        self._sql(
            "DROP DATABASE drill WITH (FORCE)", f"CREATE DATABASE drill TEMPLATE drill_{number}"
        )
        self._open()
        with transaction(self.engine) as connection:
            now = self._clock.now()
            mint_incarnation(connection, now, above=now // US_PER_SECOND)
        self._serve()

    def enrol_again(self) -> None:
        """Lift the fence, as the command does it."""
        with transaction(self.engine) as connection:
            enrol(connection, EDGE, now=self._clock.now())

    def facts(self) -> list[str]:
        with self.engine.connect() as connection:
            rows = connection.execute(text("SELECT data FROM raw_event ORDER BY position"))
            return [told(bytes(row.data)) for row in rows]

    def durable(self, epoch: str) -> int | None:
        with self.engine.connect() as connection:
            return connection.execute(
                text(
                    "SELECT durable_through FROM lane_watermark"
                    " WHERE lane = 'facts' AND epoch = :epoch"
                ),
                {"epoch": epoch},
            ).scalar_one_or_none()

    def refusals(self) -> set[str]:
        with self.engine.connect() as connection:
            return set(connection.execute(text("SELECT code FROM ingest_refusal")).scalars())

    def gaps(self) -> list[tuple[str, int, int]]:
        with self.engine.connect() as connection:
            rows = connection.execute(text("SELECT epoch, first_seq, last_seq FROM event_gap"))
            return [(row.epoch, row.first_seq, row.last_seq) for row in rows]

    def check_chains(self) -> None:
        """No undeclared hole below a watermark; each group's hash is that of its facts."""
        with self.engine.connect() as connection:
            rows = connection.execute(
                text(
                    "SELECT epoch, seq, data, group_hash FROM raw_event WHERE lane = 'facts'"
                    " ORDER BY epoch, seq"
                )
            ).all()
        declared = {(epoch, last) for epoch, _, last in self.gaps()}
        epoch, expected, previous, group = "", 0, GENESIS_HASH, list[bytes]()
        for row in rows:
            if row.epoch != epoch:
                epoch, expected, previous = row.epoch, row.seq, GENESIS_HASH
            known = True
            if row.seq != expected:
                known = False
                if (row.epoch, row.seq - 1) not in declared:
                    raise DrillFailedError(f"hole before {row.seq} of {row.epoch}")
            expected = row.seq + 1
            group.append(bytes(row.data))
            if row.group_hash is not None:
                if known and chain_hash(previous, group) != bytes(row.group_hash):
                    raise DrillFailedError(f"the chain breaks at {row.seq} of {row.epoch}")
                previous, group = bytes(row.group_hash), []


def told(data: bytes) -> str:
    return str(msgspec.json.decode(data)["reason"])


class Edge:
    """An agent's journal on disk and its uplink; it can be copied and put back."""

    def __init__(self, folder: Path, clock: ManualClock, chance: random.Random) -> None:
        self.folder, self._clock, self._chance = folder, clock, chance
        self.notices: dict[str, str] = {}
        self.open()

    def open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.journal = Journal.open(
            self.folder / "journal.db", clock=self._clock, ballast_bytes=0, verify_after_s=3_600
        )
        self.uplink = Uplink(
            EDGE,
            self.journal,
            clock=self._clock,
            desired=lambda: (0, ""),
            chance=random.Random(self._chance.random()),
            sealed=self.journal.reader.sealed,
        )

    def copy(self, name: str) -> Path:
        """An image of the disk, taken while the agent was switched off."""
        self.journal.close()
        image = self.folder.with_name(name)
        shutil.copytree(self.folder, image)
        self.open()
        return image

    def become(self, image: Path) -> None:
        """The disk is what it was when the image was taken."""
        self.journal.close()
        shutil.rmtree(self.folder)
        shutil.copytree(image, self.folder)
        self.open()

    def lose_journal(self) -> None:
        """The disk is new."""
        self.journal.close()
        shutil.rmtree(self.folder)
        self.open()

    def facts(self) -> list[str]:
        found: list[str] = []
        after = 0
        while read := self.journal.read(after, 5_000):
            found += [told(event.data) for event in read]
            after = read[-1].seq
        return found


@dataclass
class Drill:
    """One edge, or an edge and its clone, and central; a wire between that is not to be trusted."""

    central: Central
    folder: Path
    clock: ManualClock
    chance: random.Random
    edges: list[Edge] = field(default_factory=list)
    rising: list[tuple[Edge, str, bytes]] = field(default_factory=list)
    falling: list[tuple[Edge, str, bytes]] = field(default_factory=list)
    numbers: int = 0
    images: int = 0

    def edge(self) -> Edge:
        edge = Edge(self.folder / f"edge-{len(self.edges)}", self.clock, self.chance)
        self.edges.append(edge)
        self.connect(edge)
        return edge

    def clone(self, image: Path) -> Edge:
        folder = self.folder / f"edge-{len(self.edges)}"
        shutil.copytree(image, folder)
        return self.edge()

    def close(self) -> None:
        for edge in self.edges:
            edge.journal.close()
        self.central.close()

    def image_of(self, edge: Edge) -> Path:
        self.images += 1
        image = edge.copy(f"image-{self.images}")
        self.connect(edge)
        return image

    def connect(self, edge: Edge) -> None:
        self._do(edge, edge.uplink.disconnected())
        self._do(edge, edge.uplink.connected())

    def central_is_back(self) -> None:
        """What was on the wire is gone; every edge comes back."""
        self.rising.clear()
        self.falling.clear()
        for edge in self.edges:
            self.connect(edge)

    def tell(self, edge: Edge) -> None:
        """Some facts in some commit groups."""
        now = self.clock.now()
        for _ in range(self.chance.randint(1, 6)):
            count = self.chance.randint(1, 90)
            texts = [f"{self.numbers + number}" for number in range(count)]
            self.numbers += count
            edge.journal.append_now(
                [SignedOn(occurred_at=now, recorded_at=now, reason=text_) for text_ in texts]
            )

    def _do(self, edge: Edge, actions: Sequence[Action]) -> None:
        for action in actions:
            match action:
                case Publish():
                    self.rising.append((edge, action.topic, action.payload))
                case Remember():
                    self._check_acknowledged(edge, int(action.changes["durable_through"]))
                    edge.journal.set_watermarks(**action.changes).result()
                case OpenEpoch():
                    edge.journal.begin_epoch(action.base).result()
                    self._do(edge, edge.uplink.epoch_opened())
                case Notice():
                    edge.notices[action.code] = action.text or edge.notices.get(action.code, "")

    def _check_acknowledged(self, edge: Edge, through: int) -> None:
        stored = self.central.durable(edge.journal.epoch)
        if stored is not None and through > max(stored, edge.journal.epoch_base):
            raise DrillFailedError(f"acknowledged {through}, stored {stored}")

    def _wire(self, messages: list[tuple[Edge, str, bytes]]) -> list[tuple[Edge, str, bytes]]:
        taken, messages[:] = list(messages), []
        if self.chance.random() < 0.3:
            self.chance.shuffle(taken)
        arrived: list[tuple[Edge, str, bytes]] = []
        for message in taken:
            if self.chance.random() < 0.1:
                continue
            arrived.append(message)
            if self.chance.random() < 0.1:
                messages.append(message)
        return arrived

    def step(self) -> None:
        for edge, topic, payload in self._wire(self.falling):
            self._do(edge, edge.uplink.received(topic, payload))
        for _, topic, payload in self._wire(self.rising):
            answers = self.central.inbound.receive([(topic, payload)])
            # Both clones hear what central says to their one name.
            self.falling += [(one, *answer) for one in self.edges for answer in answers]
        self.clock.advance(US_PER_SECOND)
        for edge in self.edges:
            self._do(edge, edge.uplink.tick())
            self._do(edge, edge.uplink.head_moved())

    def work(self, steps: int) -> None:
        """Facts come and rise for a while, whatever is on its way at the end."""
        for _ in range(steps):
            for edge in self.edges:
                if self.chance.random() < 0.5:
                    self.tell(edge)
            self.step()

    def until(self, condition: Callable[[], bool], what: str) -> None:
        for _ in range(STEPS_MAX):
            if condition():
                return
            self.step()
        raise DrillFailedError(f"never came: {what}")

    def drain(self, *edges: Edge) -> None:
        """Until central has everything that these edges have."""
        for edge in edges or self.edges:
            self.until(
                lambda edge=edge: (
                    edge.uplink.welcomed
                    and edge.uplink.durable_through
                    == edge.journal.head()
                    == self.central.durable(edge.journal.epoch)
                ),
                "everything is at central",
            )

    def check(self, must_have: set[str]) -> None:
        """Everything once, chains whole."""
        facts = Counter(self.central.facts())
        lost = must_have - facts.keys()
        if lost:
            raise DrillFailedError(f"lost: {sorted(lost, key=int)[:5]} and more, {len(lost)}")
        doubled = [fact for fact, count in facts.items() if count > 1]
        if doubled:
            raise DrillFailedError(f"doubled: {doubled[:5]}")
        self.central.check_chains()


def restored(drill: Drill) -> None:
    """F-57: central is put back to a backup; the edge brings what it forgot."""
    edge = drill.edge()
    drill.work(drill.chance.randint(2, 12))
    backup = drill.central.copy()
    drill.work(drill.chance.randint(2, 12))
    known = edge.uplink.durable_through
    drill.central.restore(backup)
    lost = known > (drill.central.durable(edge.journal.epoch) or 0)
    drill.central_is_back()
    drill.work(3)
    drill.drain()
    if lost and "sync.central_lost_events" not in edge.notices:
        raise DrillFailedError("the restore of central was not noticed")
    drill.check(set(edge.facts()))


def rolled_back(drill: Drill) -> None:
    """F-58: the edge's disk is put back; central keeps what only it has."""
    edge = drill.edge()
    drill.work(drill.chance.randint(2, 10))
    image = drill.image_of(edge)
    drill.work(drill.chance.randint(3, 12))
    edge.become(image)
    had = set(drill.central.facts())
    ahead = (drill.central.durable(edge.journal.epoch) or 0) > edge.journal.head()
    drill.central_is_back()
    drill.work(3)
    drill.drain()
    if ahead and "sync.restored_here" not in edge.notices:
        raise DrillFailedError("the rollback of the edge was not noticed")
    drill.check(had | set(edge.facts()))


def cloned(drill: Drill) -> None:
    """F-59: an image runs beside its original; one is fenced, nothing of either is lost."""
    edge = drill.edge()
    drill.work(drill.chance.randint(2, 8))
    clone = drill.clone(drill.image_of(edge))
    drill.work(drill.chance.randint(3, 10))
    # Each says hello every 30 s: the one that comes back after the other was heard shows that two
    # are alive.
    drill.until(lambda: "ingest.two_agents" in drill.central.refusals(), "the clone is noticed")
    drill.until(lambda: any("sync.fenced" in e.notices for e in drill.edges), "one is fenced")
    drill.until(lambda: any("sync.two_agents" in e.notices for e in drill.edges), "both hear it")
    drill.work(3)
    fenced = next(one for one in drill.edges if "sync.fenced" in one.notices)
    (winner,) = [one for one in (edge, clone) if one is not fenced]
    drill.drain(winner)
    drill.check(set(winner.facts()))
    # The winner is switched off, the other is enrolled again: what it kept comes now.
    drill.edges.remove(winner)
    had = set(winner.facts())
    winner.journal.close()
    drill.central.enrol_again()
    drill.central_is_back()
    drill.drain(fenced)
    drill.check(had | set(fenced.facts()))


def both_restored(drill: Drill) -> None:
    """F-60: both become older copies, of different moments."""
    edge = drill.edge()
    drill.work(drill.chance.randint(2, 8))
    first, image, backup = drill.chance.random() < 0.5, None, 0
    for take_image in (first, not first):
        if take_image:
            image = drill.image_of(edge)
        else:
            backup = drill.central.copy()
        drill.work(drill.chance.randint(1, 8))
    assert image is not None
    edge.become(image)
    drill.central.restore(backup)
    had = set(drill.central.facts())
    drill.central_is_back()
    drill.work(3)
    drill.drain()
    drill.check(had | set(edge.facts()))


def journal_destroyed(drill: Drill) -> None:
    """The edge's disk is new: what only it had is declared lost, in numbers."""
    edge = drill.edge()
    drill.work(drill.chance.randint(2, 10))
    drill.until(lambda: edge.uplink.welcomed, "central has heard the edge")
    epoch = edge.journal.epoch
    drill.until(lambda: (drill.central.durable(epoch) or 0) > 0, "something is stored")
    drill.tell(edge)
    drill.connect(edge)
    drill.until(lambda: edge.uplink.welcomed, "central has heard of the last facts")
    head, had = edge.journal.head(), set(drill.central.facts())
    stored = drill.central.durable(epoch) or 0
    edge.lose_journal()
    drill.central_is_back()
    drill.work(3)
    drill.drain()
    gaps = [gap for gap in drill.central.gaps() if gap[0] == epoch]
    if stored < head and gaps != [(epoch, stored + 1, head)]:
        raise DrillFailedError(f"lost {stored + 1} to {head}, declared {gaps}")
    drill.check(had | set(edge.facts()))


def sealed_and_restored(drill: Drill) -> None:
    """F-57 over epochs: central is put back to before the edge sealed one; it gets both again."""
    edge = drill.edge()
    drill.work(drill.chance.randint(1, 6))
    backup = drill.central.copy()
    drill.work(drill.chance.randint(1, 6))
    image = drill.image_of(edge)
    drill.drain()
    drill.tell(edge)
    drill.drain()
    edge.become(image)
    drill.central_is_back()
    drill.work(3)
    drill.drain()
    drill.central.restore(backup)
    drill.central_is_back()
    drill.work(2)
    drill.drain()
    drill.check(set(edge.facts()))


KINDS = (restored, rolled_back, cloned, both_restored, journal_destroyed, sealed_and_restored)


def play(
    server: embedded_postgres.EmbeddedPostgres,
    folder: Path,
    seed: int,
    kind: Callable[[Drill], None],
) -> None:
    """One drill.

    Raises:
        DrillFailedError: Something was lost, doubled, or not noticed.
    """
    chance, clock = random.Random(seed), ManualClock(START)
    drill = Drill(Central(server, clock), folder, clock, chance)
    try:
        kind(drill)
    finally:
        drill.close()


def campaign(count: int, seed: int) -> dict[str, int]:
    """So many drills, kind after kind; how many of each were played.

    Raises:
        DrillFailedError: The text names the kind and the seed that plays it again.
    """
    played: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as scratch:
        server = embedded_postgres.start(Path(scratch) / "pg", options={"fsync": "off"})
        try:
            for number in range(count):
                kind = KINDS[number % len(KINDS)]
                folder = Path(scratch) / f"drill-{number}"
                try:
                    play(server, folder, seed + number, kind)
                except Exception as problem:
                    problem.add_note(f"drill {kind.__name__}, seed {seed + number}")
                    raise
                shutil.rmtree(folder)
                played[kind.__name__] += 1
        finally:
            embedded_postgres.stop(server)
    return dict(played)


def main() -> int:
    """Play drills; 1 when one fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args()
    began = time.monotonic()
    played = campaign(wanted.count, wanted.seed)
    sys.stdout.write(f"{played} in {time.monotonic() - began:.0f} s: nothing lost, nothing twice\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
