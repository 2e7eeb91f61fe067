"""What came out again: of a lot a part or all, and the link says both."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lineside.contracts import events as ev
from lineside.contracts.units import NumberTaken, Quantity, Thing, ThingKind

VALVE = Thing(kind=ThingKind.UNIT, item="VA", id="VA-1")
OIL = Thing(kind=ThingKind.LOT, item="OIL", id="L-1", issuer="Mill A")
LITRES = {"unit": "l"}


@pytest.fixture
def fact(at):
    def make(kind, when, **fields):
        moment = at(when)
        return kind(occurred_at=moment, recorded_at=moment, station="S1", **fields)

    return make


@pytest.fixture
def links(client):
    def found(part: str = "made_from", **query):
        query = query or {"serial": "VA-1"}
        path = "lots" if "lot" in query else "units"
        answer = client.get(f"/api/v1/trace/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["history"][part]["links"]

    return found


def litres(value: str) -> Quantity:
    return Quantity(value=Decimal(value), unit="l")


def told(link) -> tuple[str, str, str | None]:
    return link["quantity"], link["removed_quantity"], link["valid_until"]


def test_a_part_taken_out_reduces_the_link_and_the_rest_ends_it(links, report, fact) -> None:
    """The recall of the lot finds the piece as long as something of it is in."""
    report.edge("a")
    refs = report(
        "a",
        fact(ev.Consumed, "08:00:00", material=OIL, quantity=litres("3"), into=VALVE),
        fact(ev.ComponentRemoved, "09:00:00", component=OIL, out_of=VALVE, quantity=litres("1")),
    )
    assert told(links()[0]) == ("3", "1", None)
    assert links()[0]["removed_by"]["seq"] == refs[1].seq
    assert told(links("went_into", lot="L-1")[0]) == ("3", "1", None)

    report("a", fact(ev.ComponentRemoved, "10:00:00", component=OIL, out_of=VALVE))
    assert told(links()[0]) == ("3", "3", "2026-11-24T10:00:00Z")


def test_a_removal_takes_the_oldest_first_and_a_later_filling_stands(links, report, fact) -> None:
    report.edge("a")
    report(
        "a",
        fact(ev.Consumed, "08:00:00", material=OIL, quantity=litres("2"), into=VALVE),
        fact(ev.Consumed, "08:30:00", material=OIL, quantity=litres("2"), into=VALVE),
        fact(ev.ComponentRemoved, "09:00:00", component=OIL, out_of=VALVE, quantity=litres("3")),
        fact(ev.Consumed, "09:30:00", material=OIL, quantity=litres("1"), into=VALVE),
    )
    assert sorted(told(link) for link in links()) == [
        ("1", "0", None),
        ("2", "1", None),
        ("2", "2", "2026-11-24T09:00:00Z"),
    ]


def test_a_removal_that_is_taken_back_leaves_the_link_whole(links, report, fact) -> None:
    report.edge("a")
    _, removal = report(
        "a",
        fact(ev.Consumed, "08:00:00", material=OIL, quantity=litres("3"), into=VALVE),
        fact(ev.ComponentRemoved, "09:00:00", component=OIL, out_of=VALVE),
    )
    assert links()[0]["valid_until"]
    report("a", fact(ev.EventVoided, "09:05:00", voids=removal))
    assert told(links()[0]) == ("3", "0", None)
    assert links()[0]["removed_by"] is None


def test_the_lot_of_another_supplier_with_the_same_number_stays_in(links, report, fact) -> None:
    report.edge("a")
    other = Thing(kind=ThingKind.LOT, item="OIL", id="L-1", issuer="Mill B")
    report(
        "a",
        fact(ev.Consumed, "08:00:00", material=OIL, quantity=litres("3"), into=VALVE),
        fact(ev.Consumed, "08:00:00", material=other, quantity=litres("3"), into=VALVE),
        fact(ev.ComponentRemoved, "09:00:00", component=OIL, out_of=VALVE),
    )
    assert sorted(link["removed_quantity"] for link in links()) == ["0", "3"]


def test_a_part_that_arrives_before_its_consumption_reduces_it_all_the_same(
    links, report, fact
) -> None:
    for edge in ("a", "b"):
        report.edge(edge)
    out = {"component": OIL, "out_of": VALVE, "quantity": litres("1")}
    report("b", fact(ev.ComponentRemoved, "10:00:00", **out))
    report("a", fact(ev.Consumed, "09:00:00", material=OIL, quantity=litres("3"), into=VALVE))
    assert told(links()[0]) == ("3", "1", None)


def test_a_serial_number_of_no_lot_has_a_history_and_no_link(client, links, report, fact) -> None:
    report.edge("a")
    taken = NumberTaken(block="b", number=1)
    report("a", fact(ev.SerialAssigned, "08:00:00", unit=VALVE, order="WO-1", taken=taken))
    assert links() == []
    history = client.get("/api/v1/trace/units", params={"serial": "VA-1"}).json()["history"]
    assert history["made_from"]["nodes"][0]["lines"][0]["type"] == "serial_assigned"
