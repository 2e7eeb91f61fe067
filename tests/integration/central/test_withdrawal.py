"""Passports go when nothing open at the edge needs them; the numbers stay for a late scan."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from lineside.central.downlink import desired
from lineside.contracts import events as ev
from lineside.contracts.commands import decode_document
from lineside.contracts.units import Thing, ThingKind


def ok(answer):
    assert answer.status_code < 300, answer.text
    return answer.json()


def spool(number: int) -> Thing:
    return Thing(kind=ThingKind.UNIT, item="SP", id=f"SP-{number}")


@pytest.fixture
def fact(at):
    def make(kind, when, **fields):
        moment = at(when)
        return kind(occurred_at=moment, recorded_at=moment, station="turn", **fields)

    return make


@pytest.fixture
def documents(engine):
    def found(edge: str, kind: str):
        with engine.connect() as connection:
            objects = desired.differences(connection, edge, 0, 10_000)
        return [
            decode_document(bytes(one.body)) for one in objects if one.kind == kind and not one.gone
        ]

    return found


@pytest.fixture
def plant(client, report, fact):
    """Spools of two operations on two lines; a valve of line-2 consumes them."""
    for edge in ("line-1", "line-2"):
        ok(client.post("/api/v1/mes/edges", json={"id": edge}))
    for station, edge in (("turn", "line-1"), ("grind", "line-2"), ("bench", "line-2")):
        ok(client.post("/api/v1/mes/stations", json={"id": station, "edge": edge}))
    for item, steps in (
        ("SP", [("10", "turn"), ("20", "grind")]),
        ("VA", [("10", "bench")]),
    ):
        ok(client.post("/api/v1/mes/items", json={"id": item, "name": item}))
        operations = [
            {"operation": operation, "name": operation, "stations": [station]}
            for operation, station in steps
        ]
        body = {"id": f"R-{item}", "item": item, "operations": operations}
        ok(client.post("/api/v1/mes/routings", json=body))
    line = {"item": "SP", "quantity": "1", "operation": "10", "tracking": "serial"}
    ok(client.post("/api/v1/mes/boms", json={"id": "B", "item": "VA", "lines": [line]}))
    for order, item in (("WO-1", "SP"), ("WO-2", "VA")):
        body = {"id": order, "item": item, "quantity": "9"}
        ok(client.post("/api/v1/mes/work-orders", json=body))
    ok(client.post("/api/v1/mes/work-orders/WO-1/release"))
    report(
        "line-1",
        *(
            fact(ev.UnitFinished, "08:00:00", unit=spool(n), order="WO-1", operation="10")
            for n in (1, 2)
        ),
    )
    return client


def close(client, order: str) -> None:
    ok(client.post(f"/api/v1/mes/work-orders/{order}/finish"))


def test_closing_an_order_withdraws_its_passports_and_leaves_the_numbers(
    plant, documents, engine
) -> None:
    assert len(documents("line-2", "unit_passport")) == 2
    with engine.connect() as connection:
        before = desired.head(connection, "line-2").position
    close(plant, "WO-1")
    assert documents("line-2", "unit_passport") == []
    (listed,) = documents("line-2", "closed_units")
    assert (listed.order, listed.item, listed.state) == ("WO-1", "SP", "finished")
    assert listed.units == ("SP-1", "SP-2")
    with engine.connect() as connection:
        changes = desired.differences(connection, "line-2", before, 100)
        positions = [one.position for one in changes]
        assert len(set(positions)) == len(positions) == 4
        assert desired.head(connection, "line-2").position == max(positions)


def test_a_passport_that_an_open_order_needs_stays_until_that_one_closes(plant, documents) -> None:
    ok(plant.post("/api/v1/mes/work-orders/WO-2/release"))
    close(plant, "WO-1")
    assert len(documents("line-2", "unit_passport")) == 2, "the valves may still take them"
    assert documents("line-2", "closed_units") == []
    close(plant, "WO-2")
    assert documents("line-2", "unit_passport") == []
    (listed,) = documents("line-2", "closed_units")
    assert (listed.order, listed.units) == ("WO-1", ("SP-1", "SP-2"))


def test_components_of_an_order_that_is_open_keep_their_passports(plant, documents) -> None:
    ok(plant.post("/api/v1/mes/work-orders/WO-2/release"))
    close(plant, "WO-2")
    assert len(documents("line-2", "unit_passport")) == 2


def test_a_fact_that_comes_late_brings_no_passport_back(plant, documents, report, fact) -> None:
    close(plant, "WO-1")
    late = fact(ev.UnitFinished, "08:30:00", unit=spool(3), order="WO-1", operation="10")
    report("line-1", late)
    assert documents("line-2", "unit_passport") == []


def test_a_new_order_that_needs_them_gets_them_again(plant, documents) -> None:
    close(plant, "WO-1")
    ok(plant.post("/api/v1/mes/work-orders/WO-2/release"))
    assert len(documents("line-2", "unit_passport")) == 2


def test_a_removed_lot_is_not_taken_for_a_unit(plant, documents, report, fact) -> None:
    oil = Thing(kind=ThingKind.LOT, item="SP", id="LOT-1")
    ok(plant.post("/api/v1/mes/work-orders/WO-2/release"))
    valve = Thing(kind=ThingKind.UNIT, item="VA", id="VA-1")
    report("line-1", fact(ev.ComponentRemoved, "08:30:00", component=oil, out_of=valve))
    assert {one.unit.id for one in documents("line-2", "unit_passport")} == {"SP-1", "SP-2"}


def test_numbers_of_orders_closed_long_ago_are_forgotten(plant, documents, engine) -> None:
    """At the next closing, half a year later."""
    close(plant, "WO-1")
    with engine.begin() as connection:
        connection.execute(text("UPDATE work_order SET closed_at = 0 WHERE id = 'WO-1'"))
    ok(plant.post("/api/v1/mes/work-orders/WO-2/release"))
    close(plant, "WO-2")
    assert documents("line-2", "closed_units") == []
