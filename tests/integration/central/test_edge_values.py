"""What only an edge uses of an operation, first pieces and weights, on its way from the routing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import text

from lineside.central.downlink import desired
from lineside.central.migrate import alembic_config
from lineside.contracts.commands import OperationStep, WorkOrder, decode_document

MES = "/api/v1/mes"
TOLD = {
    "first_piece": True,
    "first_piece_after": ["tool", "material"],
    "before_release": "startup_scrap",
    "piece_weight": "12.5",
    "tare": "340",
    "weight_unit": "g",
}
SILENT = {
    "first_piece_after": ["setup"],
    "before_release": "suspect",
    "piece_weight": "0",
    "tare": "0",
    "weight_unit": "kg",
}


def ok(answer):
    assert answer.is_success, answer.text
    return answer.json()


@pytest.fixture
def put_routing(client):
    """Creates the routing of one operation, with these fields; the answer as it came."""
    ok(client.post(f"{MES}/edges", json={"id": "line-1"}))
    ok(client.post(f"{MES}/stations", json={"id": "press", "edge": "line-1"}))
    ok(client.post(f"{MES}/items", json={"id": "RING", "name": "Ring"}))

    def create(**fields):
        operation = {"operation": "10", "name": "pressing", "stations": ["press"], **fields}
        body = {"id": "R-RING", "item": "RING", "operations": [operation]}
        return client.post(f"{MES}/routings", json=body)

    return create


def release(client) -> dict:
    ok(client.post(f"{MES}/work-orders", json={"id": "WO-1", "item": "RING", "quantity": "100"}))
    return ok(client.post(f"{MES}/work-orders/WO-1/release"))


def step_at_the_edge(engine) -> OperationStep:
    with engine.connect() as connection:
        found = desired.differences(connection, "line-1", 0, 10_000)
    (body,) = [each.body for each in found if each.kind == "work_order"]
    document = decode_document(bytes(body))
    assert isinstance(document, WorkOrder)
    return document.steps[0]


def test_the_rules_of_an_operation_reach_its_edge_with_the_order(
    client, put_routing, engine
) -> None:
    routing = ok(put_routing(**TOLD))
    assert TOLD.items() <= routing["operations"][0].items()
    assert TOLD.items() <= ok(client.get(f"{MES}/routings/R-RING"))["operations"][0].items()

    assert TOLD.items() <= release(client)["steps"][0].items()
    step = step_at_the_edge(engine)
    assert (step.first_piece, step.first_piece_after) == (True, ("tool", "material"))
    assert step.before_release == "startup_scrap"
    assert (step.piece_weight, step.tare, step.weight_unit) == (Decimal("12.5"), Decimal(340), "g")


def test_an_operation_that_says_nothing_of_it_means_what_it_has_always_meant(
    client, put_routing, engine
) -> None:
    assert SILENT.items() <= ok(put_routing())["operations"][0].items()
    assert SILENT.items() <= release(client)["steps"][0].items()
    assert step_at_the_edge(engine) == OperationStep(
        operation="10", name="pressing", stations=("press",), edge="line-1"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"first_piece_after": ["weather"]},
        {"before_release": "good"},
        {"piece_weight": "-1"},
        {"tare": "-0.1"},
        {"weight_unit": "lb"},
    ],
)
def test_a_value_that_no_edge_knows_is_refused(put_routing, wrong) -> None:
    answer = put_routing(**wrong)
    assert answer.status_code == 422
    assert next(iter(wrong)) in answer.text


@pytest.mark.parametrize(
    ("first_piece", "causes"), [(True, []), (True, ["tool", "tool"]), (False, ["setup", "setup"])]
)
def test_a_first_piece_that_waits_for_nothing_is_refused(put_routing, first_piece, causes) -> None:
    answer = put_routing(first_piece=first_piece, first_piece_after=causes)
    assert answer.status_code == 422
    assert answer.json()["code"] == "mes.first_piece_rule"


def test_a_changed_routing_is_checked_as_a_new_one(client, put_routing) -> None:
    ok(put_routing(**TOLD))
    operation = {"operation": "10", "stations": ["press"], "first_piece": True}
    answer = client.put(
        f"{MES}/routings/R-RING",
        json={"operations": [operation | {"first_piece_after": []}]},
        headers={"If-Match": '"1"'},
    )
    assert answer.status_code == 422


def test_operations_and_orders_from_before_have_the_values_after_the_migration(
    client, put_routing, engine
) -> None:
    ok(put_routing(**TOLD))
    release(client)
    config = alembic_config()
    migration = ScriptDirectory.from_config(config).get_revision("20261124_8_edge_values")
    read = text("SELECT r.operations, o.steps FROM routing r, work_order o")
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        before = connection.execute(read).one()
        command.downgrade(config, str(migration.down_revision))
        old = connection.execute(read).one()
        command.upgrade(config, "head")
        new = connection.execute(read).one()
        connection.rollback()

    for documents in old:
        assert not SILENT.keys() & documents[0].keys()
    for was, then, now in zip(before, old, new, strict=True):
        assert now[0] == then[0] | SILENT
        assert now[0].keys() == was[0].keys()
