"""Which orders a list shows, and the same list as a table."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from lineside.contracts import events as ev
from lineside.contracts.units import Thing, ThingKind


@pytest.fixture
def orders(client, report, at):
    def ok(answer):
        assert answer.is_success, answer.text

    ok(client.post("/api/v1/mes/edges", json={"id": "e1"}))
    ok(client.post("/api/v1/mes/stations", json={"id": "S1", "edge": "e1"}))
    for item in ("SP-18", "VA_10"):
        ok(client.post("/api/v1/mes/items", json={"id": item, "name": item}))
        operations = [{"operation": "10", "name": "Turning", "stations": ["S1"]}]
        ok(
            client.post(
                "/api/v1/mes/routings",
                json={"id": f"R-{item}", "item": item, "operations": operations},
            )
        )
    for order, item in (("WO-1", "SP-18"), ("WO-2", "VA_10"), ("=WO-3", "VA_10")):
        body = {"id": order, "item": item, "quantity": "5"}
        ok(client.post("/api/v1/mes/work-orders", json=body))
    ok(client.post("/api/v1/mes/work-orders/WO-1/release"))
    for number in (1, 2):
        unit = Thing(kind=ThingKind.UNIT, item="SP-18", id=f"SP-{number}")
        common: dict[str, Any] = {"station": "S1", "unit": unit, "order": "WO-1", "operation": "10"}
        for kind, when in ((ev.UnitStarted, "06:00:00"), (ev.UnitFinished, "06:01:00")):
            report("e1", kind(occurred_at=at(when), recorded_at=at(when), **common))


def numbers(client, **params):
    answer = client.get("/api/v1/mes/work-orders", params=params)
    assert answer.is_success, answer.text
    return [one["id"] for one in answer.json()["items"]]


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ("wo-1", ["WO-1"]),
        ("sp-1", ["WO-1"]),
        ("va_", ["=WO-3", "WO-2"]),
        ("_", ["=WO-3", "WO-2"]),  # not a wildcard
        ("%", []),
        (" wo ", ["=WO-3", "WO-1", "WO-2"]),
    ],
)
def test_part_of_a_number_finds_orders_and_items(client, orders, sought, found) -> None:
    assert numbers(client, q=sought) == found


def test_state_and_number_narrow_together(client, orders) -> None:
    assert numbers(client, q="WO", state="released") == ["WO-1"]
    assert numbers(client, q="WO-2", state="released") == []


def test_the_table_has_the_progress_and_runs_no_formula(client, orders) -> None:
    answer = client.get("/api/v1/mes/work-orders", params={"format": "csv", "limit": 1})

    assert answer.headers["content-type"].startswith("text/csv")
    rows = {
        row["order"]: row for row in csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))
    }
    assert set(rows) == {"WO-1", "WO-2", "'=WO-3"}
    made = rows["WO-1"]
    assert (made["state"], made["quantity"], made["delivered"]) == ("released", "5", "2")
    assert (made["good"], made["scrap"], made["units_started"]) == ("2", "0", "2")
    assert made["edges"].startswith("e1:")
    assert rows["WO-2"]["delivered"] == "0"


def test_the_table_narrows_as_the_list_does(client, orders) -> None:
    answer = client.get("/api/v1/mes/work-orders", params={"format": "csv", "q": "sp-18"})

    assert len(answer.text.splitlines()) == 2


def test_the_list_tells_what_was_made_as_the_progress_of_each_order_does(client, orders) -> None:
    """One request for all rows; nothing is said of an order that no edge had yet."""
    answer = client.get("/api/v1/mes/work-orders")
    made = {one["id"]: one["made"] for one in answer.json()["items"]}
    progress = client.get("/api/v1/mes/work-orders/WO-1/progress").json()

    assert made["WO-1"] == {"delivered": "2", "scrap": "0", "suspect": "0"}
    assert made["WO-1"]["delivered"] == progress["delivered"]
    assert made["WO-2"] is made["=WO-3"] is None
