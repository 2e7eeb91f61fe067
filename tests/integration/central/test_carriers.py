"""Carriers at central: declared rules, contents over time, and who is told what is in them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lineside.central.downlink import desired
from lineside.contracts import events as ev
from lineside.contracts.commands import decode_document
from lineside.contracts.units import Quantity, Thing, ThingKind

BOX = Thing(kind=ThingKind.CARRIER, item="", id="CAR-7")


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
def plant(client, report):
    """An order whose second operation belongs to another line."""
    for edge in ("line-1", "line-2", "line-3"):
        ok(client.post("/api/v1/mes/edges", json={"id": edge}))
    for station, edge in (("turn", "line-1"), ("grind", "line-2")):
        ok(client.post("/api/v1/mes/stations", json={"id": station, "edge": edge}))
    ok(client.post("/api/v1/mes/items", json={"id": "SP", "name": "Spool"}))
    steps = [
        {"operation": "10", "name": "turning", "stations": ["turn"]},
        {"operation": "20", "name": "grinding", "stations": ["grind"]},
    ]
    ok(client.post("/api/v1/mes/routings", json={"id": "R", "item": "SP", "operations": steps}))
    ok(client.post("/api/v1/mes/work-orders", json={"id": "WO-1", "item": "SP", "quantity": "10"}))
    ok(client.post("/api/v1/mes/work-orders/WO-1/release"))
    return client


@pytest.fixture
def passport(engine):
    """The passport of the box in the desired state of an edge."""

    def found(edge: str, kind: str = "carrier_passport"):
        with engine.connect() as connection:
            objects = desired.differences(connection, edge, 0, 10_000)
        documents = [
            decode_document(bytes(one.body)) for one in objects if one.kind == kind and not one.gone
        ]
        return documents[0] if documents else None

    return found


def inside(document) -> list[str]:
    return [one.thing.id for one in document.contents]


def test_contents_descend_to_the_line_of_the_next_operation(plant, report, fact, passport) -> None:
    """Partial transfer: the first carrier is known there while the order runs on."""
    put = {"carrier": BOX, "order": "WO-1"}
    report(
        "line-1",
        fact(ev.PutInCarrier, "08:00:00", content=spool(1), **put),
        fact(ev.PutInCarrier, "08:01:00", content=spool(2), **put),
    )
    assert inside(passport("line-2")) == ["SP-1", "SP-2"]
    assert [one.order for one in passport("line-2").contents] == ["WO-1", "WO-1"]
    assert passport("line-1") is None, "it saw all of it"
    assert passport("line-3") is None, "nothing of it is routed there"

    report("line-2", fact(ev.TakenOutOfCarrier, "09:00:00", content=spool(1), carrier=BOX))
    told = passport("line-1")
    assert inside(told) == ["SP-2"]
    assert (told.epoch, told.through) == ("epochline1", 2)
    assert inside(passport("line-2")) == ["SP-2"]

    report("line-2", fact(ev.TakenOutOfCarrier, "09:10:00", content=spool(2), carrier=BOX))
    assert inside(passport("line-1")) == [], "an edge that thinks it is full is told"
    assert passport("line-2") is None, "by what it saw itself nothing is in it"


def test_a_move_that_is_taken_back_is_told(plant, report, fact, passport) -> None:
    (ref,) = report(
        "line-1", fact(ev.PutInCarrier, "08:00:00", content=spool(1), carrier=BOX, order="WO-1")
    )
    assert inside(passport("line-2")) == ["SP-1"]
    report("line-1", fact(ev.EventVoided, "08:01:00", voids=ref))
    assert passport("line-2") is None


def test_where_it_went_and_what_was_in_it_at_a_moment(plant, report, fact) -> None:
    lot = Thing(kind=ThingKind.LOT, item="OIL", id="L-1")
    two = Quantity(value=Decimal(2), unit="l")
    report(
        "line-1",
        fact(ev.PutInCarrier, "08:00:00", content=spool(1), carrier=BOX),
        fact(ev.PutInCarrier, "08:30:00", content=lot, carrier=BOX, quantity=two),
        fact(ev.TakenOutOfCarrier, "09:00:00", content=spool(1), carrier=BOX),
    )
    path = "/api/v1/mes/carriers"
    now = ok(plant.get(path, params={"carrier": "CAR-7"}))
    assert [(one["id"], one["quantity"]) for one in now["contents"]] == [("L-1", "2")]
    assert [(one["id"], one["direction"]) for one in now["moves"]] == [
        ("SP-1", "in"), ("L-1", "in"), ("SP-1", "out"),
    ]  # fmt: skip
    then = ok(plant.get(path, params={"carrier": "CAR-7", "as_of": "2026-11-24T08:45:00Z"}))
    assert [one["id"] for one in then["contents"]] == ["SP-1", "L-1"]
    history = ok(plant.get("/api/v1/trace/units", params={"serial": "SP-1"}))["history"]
    (stay,) = history["carriers"]
    assert (stay["carrier"], stay["taken_out_at"]) == ("CAR-7", "2026-11-24T09:00:00Z")
    assert plant.get(path, params={"carrier": "X"}).status_code == 404


def test_types_descend_to_every_edge_and_a_wrong_pattern_is_refused(plant, passport) -> None:
    body = {"id": "box", "pattern": r"CAR-\d+", "capacity": "20", "item_mix": False}
    ok(plant.post("/api/v1/mes/carrier-types", json=body))
    for edge in ("line-1", "line-3"):
        assert passport(edge, "carrier_type").capacity == 20
    ok(plant.post("/api/v1/mes/edges", json={"id": "line-4"}))
    assert passport("line-4", "carrier_type").carrier_type == "box"
    wrong = plant.post("/api/v1/mes/carrier-types", json=body | {"id": "x", "pattern": "(a+)+"})
    assert wrong.status_code == 422
    change = {name: value for name, value in body.items() if name != "id"} | {"active": False}
    path = "/api/v1/mes/carrier-types/box"
    ok(plant.put(path, json=change, headers={"If-Match": '"1"'}))
    assert passport("line-1", "carrier_type") is None


def test_rights_are_those_of_master_data_and_trace(plant, client, token_of) -> None:
    headers = {"Authorization": f"Bearer {token_of('operator')}"}
    assert client.get("/api/v1/mes/carrier-types", headers=headers).status_code == 200
    answer = client.post("/api/v1/mes/carrier-types", json={"id": "b"}, headers=headers)
    assert answer.status_code == 403


def test_the_history_of_a_carrier_says_what_went_in_and_out_and_where(plant, client, report, fact):
    """The trace of its number; what is in it now is the other answer."""
    content = {"carrier": BOX, "quantity": Quantity(value=Decimal(1), unit="pcs")}
    report(
        "line-1",
        fact(ev.PutInCarrier, "06:00:00", content=spool(1), by=("P-1",), **content),
        fact(ev.TakenOutOfCarrier, "06:05:00", content=spool(1), **content),
    )

    history = ok(client.get("/api/v1/trace/carriers", params={"carrier": "CAR-7"}))["history"]

    assert history["thing"] == {"kind": "carrier", "item": "", "id": "CAR-7", "issuer": ""}
    lines = history["made_from"]["nodes"][0]["lines"]
    assert [(one["type"], one["station"]) for one in lines] == [
        ("put_in_carrier", "turn"),
        ("taken_out_of_carrier", "turn"),
    ]
    assert lines[0]["detail"]["content"]["id"] == "SP-1"
    assert client.get("/api/v1/trace/carriers", params={"carrier": "CAR-8"}).status_code == 404
