"""The delivery receipt: how far central has what each edge recorded."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from lineside.central.ingest import models
from lineside.central.ingest.event_store import PostgresEventStore
from lineside.central.ingest.inbound import Inbound
from lineside.contracts import events as ev
from lineside.contracts.clock import US_PER_SECOND
from lineside.contracts.envelope import Live, pack


def receipts(client) -> dict[str, dict[str, object]]:
    answer = client.get("/api/v1/mes/receipts")
    assert answer.status_code == 200, answer.text
    return {receipt["edge"]: receipt for receipt in answer.json()}


@pytest.fixture(autouse=True)
def edge(client) -> None:
    """An enrolled edge."""
    client.post("/api/v1/mes/edges", json={"id": "line-1"}).raise_for_status()


@pytest.fixture
def signed_on(at):
    """A fact."""
    return ev.SignedOn(occurred_at=at("08:00:00"), recorded_at=at("08:00:00"))


def test_an_edge_that_never_spoke_has_delivered_nothing_and_lost_nothing(client) -> None:
    receipt = receipts(client)["line-1"]

    assert (receipt["durable_through"], receipt["pending"], receipt["dropped"]) == (0, 0, 0)
    assert (receipt["heard_at"], receipt["silent"]) == (None, True)


def test_what_is_here_and_what_is_still_to_come_is_one_sentence(
    client, engine, clock, report, signed_on
) -> None:
    report("line-1", *[signed_on] * 3, head=3)
    said = Live(edge="line-1", sent_at=clock.now(), head_seq=1_043, stations={})
    inbound = Inbound(PostgresEventStore(engine, now=clock.now()), clock=clock)
    inbound.receive([("v1/line-1/up/live", pack(said))])

    receipt = receipts(client)["line-1"]

    assert (receipt["durable_through"], receipt["head_seq"], receipt["pending"]) == (3, 1043, 1040)
    assert receipt["text"] == {
        "en": "Central has everything of line-1 up to #3; 1,040 pending; 0 ever dropped.",
        "zh": "中央已收到 line-1 的全部记录，直到 #3；待传 1,040 条；累计丢失 0 条。",
    }
    assert not receipt["silent"]
    clock.advance(16 * US_PER_SECOND)
    assert receipts(client)["line-1"]["silent"]


def test_declared_holes_and_facts_damaged_on_the_edges_disk_are_counted_as_dropped(
    client, engine, clock, report, signed_on
) -> None:
    moment = clock.now()
    damaged = [
        ev.GapFound(occurred_at=moment, recorded_at=moment, device=device, signal="2")
        for device in ("journal", "plc")  # what a controller skipped was never a fact
    ]
    report("line-1", signed_on, *damaged, head=3)
    hole = {"edge": "line-1", "epoch": "old", "why": "replaced", "declared_at": moment}
    with engine.begin() as connection:
        for lane, first, last in (("facts", 11, 20), ("telemetry", 1, 500)):
            connection.execute(
                insert(models.event_gap).values(**hole, lane=lane, first_seq=first, last_seq=last)
            )

    assert receipts(client)["line-1"]["dropped"] == 11


def test_receipts_are_for_those_who_may_see_edges(client, token_of) -> None:
    nobody = {"Authorization": f"Bearer {token_of()}"}

    assert client.get("/api/v1/mes/receipts", headers=nobody).status_code == 403
