"""The invariants that look at central and at edges from outside."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from lineside.central.ingest.storage import NewEvent
from lineside.contracts import topics
from lineside.contracts.clock import US_PER_SECOND, Microseconds
from lineside.contracts.codec import GENESIS_HASH, chain_hash, decode_event
from lineside.contracts.envelope import Ack, unpack
from lineside.contracts.errors import LinesideError
from lineside.contracts.kpi import FactStore, Settings, Window, from_event
from lineside.contracts.kpi.errors import KpiInputError
from lineside.contracts.kpi.facts import AnyFact

from .central import SimulatedCentral
from .edge import SimulatedEdge
from .ledger import InvariantError, Ledger, digest

LaneKey = tuple[str, str, str]


@dataclass(slots=True)
class LaneWatch:
    """What was seen of a lane at central, event by event."""

    next_seq: int
    group: list[bytes] = field(default_factory=list[bytes])
    previous: bytes | None = None


@dataclass(slots=True)
class CentralWatch:
    """Follows central's log and looks at every event once.

    Attributes:
        ledgers: By edge, those whose facts central may have: the edge's own, and of its lost lives.
    """

    ledgers: dict[str, list[Ledger]] = field(default_factory=dict[str, list[Ledger]])
    lives: int = 0
    seen: list[NewEvent] = field(default_factory=list[NewEvent])
    keys: set[tuple[str, str, str, int]] = field(default_factory=set[tuple[str, str, str, int]])
    lanes: dict[LaneKey, LaneWatch] = field(default_factory=dict[LaneKey, LaneWatch])
    acknowledged: dict[tuple[str, str, str], int] = field(
        default_factory=dict[tuple[str, str, str], int]
    )
    checked: int = 0

    def follow(self, central: SimulatedCentral) -> None:
        """Look at what is new in the store.

        Raises:
            InvariantError: I1 to I4.
        """
        store = central.store
        events = store.tables.events
        if store.lives != self.lives:
            self.lives = store.lives
            self._another_database(events)
        for event in events[len(self.seen) :]:
            self._event(event, central)
        self.seen.extend(events[len(self.seen) :])
        for key, watch in self.lanes.items():
            lane = store.tables.lanes.get(key)
            if lane is None or lane.durable_through < watch.next_seq - 1:
                raise InvariantError("I3", f"{key}: stored to {watch.next_seq - 1}, said {lane}")

    def _another_database(self, events: list[NewEvent]) -> None:
        """Of the rows that were looked at already only their numbers are taken over."""
        common = 0
        for seen, now in zip(self.seen, events, strict=False):
            if seen is not now:
                break
            common += 1
        del self.seen[common:]
        self.keys.clear()
        self.lanes.clear()
        for event in self.seen:
            self.keys.add((event.edge, event.lane, event.epoch, event.seq))
            watch = self.lanes.setdefault(
                (event.edge, event.lane, event.epoch), LaneWatch(event.seq)
            )
            watch.next_seq = event.seq + 1
            watch.previous = event.group_hash or watch.previous

    def _event(self, event: NewEvent, central: SimulatedCentral) -> None:
        self.checked += 1
        key = (event.edge, event.lane, event.epoch, event.seq)
        if key in self.keys:
            raise InvariantError("I2", f"{key} is stored twice")
        self.keys.add(key)
        place = (event.epoch, event.seq)
        mine = digest(event.data)
        if not any(ledger.facts.get(place) == mine for ledger in self.ledgers[event.edge]):
            raise InvariantError("I1", f"{key} is not what that edge has committed")
        watch = self.lanes.get(key[:3])
        if watch is None:
            watch = self.lanes[key[:3]] = LaneWatch(event.seq)
            first = event.seq == 1
            watch.previous = GENESIS_HASH if first else None
        if event.seq != watch.next_seq:
            declared = any(
                (gap.edge, gap.lane, gap.epoch) == key[:3]
                and gap.first_seq <= watch.next_seq
                and gap.last_seq >= event.seq - 1
                for gap in central.store.tables.gaps
            )
            if not declared:
                raise InvariantError("I3", f"{key} came after {watch.next_seq - 1}")
            watch.previous = None
        watch.next_seq = event.seq + 1
        watch.group.append(event.data)
        if event.group_hash is not None:
            if watch.previous is not None:
                expected = chain_hash(watch.previous, watch.group)
                if expected != event.group_hash:
                    raise InvariantError("I4", f"{key} ends a group whose hash is another")
            watch.previous, watch.group = event.group_hash, []

    def answers(self, central: SimulatedCentral, messages: list[tuple[str, bytes]]) -> None:
        """Look at what central is about to say.

        Raises:
            InvariantError: I1: it acknowledges what it has not.
        """
        for topic, payload in messages:
            edge = topic.split("/")[1]
            if topic == topics.down(edge, "desired"):
                continue
            ack = unpack(payload, Ack)
            if ack.problem in {"restarted", "fenced"} or ack.lane != "facts":
                continue
            lane = central.store.tables.lanes.get((edge, "facts", ack.epoch))
            durable = lane.durable_through if lane is not None else 0
            if ack.durable_through > durable:
                raise InvariantError(
                    "I1", f"{edge}: {ack.durable_through} acknowledged, {durable} stored"
                )
            key = (edge, ack.incarnation, ack.epoch)
            self.acknowledged[key] = max(self.acknowledged.get(key, 0), ack.durable_through)


def check_watermark(edge: SimulatedEdge, watch: CentralWatch) -> None:
    """An edge believes only what central has said of this life of its database.

    Raises:
        InvariantError: I1.
    """
    agent = edge.running
    assert agent.sync is not None
    uplink = agent.sync.uplink
    believed = uplink.durable_through
    if believed <= agent.journal.epoch_base or not uplink.welcomed:
        return
    told = watch.acknowledged.get((edge.name, uplink._incarnation, agent.journal.epoch), 0)
    if believed > told:
        raise InvariantError("I1", f"{edge.name} believes {believed}, central said {told}")
    if believed > agent.journal.head():
        raise InvariantError("I1", f"{edge.name} believes {believed}, its head is below")


def lineage(edge: SimulatedEdge) -> list[tuple[str, int, int]]:
    """(epoch, first, last) of each epoch of the edge's present journal; later ones win."""
    journal = edge.running.journal
    head = journal.head()
    return [(epoch.id, epoch.base + 1, head) for epoch in journal.reader.epochs()]


@dataclass(slots=True)
class Arrived:
    """What of an edge's present journal was found at central, and the figures of it.

    Attributes:
        key: Life of central's database and epochs of the journal: another one begins anew.
        position: How much of central's log was looked at.
        through: Last fact that was compared.
        digests: Of facts that were found and not yet compared.
        figures: Of everything that was found.
    """

    key: tuple[int, tuple[tuple[str, int], ...]]
    figures: FactStore
    position: int = 0
    through: int = 0
    digests: dict[int, bytes] = field(default_factory=dict[int, bytes])


def _clipped(stretches: list[tuple[str, int, int]]) -> dict[str, tuple[int, int]]:
    """A journal that was rolled back twice has epochs that overlap: the later one counts."""
    found: dict[str, tuple[int, int]] = {}
    ceiling: int | None = None
    for epoch, first, last in reversed(stretches):
        end = last if ceiling is None else min(last, ceiling)
        if first <= end:
            found[epoch] = (first, end)
        ceiling = first - 1 if ceiling is None else min(ceiling, first - 1)
    return found


def check_arrived(
    edge: SimulatedEdge, central: SimulatedCentral, before: Arrived | None
) -> Arrived:
    """After a drain central has every fact of the journal, byte for byte.

    Args:
        edge: Drained.
        central: Running.
        before: What the last call returned.

    Raises:
        InvariantError: I1, I2.
    """
    journal = edge.running.journal
    calendar = edge.running.known.figures.calendar
    settings = Settings() if calendar is None else Settings.of(calendar)
    key = (central.store.lives, tuple((one.id, one.base) for one in journal.reader.epochs()))
    arrived = before
    if arrived is None or arrived.key != key or arrived.figures.settings != settings:
        arrived = Arrived(key, FactStore(settings), through=journal.oldest() - 1)
    stretches = _clipped(lineage(edge))
    log = central.store.tables.events
    for number in range(arrived.position, len(log)):
        event = log[number]
        first, last = stretches.get(event.epoch, (1, 0))
        if event.edge != edge.name or event.lane != "facts" or not first <= event.seq <= last:
            continue
        if event.seq in arrived.digests:
            raise InvariantError("I2", f"{edge.name}: central has {event.seq} twice")
        arrived.digests[event.seq] = digest(event.data)
        for fact in _facts(event):
            arrived.figures.add(fact)
    arrived.position = len(log)
    while stored := journal.read(arrived.through, 5_000):
        for item in stored:
            if arrived.digests.pop(item.seq, None) != digest(item.data):
                raise InvariantError("I1", f"{edge.name}: fact {item.seq} is not at central")
        arrived.through = stored[-1].seq
    return arrived


def _facts(event: NewEvent) -> list[AnyFact]:
    try:
        decoded = decode_event(event.data, schema=event.schema)
        return from_event(decoded, seq=event.seq, edge=event.edge)
    except (KpiInputError, LinesideError):
        return []  # as the edge's own projection leaves it out


def check_chain(edge: SimulatedEdge) -> None:
    """The edge's own journal verifies.

    Raises:
        InvariantError: I4.
    """
    for seq, why in edge.running.journal.reader.verify():
        raise InvariantError("I4", f"{edge.name}: {seq}: {why}")


def check_figures(edge: SimulatedEdge, arrived: Arrived, now: Microseconds) -> int:
    """Edge and central say the same of the same facts, to the last bit.

    Returns:
        How many windows were compared.

    Raises:
        InvariantError: I7.
    """
    agent = edge.running
    live = agent.known.figures
    if agent.runner.failures:
        raise InvariantError("I7", f"{edge.name}: {agent.runner.failures}")
    store = arrived.figures
    compared = 0
    hour = 3_600 * US_PER_SECOND
    for station in ("TURN", "GRIND"):
        for hours in (1, 8, 24):
            window = Window(unit=station, start=now - hours * hour, end=now)
            if window.start < live._figures.forgotten_before:
                continue
            here, there = live.result(window), store.window(window)
            if here != there:
                raise InvariantError(
                    "I7", f"{edge.name} {station}, {hours} h: edge {here}, central {there}"
                )
            compared += 1
    return compared


def refused(central: SimulatedCentral) -> Counter[str]:
    """Refusals that people can see, by code."""
    found: Counter[str] = Counter()
    for (_, code), count in central.store.tables.refusals.items():
        found[code] += count
    return found
