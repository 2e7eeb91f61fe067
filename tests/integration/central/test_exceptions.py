"""Facts that do not fit stand, and people see them in one list (F-53, F-64, F-65)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from lineside.central.mes.exceptions.projections import Exceptions
from lineside.central.projections.runner import Runner
from lineside.contracts import events as ev
from lineside.contracts.units import Thing, ThingKind, Used

ORDER = "/api/v1/mes/work-orders"
LIST = "/api/v1/mes/exceptions"
SP = Thing(kind=ThingKind.UNIT, item="SP", id="SP-1")
DAY_US = 86_400_000_000


def ok(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()


@pytest.fixture
def plant(client):
    """Two edges, one order, released."""
    for edge, station in (("line-1", "turn"), ("line-2", "grind")):
        ok(client.post("/api/v1/mes/edges", json={"id": edge}))
        body = {"id": station, "edge": edge, "line": edge, "counts_from": "unit"}
        ok(client.post("/api/v1/mes/stations", json=body))
    ok(client.post("/api/v1/mes/items", json={"id": "SP", "name": "SP"}))
    steps = [{"operation": "10", "stations": ["turn"]}]
    ok(client.post("/api/v1/mes/routings", json={"id": "R", "item": "SP", "operations": steps}))
    ok(client.post(ORDER, json={"id": "WO-1", "item": "SP", "quantity": "10"}))
    ok(client.post(f"{ORDER}/WO-1/release"))
    return client


@pytest.fixture
def made(at) -> Callable[..., ev.Event]:
    """A piece that finished operation 10."""

    def make(when: str, station: str = "turn", order: str = "WO-1", **more: Any) -> ev.Event:
        moment = at(when)
        return ev.UnitFinished(
            occurred_at=moment, recorded_at=moment, station=station, unit=SP, order=order,
            operation="10", **more,
        )  # fmt: skip

    return make


def found(plant, *states: str) -> list[tuple[str, str, str, str]]:
    answer = ok(plant.get(LIST, params={"state": states or ("open",)}))
    return [(one["kind"], one["entity"], one["edge"], one["state"]) for one in answer["items"]]


@pytest.mark.fault("F-53")
def test_an_order_that_nobody_knows_waits_a_day_and_is_an_exception_then(
    plant, report, made, clock, token_of
):
    report("line-1", made("09:00:00", order="WO-9"))
    assert found(plant) == []
    assert found(plant, "waiting") == [("unknown_order", "WO-9", "line-1", "waiting")]

    clock.advance(DAY_US)
    plant.headers["Authorization"] = f"Bearer {token_of('administrator')}"
    assert found(plant) == [("unknown_order", "WO-9", "line-1", "open")]
    (shown,) = ok(plant.get(LIST))["items"]
    assert "WO-9" in shown["text"]["zh"]
    assert "WO-9" in shown["text"]["en"]

    ok(plant.post(ORDER, json={"id": "WO-9", "item": "SP", "quantity": "1"}))
    assert found(plant, "open", "waiting", "closed") == []


@pytest.mark.fault("F-64")
def test_what_was_made_by_another_revision_or_after_the_end_is_an_exception(
    plant, report, made, at
):
    released = ok(plant.get(f"{ORDER}/WO-1"))["routing_revision"]
    report("line-1", made("09:00:00", used=Used(routing=released or "1")))
    assert found(plant) == []

    report("line-1", made("09:05:00", used=Used(routing="R-old")))
    assert found(plant) == [("superseded_revision", "WO-1", "line-1", "open")]

    ok(plant.post(f"{ORDER}/WO-1/finish"))
    report("line-1", made("10:30:00"))
    assert ("ended_order", "WO-1", "line-1", "open") in found(plant)


@pytest.mark.fault("F-65")
def test_two_stations_that_finish_one_piece_are_shown_until_one_is_taken_back(
    plant, report, made, at
):
    report("line-1", made("07:00:00"), made("07:00:05"))
    assert found(plant) == [], "one station that tells it twice is no conflict"
    (second,) = report("line-2", made("07:00:10", "grind"))
    assert found(plant) == [
        ("two_stations", "SP SP-1 10", "line-2", "open"),
        ("two_stations", "SP SP-1 10", "line-1", "open"),
    ]

    now = at("07:10:00")
    report(
        "line-2",
        ev.EventVoided(occurred_at=now, recorded_at=now, voids=second, reason="wrong piece"),
    )
    assert found(plant, "open", "closed") == []


@pytest.mark.fault("F-65")
def test_a_person_closes_one_with_a_reason_and_a_rebuild_keeps_that(
    plant, report, made, engine, clock, token_of
):
    report("line-1", made("07:00:00"))
    report("line-2", made("07:00:10", "grind"))
    body = {"kind": "two_stations", "entity": "SP SP-1 10", "edge": "line-1", "reason": "looked"}
    reader = {"Authorization": f"Bearer {token_of('operator')}"}
    assert plant.post(f"{LIST}/close", json=body, headers=reader).status_code == 403
    assert plant.post(f"{LIST}/close", json=body | {"reason": ""}).status_code == 422
    assert plant.post(f"{LIST}/close", json=body | {"entity": "X"}).status_code == 404
    closed = ok(plant.post(f"{LIST}/close", json=body))
    assert (closed["state"], closed["reason"]) == ("closed", "looked")
    assert plant.post(f"{LIST}/close", json=body).status_code == 409

    before = ok(plant.get(LIST, params={"state": ["open", "closed"]}))
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE reader_cursor SET version = 0 WHERE reader = 'mes_exceptions'")
        )
    Runner(engine, clock, [Exceptions()]).run_until_idle()
    assert ok(plant.get(LIST, params={"state": ["open", "closed"]})) == before
    assert found(plant, "closed") == [("two_stations", "SP SP-1 10", "line-1", "closed")]
