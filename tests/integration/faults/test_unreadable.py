"""Facts that central cannot read, or of which it does not know what they name."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from lineside.central.downlink.handlers import DownlinkListeners
from lineside.central.downlink.publisher import Publisher
from lineside.central.ingest.event_store import PostgresEventStore
from lineside.central.ingest.inbound import Inbound
from lineside.central.ingest.quarantine import count_waiting, waiting
from lineside.central.projections.runner import Runner
from lineside.central.wiring import listeners, readers
from lineside.contracts import codec
from lineside.contracts import events as ev
from lineside.contracts.codec import GENESIS_HASH, chain_hash, encode_event
from lineside.contracts.envelope import Ack, Batch, Group, Hello, pack, unpack
from lineside.contracts.units import Quantity, Thing, ThingKind

EPOCH = "0123456789abcdef"


def unit(number: str) -> Thing:
    return Thing(kind=ThingKind.UNIT, item="VA", id=number)


class Sender:
    """An edge that sends bytes as it likes, through ingest into the database."""

    def __init__(self, engine, clock, edge: str) -> None:
        self._edge, self._clock = edge, clock
        self._inbound = Inbound(PostgresEventStore(engine, now=clock.now()), clock=clock)
        self._seq, self._hash = 0, GENESIS_HASH
        hello = Hello(
            edge=edge, epoch=EPOCH, head_seq=0, head_hash=GENESIS_HASH.hex(), oldest_seq=1,
            cursor=0, desired_hash="", boot="b00", sent_at=clock.now(),
        )  # fmt: skip
        self._inbound.receive([(f"v1/{edge}/up/hello", pack(hello))])

    def __call__(self, *events: ev.Event | bytes, schema: int = 1) -> Ack:
        data = [one if isinstance(one, bytes) else encode_event(one) for one in events]
        previous, self._hash = self._hash, chain_hash(self._hash, data)
        group = Group(
            first_seq=self._seq + 1, schema=schema, previous=previous.hex(),
            hash=self._hash.hex(), events=tuple(msgspec.Raw(one) for one in data),
        )  # fmt: skip
        self._seq += len(data)
        batch = Batch(edge=self._edge, lane="facts", epoch=EPOCH, groups=(group,))
        ((_, answer),) = self._inbound.receive([(f"v1/{self._edge}/up/facts", pack(batch))])
        ack = unpack(answer, Ack)
        assert (ack.problem, ack.durable_through) == ("", self._seq)
        return ack


@pytest.fixture
def send(report, engine, clock):
    report.edge("line-1")
    return Sender(engine, clock, "line-1")


@pytest.fixture
def read(engine, clock):
    """Lets a central that has just started read."""

    def start() -> Runner:
        heard = listeners(DownlinkListeners(Publisher(engine, clock)))
        runner = Runner(engine, clock, readers(), heard)
        runner.take_up_again()
        runner.run_until_idle()
        return runner

    return start


@pytest.fixture
def fact(at):
    def make(kind: type[ev.Event], when: str, **fields: Any) -> ev.Event:
        moment = at(when)
        return kind(occurred_at=moment, recorded_at=moment, station="S1", **fields)

    return make


@pytest.fixture
def updated(monkeypatch):
    """This program becomes the one that reads schema 2."""

    def update() -> None:
        monkeypatch.setattr(codec, "SCHEMA", 2)
        monkeypatch.setitem(codec.UPCASTERS, 1, lambda document: document)

    return update


def rows(engine, statement: str) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(statement)).scalars())


@pytest.mark.fault("F-52")
@pytest.mark.fault("F-62")
def test_facts_of_a_newer_edge_are_kept_shown_and_read_after_an_update(
    send, read, fact, engine, client, updated
):
    """Acknowledged and in quarantine; nothing else waits; after the update it is as if in time."""
    send(fact(ev.UnitStarted, "09:00:00", unit=unit("1")))
    lot = Thing(kind=ThingKind.LOT, item="OIL", id="L-1")
    made = fact(ev.LotCreated, "09:10:00", lot=lot, quantity=Quantity(value=Decimal(5)))
    send(fact(ev.UnitFinished, "09:05:00", unit=unit("1")), made, schema=2)
    send(fact(ev.UnitFinished, "09:20:00", unit=unit("2")))
    read()

    with engine.connect() as connection:
        held = waiting(connection)
    assert [(one.type, one.code) for one in held] == [
        ("unit_finished", "message.unsupported_version"),
        ("lot_created", "message.unsupported_version"),
    ]
    assert "Update this program" in held[0].why
    assert "lineside_quarantine_events 2.0" in client.get("/metrics").text
    assert rows(engine, "SELECT type FROM thing_line ORDER BY occurred_at") == [
        "unit_started",
        "unit_finished",
    ]

    updated()
    read()
    read()  # once more changes nothing
    assert rows(engine, "SELECT type FROM thing_line WHERE type LIKE 'unit%'") == [
        "unit_started",
        "unit_finished",
        "unit_finished",
    ]
    assert [one["lot"] for one in client.get("/api/v1/mes/lots").json()["items"]] == ["L-1"]
    with engine.connect() as connection:
        assert count_waiting(connection) == 0
    assert rows(engine, "SELECT problem FROM reader_problem") == []


@pytest.mark.fault("F-52")
@pytest.mark.fault("F-62")
def test_what_nobody_can_read_is_stored_acknowledged_and_holds_up_nobody(send, read, fact, engine):
    """A type that does not exist here, a known one without its fields, no JSON object at all."""
    unknown = b'{"type":"teleported","occurred_at":5,"recorded_at":5,"station":"S1"}'
    send(unknown, fact(ev.UnitStarted, "09:00:00", unit=unit("1")))
    send(b'{"type":"unit_finished","occurred_at":5}', b"[]")
    send(fact(ev.UnitFinished, "09:20:00", unit=unit("1")))
    read()
    read()

    assert len(rows(engine, "SELECT position FROM raw_event")) == 5
    with engine.connect() as connection:
        assert [one.type for one in waiting(connection)] == ["teleported", "unit_finished", ""]
    assert rows(engine, "SELECT type FROM thing_line ORDER BY occurred_at") == [
        "unit_started",
        "unit_finished",
    ]
    with engine.begin() as connection:  # it is said for each reader that should have read it
        said = connection.execute(text("DELETE FROM reader_problem RETURNING problem")).scalars()
        assert all("Not an event" in one for one in said)


@pytest.mark.fault("F-52")
def test_a_fact_that_trips_a_reader_is_set_aside_alone(send, fact, engine, clock):
    """The reader that cannot take one fact takes all others of the same batch."""
    (trace,) = (one for one in readers() if one.name == "trace")
    real = trace.apply

    def apply(work, events):
        if any(getattr(one.event, "unit", None) == unit("2") for one in events):
            raise ZeroDivisionError
        real(work, events)

    trace.apply = apply
    send(*(fact(ev.UnitFinished, "09:00:00", unit=unit(number)) for number in "123"))
    Runner(engine, clock, [trace]).run_until_idle()
    assert len(rows(engine, "SELECT type FROM thing_line")) == 2
    with engine.begin() as connection:
        said = connection.execute(text("DELETE FROM reader_problem RETURNING problem")).scalars()
        assert list(said) == ["ZeroDivisionError: "]


@pytest.mark.fault("F-53")
def test_a_fact_about_something_unknown_stands_and_finds_it_later(send, read, fact, client):
    """A part is fitted before anybody said that it was made; the order is not known at all."""
    spool = Thing(kind=ThingKind.UNIT, item="SP", id="7")
    send(fact(ev.ComponentFitted, "09:00:00", component=spool, into=unit("1"), order="WO-X"))
    read()
    found = client.get("/api/v1/trace/units", params={"serial": "1"}).json()["history"]
    assert [link["order"] for link in found["made_from"]["links"]] == ["WO-X"]
    nodes = {node["id"]: node["lines"] for node in found["made_from"]["nodes"]}
    assert [line["type"] for line in nodes["7"]] == ["component_fitted"]

    send(fact(ev.UnitFinished, "08:00:00", unit=spool))
    read()
    found = client.get("/api/v1/trace/units", params={"serial": "1"}).json()["history"]
    nodes = {node["id"]: node["lines"] for node in found["made_from"]["nodes"]}
    assert [line["type"] for line in nodes["7"]] == ["unit_finished", "component_fitted"]


@pytest.mark.fault("F-21")
def test_a_chain_of_parts_holds_though_the_clocks_of_two_edges_disagree(report, fact, client):
    """The edge that made the part lives two hours ahead: the part is fitted before it is made."""
    spool = Thing(kind=ThingKind.UNIT, item="SP", id="7")
    for edge in ("line-1", "line-2"):
        report.edge(edge)
    report("line-1", fact(ev.UnitFinished, "11:00:00", unit=spool))
    report("line-2", fact(ev.ComponentFitted, "09:00:00", component=spool, into=unit("1")))
    back = client.get("/api/v1/trace/units", params={"serial": "1"}).json()["history"]
    nodes = back["made_from"]["nodes"]
    assert [node["id"] for node in nodes] == ["1", "7"]
    told = {line["type"]: line["occurred_at"] for line in nodes[1]["lines"]}
    assert told["unit_finished"] == "2026-11-24T11:00:00Z", "told as its edge told it"
    forward = client.get("/api/v1/trace/units", params={"serial": "7"}).json()["history"]
    assert "1" in {node["id"] for node in forward["went_into"]["nodes"]}
