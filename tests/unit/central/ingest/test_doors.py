"""When central asks to wait: credit by how full it is, doors that stay shut longer each time."""

import pytest
from psycopg import OperationalError

from lineside.central.ingest import doors
from lineside.central.ingest.inbound import Inbound
from lineside.central.ingest.memory_store import MemoryEventStore
from lineside.central.ingest.mqtt import BrokerAddress, IngestService
from lineside.contracts.clock import ManualClock
from lineside.contracts.envelope import CREDIT_BATCHES, Ack, Hello, pack, unpack


@pytest.mark.fault("F-41")
def test_credit_falls_as_the_inbox_fills_and_never_to_nothing():
    assert doors.credit(0.0) == CREDIT_BATCHES
    assert doors.credit(0.3) == 2
    assert [doors.credit(filled) for filled in (0.5, 0.9, 1.0, 3.0)] == [1] * 4


def test_doors_stay_shut_for_longer_each_time_up_to_half_a_minute(monkeypatch):
    now = [1_000.0]
    monkeypatch.setattr(doors.time, "monotonic", lambda: now[0])
    door = doors.Doors()

    waits = [door.close() for _ in range(8)]
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]
    assert not door.open
    now[0] += 30
    assert door.open
    door.opened()
    assert door.close() == 1


def test_a_sender_is_told_once_a_second(monkeypatch):
    now = [1_000.0]
    monkeypatch.setattr(doors.time, "monotonic", lambda: now[0])
    door = doors.Doors()

    assert [door.may_say_busy("a"), door.may_say_busy("a"), door.may_say_busy("b")] == [
        True, False, True,
    ]  # fmt: skip
    now[0] += 1.1
    assert door.may_say_busy("a")


def hello(edge: str) -> tuple[str, bytes]:
    said = Hello(
        edge=edge, epoch="ab", head_seq=0, head_hash="", oldest_seq=1, cursor=0, desired_hash="",
        boot="cd", sent_at=1,
    )  # fmt: skip
    return f"v1/{edge}/up/hello", pack(said)


class Away(MemoryEventStore):
    """A database that does not answer."""

    away = True
    asked = 0

    def transaction(self):
        if self.away:
            self.asked += 1
            raise OperationalError("could not extend file: No space left on device")
        return super().transaction()


@pytest.mark.fault("F-49")
def test_while_the_database_takes_nothing_every_sender_is_asked_to_wait():
    """A full disk, a pool without connections, a server that is gone: all the same to an edge."""
    store = Away()
    for edge in ("edge-1", "edge-2"):
        store.enrol(edge)
    service = IngestService(Inbound(store, clock=ManualClock(1)), BrokerAddress("127.0.0.1", 1))
    service._inbox.append(hello("edge-2"))

    answers = service._receive([hello("edge-1"), ("no/topic", b"")])

    acks = {topic: unpack(payload, Ack) for topic, payload in answers}
    assert sorted(acks) == ["v1/edge-1/down/ack", "v1/edge-2/down/ack"]
    assert {ack.problem for ack in acks.values()} == {"busy"}
    assert all(ack.retry_after_s == 1 for ack in acks.values())
    assert store.asked == 3  # a deadlock would have been over by then
    assert not service._inbox
    assert not service._doors.open

    store.away = False
    (answer,) = [topic for topic, _ in service._receive([hello("edge-1")])][-1:]
    assert answer == "v1/edge-1/down/welcome"
    assert service._doors.open


def test_answers_carry_the_credit_of_the_moment():
    store = MemoryEventStore()
    store.enrol("edge-1")
    inbound = Inbound(store, clock=ManualClock(1))
    inbound.credit = 2

    answers = inbound.receive([hello("edge-1")])

    assert {unpack(payload, Ack).credit for _, payload in answers} == {2}
