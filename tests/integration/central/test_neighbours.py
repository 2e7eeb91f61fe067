"""What was made beside a unit, and what they share."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lineside.contracts import events as ev
from lineside.contracts.units import Certainty, Quantity, Thing, ThingKind

BAR = Thing(kind=ThingKind.LOT, item="BAR", id="B-1", issuer="Mill A")
OTHER_BAR = Thing(kind=ThingKind.LOT, item="BAR", id="B-2", issuer="Mill A")
TRAY = Thing(kind=ThingKind.CARRIER, item="TRAY", id="T-9")


def spool(number: int) -> Thing:
    return Thing(kind=ThingKind.UNIT, item="SP-18", id=f"SP-{number}")


@pytest.fixture
def fact(at):
    def make(kind, when, station="turning", **fields):
        moment = at(when)
        return kind(occurred_at=moment, recorded_at=moment, station=station, **fields)

    return make


def piece(fact, number, minute, *, by="P-1", bar=BAR, tool="2", result="pass", order="WO-1"):
    """One spool: a minute on the machine, from a bar, with a tool."""
    common = {"unit": spool(number), "by": (by,), "order": order, "operation": "10"}
    return [
        fact(ev.UnitStarted, f"06:{minute:02}:00", **common),
        fact(
            ev.SignalChanged, f"06:{minute:02}:05", signal="tool", role="tool", value=tool
        ),
        fact(
            ev.Consumed,
            f"06:{minute:02}:10",
            material=bar,
            into=spool(number),
            certainty=Certainty.ONE_OF_THESE if number == 3 else Certainty.THIS_ONE,
            quantity=Quantity(value=Decimal("0.1"), unit="m"),
        ),
        fact(ev.UnitFinished, f"06:{minute:02}:50", result=result, **common),
    ]  # fmt: skip


@pytest.fixture
def shift(client, report, fact):
    """Seven spools one after the other: the bar changes after 4, the tool after 5, the person
    after 2; 3 and 6 lay in one tray."""
    client.post("/api/v1/mes/edges", json={"id": "line-1"}).raise_for_status()
    made = []
    for number in range(1, 8):
        made += piece(
            fact,
            number,
            10 + 2 * number,
            by="P-1" if number <= 2 else "P-2",
            bar=BAR if number <= 4 else OTHER_BAR,
            tool="2" if number <= 5 else "7",
            result="fail" if number == 5 else "pass",
        )
    made += [
        fact(ev.PutInCarrier, "06:40:00", "pack", content=spool(number), carrier=TRAY)
        for number in (3, 6)
    ]
    return report("line-1", *made)


def ask(client, serial="SP-3", **parameters):
    answer = client.get("/api/v1/trace/neighbours", params={"serial": serial, **parameters})
    assert answer.status_code == 200, answer.text
    return answer.json()


def shares(neighbour):
    return {(one["what"], one["id"]) for one in neighbour["shares"]}


def test_the_pieces_before_and_after_on_the_station_come_nearest_first(client, shift) -> None:
    (beside,) = ask(client, each_side=2)["beside"]

    assert beside["station"] == "turning"
    assert [one["id"] for one in beside["before"]] == ["SP-2", "SP-1"]
    assert [one["id"] for one in beside["after"]] == ["SP-4", "SP-5"]
    assert beside["after"][1]["result"] == "fail"
    assert beside["before"][0]["started_at"] == "2026-11-24T06:14:00Z"


def test_each_neighbour_says_what_it_shares(client, shift) -> None:
    (beside,) = ask(client)["beside"]
    found = {one["id"]: shares(one) for one in [*beside["before"], *beside["after"]]}

    order = ("order", "WO-1")
    assert beside["tools"] == ["2"]
    assert found["SP-2"] == {("lot", "B-1"), ("tool", "2"), order}
    assert found["SP-4"] == {("lot", "B-1"), ("tool", "2"), ("person", "P-2"), order}
    assert found["SP-5"] == {("tool", "2"), ("person", "P-2"), order}
    # A tool that was still in the spindle at the start counts: 6 began with it.
    assert found["SP-6"] == {("carrier", "T-9"), ("tool", "2"), ("person", "P-2"), order}
    assert found["SP-7"] == {("person", "P-2"), order}


def test_other_units_of_the_same_lot_and_carrier_are_counted_and_named(client, shift) -> None:
    lot, carrier = ask(client)["companions"]

    assert (lot["what"], lot["id"], lot["count"], lot["certain"]) == ("lot", "B-1", 3, False)
    assert [one["id"] for one in lot["units"]] == ["SP-1", "SP-2", "SP-4"]
    assert (carrier["what"], carrier["id"], carrier["units"]) == (
        "carrier",
        "T-9",
        [{"item": "SP-18", "id": "SP-6", "issuer": ""}],
    )


def test_an_attempt_that_was_taken_back_is_nobodys_neighbour(client, shift, report, fact) -> None:
    report("line-1", fact(ev.EventVoided, "06:50:00", voids=shift[7], reason="wrong scan"))

    (beside,) = ask(client)["beside"]

    assert [one["id"] for one in beside["before"]] == ["SP-1"]


def test_each_station_has_its_own_neighbours(client, shift, report, fact) -> None:
    for number, minute in ((5, 51), (3, 52)):
        report(
            "line-1",
            fact(
                ev.UnitFinished, f"06:{minute}:00", "test", unit=spool(number), order="WO-1",
                operation="20",
            ),
        )  # fmt: skip

    turning, test = ask(client)["beside"]

    assert (turning["station"], test["station"]) == ("turning", "test")
    assert [one["id"] for one in test["before"]] == ["SP-5"]
    assert test["before"][0]["started_at"] is None


def test_a_unit_that_no_station_finished_has_none(client, report, fact) -> None:
    client.post("/api/v1/mes/edges", json={"id": "line-1"}).raise_for_status()
    report("line-1", fact(ev.UnitStarted, "06:00:00", unit=spool(1), order="WO-1", operation="10"))

    assert ask(client, "SP-1") == {
        "item": "SP-18",
        "id": "SP-1",
        "issuer": "",
        "beside": [],
        "companions": [],
    }


def test_an_unknown_number_says_what_to_do(client) -> None:
    answer = client.get("/api/v1/trace/neighbours", params={"serial": "NOBODY"})

    assert answer.status_code == 404
    assert answer.json()["code"] == "trace.nothing_known"
    assert answer.json()["hint"]


def test_who_may_not_read_traces_sees_nothing(client, token_of) -> None:
    headers = {"Authorization": f"Bearer {token_of()}"}

    answer = client.get("/api/v1/trace/neighbours", params={"serial": "SP-1"}, headers=headers)

    assert answer.status_code == 403
