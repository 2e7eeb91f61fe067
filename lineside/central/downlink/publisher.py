"""Sends differences of the desired state: in answer to a hello, and at once when something changes.

A message that is lost is sent again after the next hello, whose cursor shows that it is missing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator

from sqlalchemy import Connection, Engine

from lineside.central.downlink import desired
from lineside.central.ingest.event_store import PostgresTransaction
from lineside.central.ingest.inbound import Outgoing
from lineside.central.ingest.storage import StorageTransaction
from lineside.central.kit.unit_of_work import transaction
from lineside.contracts import topics
from lineside.contracts.clock import Clock
from lineside.contracts.envelope import Desired, DesiredObject, Hello, pack

MESSAGE_OBJECTS_MAX = 500
MESSAGE_BODY_BYTES = 512 * 1024
AFTER_HELLO_MESSAGES_MAX = 50


class Publisher:
    """Knows how far each connected edge has been sent.

    Args:
        engine: Central's database.
        clock: Stamps what edges say.
    """

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine, self._clock = engine, clock
        self._lock = threading.Lock()
        self._sent: dict[str, int] = {}
        self.changed = threading.Event()

    def wake(self) -> None:
        """Something changed; callable from any thread, after the commit."""
        self.changed.set()

    def greeted(self, work: StorageTransaction, hello: Hello) -> list[Outgoing]:
        """What an edge lacks; called in the transaction of its hello."""
        assert isinstance(work, PostgresTransaction)
        connection = work.connection
        head = desired.head(connection, hello.edge)
        fits = head.floor <= hello.cursor <= head.position
        if hello.cursor == head.position:
            fits = hello.desired_hash == desired.content_hash(connection, hello.edge)
        if not fits:
            messages = list(_complete(connection, hello.edge, head.position))
        else:
            desired.record_cursor(connection, hello.edge, hello.cursor, at=self._clock.now())
            messages = list(_differences(connection, hello.edge, hello.cursor))
            messages = messages[:AFTER_HELLO_MESSAGES_MAX]
        with self._lock:
            self._sent[hello.edge] = messages[-1].through if messages else hello.cursor
        return [_outgoing(message) for message in messages]

    def push(self) -> list[Outgoing]:
        """What has changed for edges that have said hello to this process."""
        self.changed.clear()
        with self._lock:
            sent = dict(self._sent)
        if not sent:
            return []
        outgoing: list[Outgoing] = []
        with transaction(self._engine) as connection:
            for edge, position in desired.heads(connection).items():
                if edge not in sent or sent[edge] >= position:
                    continue
                messages = list(_differences(connection, edge, sent[edge]))
                outgoing += [_outgoing(message) for message in messages]
                with self._lock:
                    if messages and self._sent.get(edge) == sent[edge]:
                        self._sent[edge] = messages[-1].through
        return outgoing


def _differences(connection: Connection, edge: str, after: int) -> Iterator[Desired]:
    while objects := desired.differences(connection, edge, after, MESSAGE_OBJECTS_MAX):
        for part in _parts(objects):
            yield Desired(edge=edge, after=after, through=part[-1].position, objects=tuple(part))
            after = part[-1].position


def _complete(connection: Connection, edge: str, head: int) -> Iterator[Desired]:
    """Everything that is there, in parts that only count together."""
    objects = [
        item for item in desired.differences(connection, edge, 0, 1_000_000) if not item.gone
    ]
    parts = list(_parts(objects)) or [[]]
    after = 0
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        through = head if last else part[-1].position
        yield Desired(
            edge=edge,
            after=after,
            through=through,
            objects=tuple(part),
            complete=True,
            more=not last,
        )
        after = through


def _parts(objects: list[DesiredObject]) -> Iterator[list[DesiredObject]]:
    part: list[DesiredObject] = []
    size = 0
    for item in objects:
        more = len(bytes(item.body)) + 200
        if part and (len(part) >= MESSAGE_OBJECTS_MAX or size + more > MESSAGE_BODY_BYTES):
            yield part
            part, size = [], 0
        part.append(item)
        size += more
    if part:
        yield part


def _outgoing(message: Desired) -> Outgoing:
    return topics.down(message.edge, "desired"), pack(message)
