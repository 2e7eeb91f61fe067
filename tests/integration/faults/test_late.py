"""Facts that come after central has changed its mind: orders, edges, two stations, corrections."""

# ruff: noqa: TID252 - fixtures of the neighbours, which have no package name
from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from lineside.central.ingest.edges import enrol, revoke
from lineside.central.ingest.events import read_events
from lineside.central.ingest.mqtt import BrokerAddress
from lineside.central.kit.unit_of_work import transaction
from lineside.contracts import events as ev
from lineside.contracts.units import Quantity, Thing, ThingKind, Used
from lineside.edge_agent.sync.mqtt import Broker

from ..sync.stand import CLOCK, Central, count_stored, refusals, running_edge, until

ORDER = "/api/v1/mes/work-orders"
SP = Thing(kind=ThingKind.UNIT, item="SP", id="SP-1")


def ok(answer) -> Any:
    assert answer.is_success, answer.text
    return answer.json()


@pytest.fixture
def plant(client):
    """Two edges, one order of two operations, released."""
    for edge in ("line-1", "line-2"):
        ok(client.post("/api/v1/mes/edges", json={"id": edge}))
    for edge, station, counts in (
        ("line-1", "turn", "unit"),
        ("line-2", "grind", "unit"),
        ("line-2", "pack", "declaration"),
    ):
        body = {"id": station, "edge": edge, "line": edge, "counts_from": counts}
        ok(client.post("/api/v1/mes/stations", json=body))
    ok(client.post("/api/v1/mes/items", json={"id": "SP", "name": "SP"}))
    steps = [
        {"operation": "10", "stations": ["turn"]},
        {"operation": "20", "stations": ["pack"]},
    ]
    ok(client.post("/api/v1/mes/routings", json={"id": "R", "item": "SP", "operations": steps}))
    ok(client.post(ORDER, json={"id": "WO-1", "item": "SP", "quantity": "10"}))
    ok(client.post(f"{ORDER}/WO-1/release"))
    return client


@pytest.fixture
def fact(at):
    def make(event: type[ev.Event], when: str, station: str = "turn", /, **fields: Any) -> ev.Event:
        moment = at(when)
        return event(occurred_at=moment, recorded_at=moment, station=station, **fields)

    return make


def made(fact, when: str, station: str = "turn", operation: str = "10", **fields: Any) -> ev.Event:
    return fact(
        ev.UnitFinished, when, station, unit=SP, order="WO-1", operation=operation, **fields
    )


def operation(plant, number: int) -> dict[str, Any]:
    return ok(plant.get(f"{ORDER}/WO-1/progress"))["operations"][number]


@pytest.mark.fault("F-64")
@pytest.mark.fault("F-68")
@pytest.mark.parametrize("act", ["cancel", "finish", "hold"])
def test_facts_of_an_order_that_ended_meanwhile_land_and_are_counted(plant, report, fact, act):
    """The edge was offline when it was cancelled; what was made was made."""
    ok(plant.post(f"{ORDER}/WO-1/{act}", json={"reason": "x"} if act == "hold" else None))
    report(
        "line-1",
        fact(ev.OrderStarted, "09:00:00", order="WO-1", operation="10"),
        made(fact, "09:05:00"),
    )
    assert operation(plant, 0)["good"] == "1"
    lines = ok(plant.get("/api/v1/trace/units", params={"serial": "SP-1"}))["history"]
    assert [one["type"] for one in lines["made_from"]["nodes"][0]["lines"]] == ["unit_finished"]
    assert ok(plant.get(f"{ORDER}/WO-1"))["state"] != "released"


@pytest.mark.fault("F-64")
def test_a_fact_carries_the_revision_by_which_it_was_made(plant, report, fact):
    """The routing was changed while the edge was offline; the old one is told with the piece."""
    steps = [{"operation": "99", "stations": ["turn"]}]
    ok(plant.put("/api/v1/mes/routings/R", json={"operations": steps}, headers={"If-Match": '"1"'}))
    report("line-1", made(fact, "09:05:00", used=Used(routing="R1", program="O17")))
    found = ok(plant.get("/api/v1/trace/units", params={"serial": "SP-1"}))["history"]
    (line,) = found["made_from"]["nodes"][0]["lines"]
    assert line["detail"]["used"] == {"routing": "R1", "program": "O17"}
    assert operation(plant, 0)["good"] == "1"


@pytest.mark.fault("F-64")
async def test_an_edge_works_on_by_the_revision_that_it_has(line):
    """Offline it knows nothing newer; the piece names what it was made by, and is not refused."""
    await line.signals(state=6, sequence=0, total=0, scrap=0, program="O17")
    for scan in ("B-1", "WO-1", "LOT-BAR-1", "SP18-0001"):
        await line.must(scan)
    (started,) = line.events("unit_started")
    assert started.used == Used(routing="R4", program="O17")


@pytest.mark.fault("F-65")
def test_two_stations_that_finish_one_piece_both_stand(plant, report, fact):
    """Both facts are shown with their edges; the piece counts once for each operation."""
    report("line-1", made(fact, "09:00:00"))
    report("line-2", made(fact, "09:00:10", "grind"))
    found = ok(plant.get("/api/v1/trace/units", params={"serial": "SP-1"}))["history"]
    lines = found["made_from"]["nodes"][0]["lines"]
    assert [(one["station"], one["evidence"]["edge"]) for one in lines] == [
        ("turn", "line-1"),
        ("grind", "line-2"),
    ]
    assert operation(plant, 0)["good"] == "1"


@pytest.mark.fault("F-66")
def test_a_corrected_quantity_counts_and_both_facts_stay(plant, report, fact, engine):
    """Nothing is edited: two facts, a link, a reason, and the later one counts."""
    shares = {"order": "WO-1", "operation": "20"}
    (wrong,) = report(
        "line-2",
        fact(
            ev.QuantityDeclared, "09:00:00", "pack", kind="scrap",
            quantity=Quantity(value=Decimal(20)),
            **shares,
        ),
    )  # fmt: skip
    report(
        "line-2",
        fact(
            ev.QuantityDeclared, "09:10:00", "pack", kind="scrap",
            quantity=Quantity(value=Decimal(2)),
            corrects=wrong, reason="typing error", by=("P-1",), **shares,
        ),
    )  # fmt: skip
    assert operation(plant, 1)["scrap"] == "2"
    with engine.connect() as connection:
        first, second = (one.event() for one in read_events(connection, 0, 10))
    assert isinstance(first, ev.QuantityDeclared)
    assert first.quantity.value == 20
    assert (second.corrects, second.reason, second.by) == (wrong, "typing error", ("P-1",))


@pytest.mark.fault("F-68")
async def test_facts_of_a_revoked_edge_wait_there_and_land_when_it_is_let_in_again(
    embedded, engine, tmp_path
):
    """Refused and said, never dropped: the edge keeps what was not acknowledged."""
    with Central(engine, BrokerAddress("127.0.0.1", embedded.port), "edge-1"):
        async with running_edge(tmp_path, Broker("127.0.0.1", embedded.port)) as edge:
            edge.tell("before")
            await until(edge.drained, "the edge is drained")
            with transaction(engine) as connection:
                assert revoke(connection, "edge-1", now=CLOCK.now())
            edge.tell("under way")
            await until(lambda: "ingest.not_enrolled" in refusals(engine), "it is refused")
            assert (count_stored(engine), edge.journal.head()) == (1, 2)
            with transaction(engine) as connection:
                enrol(connection, "edge-1", now=CLOCK.now())
            await until(edge.drained, "what waited has landed")
    assert count_stored(engine) == 2
