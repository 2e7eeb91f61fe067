"""What central does with a message of an edge: pure but for the storage it is given.

Messages go in, answers come out after everything they acknowledge is durable. Nothing is
interpreted here: an event that central cannot read is stored and acknowledged like any other, and
marked.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

from lineside.central.ingest.arriving import check_live, malformed, new_event
from lineside.central.ingest.greeting import greet, two_agents
from lineside.central.ingest.leases import Leases
from lineside.central.ingest.storage import (
    EdgeRecord,
    EventStore,
    Gap,
    LaneState,
    StorageTransaction,
)
from lineside.contracts import topics
from lineside.contracts.clock import Clock
from lineside.contracts.codec import GENESIS_HASH, chain_hash
from lineside.contracts.envelope import (
    CREDIT_BATCHES,
    Ack,
    Batch,
    Group,
    Hello,
    Live,
    pack,
    unpack,
)
from lineside.contracts.errors import InvalidMessageError, LinesideError

Outgoing = tuple[str, bytes]
Greeted = Callable[[StorageTransaction, Hello], Sequence[Outgoing]]


Message = TypeVar("Message", Hello, Batch, Live)


class Inbound:
    """Takes messages of all edges.

    Args:
        store: Where facts are kept.
        clock: Stamps what arrives.
        without_backup: The site has declared that it has no backup; edges may prune by age alone.
        owner: Name of this process among several; see `leases.Leases`.
        on_greeted: Called in the transaction of each hello that is taken; answers desired state.

    Attributes:
        credit: How many batches each answer lets an edge have on their way.
    """

    def __init__(
        self,
        store: EventStore,
        *,
        clock: Clock,
        without_backup: bool = False,
        owner: str = "",
        on_greeted: Greeted | None = None,
    ) -> None:
        self._store, self._clock = store, clock
        self._without_backup = without_backup
        self.credit = CREDIT_BATCHES
        self._leases = Leases(owner)
        self._on_greeted = on_greeted

    def receive(self, messages: Sequence[tuple[str, bytes]]) -> list[Outgoing]:
        """Take messages in one transaction.

        Args:
            messages: (topic, payload) in the order of arrival.

        Returns:
            (topic, payload) to be sent; everything that they acknowledge is durable.
        """
        answers: list[Outgoing] = []
        life = self._store.incarnation
        self._leases.rolled_back()  # whatever an attempt before this one took
        with self._store.transaction() as work:
            # By edge, so that two processes take locks in one order; each edge's order stays.
            for topic, payload in sorted(messages, key=lambda message: message[0].split("/")[1:2]):
                answers += self._take(work, topic, payload)
        self._leases.committed()
        if self._store.incarnation != life:  # another server took over: every edge says hello
            answers += self.announce()
        return answers

    def release(self) -> None:
        """This process ends: another one may answer its edges at once."""
        with self._store.transaction() as work:
            self._leases.release(work)

    def announce(self) -> list[Outgoing]:
        """What edges are told when central is back, so that they need not wait for a timeout."""
        with self._store.transaction() as work:
            return [
                self._answer(LaneState(edge.id, "facts", edge.epoch, 0, None), problem="restarted")
                for edge in work.edges_heard()
            ]

    def busy(self, topics_of: Iterable[str], retry_after_s: int) -> list[Outgoing]:
        """Ask the senders of these topics to wait; nothing of theirs was stored. Asks no database.

        Args:
            topics_of: Topics on which they sent; what is no topic of an edge is left out.
            retry_after_s: How long they shall wait at least.
        """
        edges: set[str] = set()
        for topic in topics_of:
            with contextlib.suppress(InvalidMessageError):
                edges.add(topics.parse_up(topic)[0])
        return [
            self._answer(
                LaneState(edge, "facts", "", 0, None), problem="busy", retry_after_s=retry_after_s
            )
            for edge in sorted(edges)
        ]

    def _take(self, work: StorageTransaction, topic: str, payload: bytes) -> list[Outgoing]:
        now = self._clock.now()
        try:
            edge, channel = topics.parse_up(topic)
        except InvalidMessageError as problem:
            work.refuse("", problem.code, str(problem), now)
            return []
        record = work.edge(edge)
        if record is None or record.revoked:
            why = "is not enrolled" if record is None else "was revoked"
            work.refuse(edge, "ingest.not_enrolled", f"Edge {edge} {why}.", now)
            return []
        if not self._leases.holds(work, edge, now):
            return []  # another process has it, or resends reach this one after it fell silent
        try:
            return self._message(work, record, channel, payload)
        except LinesideError as problem:
            work.refuse(edge, problem.code, str(problem), now)
            return []

    def _message(
        self, work: StorageTransaction, record: EdgeRecord, channel: str, payload: bytes
    ) -> list[Outgoing]:
        if channel == "live":
            live = _from(record.id, unpack(payload, Live))
            check_live(live)
            work.save_live(live, self._clock.now())
            return []
        if channel == "hello":
            return self._hello(work, record, _from(record.id, unpack(payload, Hello)))
        batch = _from(record.id, unpack(payload, Batch))
        if batch.lane != channel:
            raise InvalidMessageError(f"Lane {batch.lane[:64]!r} came on the topic of {channel}.")
        return self._batch(work, batch)

    def _hello(self, work: StorageTransaction, record: EdgeRecord, hello: Hello) -> list[Outgoing]:
        states = greet(work, record, hello, self._clock.now())
        if states is None:
            fenced = LaneState(hello.edge, "facts", hello.epoch, 0, None)
            return [self._answer(fenced, welcome=True, problem="fenced")]
        missing = max(0, len(states) - 2)  # besides telemetry and facts
        notice = "two_agents" if states and two_agents(work, hello) else ""
        answers = [
            self._answer(state, welcome=True, sealed_missing=missing, notice=notice)
            for state in states
        ]
        if states and self._on_greeted is not None:
            answers += self._on_greeted(work, hello)
        return answers

    def _batch(self, work: StorageTransaction, batch: Batch) -> list[Outgoing]:
        now = self._clock.now()
        state = work.lane(batch.edge, batch.lane, batch.epoch)
        if state is None:  # central knows the epoch after a hello; `chain` makes the edge say one
            state = LaneState(batch.edge, batch.lane, batch.epoch, 0, None)
            return [self._answer(state, problem="chain")]
        problem = malformed(batch)
        if problem:
            work.refuse(batch.edge, "ingest.invalid", problem, now)
            return [self._answer(state, problem="invalid")]
        known = [group for group in batch.groups if group.first_seq <= state.durable_through]
        fresh = list(batch.groups[len(known) :])
        agreed, agreed_hash = 0, ""
        if batch.lane == "facts" and known:
            agreed, agreed_hash = _agreed(work, state, known)
            if agreed < _last(known[-1]):
                return [self._answer(state, problem="fork", agreed=(agreed, agreed_hash))]
        elif known and _last(known[-1]) > state.durable_through:
            fresh.insert(0, _behind(known[-1], state.durable_through))
        verdict = ""
        for group in fresh:
            verdict = self._group(work, state, group)
            if verdict:
                break
            agreed, agreed_hash = state.durable_through, group.hash
        work.save_lane(state, now)
        if verdict in ("chain", "invalid"):
            work.refuse(
                batch.edge,
                f"ingest.{verdict}",
                f"Lane {batch.lane} after {state.durable_through}: {verdict}.",
                now,
            )
        return [self._answer(state, problem=verdict, agreed=(agreed, agreed_hash))]

    def _group(self, work: StorageTransaction, state: LaneState, group: Group) -> str:
        """Take the next group; the answer is empty or the problem."""
        now = self._clock.now()
        events = [bytes(event) for event in group.events]
        previous, hashed = bytes.fromhex(group.previous), bytes.fromhex(group.hash)
        if state.lane == "facts":
            if group.first_seq != state.durable_through + 1:
                return "gap"
            if chain_hash(previous, events) != hashed:
                return "invalid"
            if state.head_hash and previous != state.head_hash:
                return "chain"
            if state.head_hash is None and previous != GENESIS_HASH:
                work.declare(
                    Gap(
                        state.edge,
                        state.lane,
                        state.epoch,
                        state.durable_through,
                        state.durable_through,
                        "what came before was not received by this database",
                        now,
                    )
                )
        elif group.first_seq > state.durable_through + 1:
            work.declare(
                Gap(
                    state.edge,
                    state.lane,
                    state.epoch,
                    state.durable_through + 1,
                    group.first_seq - 1,
                    "thinned by the edge",
                    now,
                )
            )
        last = len(events) - 1
        work.add(
            [
                new_event(
                    state,
                    data,
                    seq=group.first_seq + number,
                    schema=group.schema,
                    now=now,
                    group_hash=hashed if number == last and state.lane == "facts" else None,
                )
                for number, data in enumerate(events)
            ]
        )
        state.durable_through = group.first_seq + last
        state.head_hash = hashed if state.lane == "facts" else None
        state.reported_head = max(state.reported_head, state.durable_through)
        return ""

    def _answer(
        self,
        state: LaneState,
        *,
        welcome: bool = False,
        problem: str = "",
        agreed: tuple[int, str] = (0, ""),
        sealed_missing: int = 0,
        notice: str = "",
        retry_after_s: int = 0,
    ) -> Outgoing:
        ack = Ack(
            edge=state.edge,
            lane=state.lane,
            epoch=state.epoch,
            durable_through=state.durable_through,
            backed_up_through=(
                state.durable_through if self._without_backup else state.backed_up_through
            ),
            incarnation=self._store.incarnation,
            server_at=self._clock.now(),
            problem=problem,
            welcome=welcome,
            head_hash=(state.head_hash or b"").hex(),
            agreed_through=agreed[0],
            agreed_hash=agreed[1],
            credit=self.credit,
            sealed_missing=sealed_missing,
            notice=notice,
            retry_after_s=retry_after_s,
        )
        return topics.down(state.edge, "welcome" if welcome else "ack"), pack(ack)


def _from(edge: str, message: Message) -> Message:
    if message.edge != edge:
        raise InvalidMessageError(
            f"Edge {edge} sent a message in the name of {message.edge[:64]!r}.",
            hint="Look at that edge: its identity and its topic do not belong together.",
        )
    return message


def _last(group: Group) -> int:
    return group.first_seq + len(group.events) - 1


def _behind(group: Group, seq: int) -> Group:
    """The part of a telemetry group that comes after a number."""
    return msgspec.structs.replace(
        group, first_seq=seq + 1, events=group.events[seq + 1 - group.first_seq :]
    )


def _agreed(work: StorageTransaction, state: LaneState, groups: Sequence[Group]) -> tuple[int, str]:
    """Last event up to which the edge's groups are those that are stored here, and its hash.

    A hash stands for all before it, so one equal hash vouches for its group and every earlier one.
    """
    first = groups[0]
    ends = [first.first_seq - 1, *(_last(group) for group in groups)]
    stored = work.hashes(state.edge, state.lane, state.epoch, ends)
    agreed = (0, "")
    if stored.get(ends[0], GENESIS_HASH).hex() == first.previous:
        agreed = (ends[0], first.previous)
    for group in groups:
        if stored.get(_last(group), b"").hex() == group.hash:
            agreed = (_last(group), group.hash)
    return agreed
