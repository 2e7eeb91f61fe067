"""Figures about central itself: what stands in the database is what Prometheus reads."""

from __future__ import annotations

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, text

from lineside.central.app import create_app
from lineside.central.config import BrokerConfig, CentralConfig
from lineside.central.serving import serving
from lineside.contracts import events as ev

Found = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(client: httpx.Client) -> Found:
    answer = client.get("/metrics", headers={"Authorization": ""})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def of(found: Found, name: str, **labels: str) -> float:
    return found[f"lineside_{name}", tuple(sorted(labels.items()))]


@pytest.fixture
def told(engine: Engine, report, clock):
    """Two edges; one has reported 3 of 5 facts, lost 7 for good, and was refused twice."""
    report.edge("edge-1")
    report.edge("edge-2")
    signed_on = [
        ev.SignedOn(occurred_at=clock.now(), recorded_at=clock.now(), station="s") for _ in range(3)
    ]
    report("edge-1", *signed_on, head=5)
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO event_gap VALUES ('edge-1', 'facts', 'e', 11, 17, 'lost', 0)")
        )
        connection.execute(
            text("INSERT INTO ingest_refusal VALUES ('?', 'ingest.invalid', 'x', 0, 0, 2)")
        )
        connection.execute(text("UPDATE lane_watermark SET backed_up_through = 2"))
        connection.execute(text("UPDATE edge SET clock_offset = 1500000 WHERE id = 'edge-1'"))


def test_each_figure_says_what_the_database_says(client, told, clock) -> None:
    found = read(client)

    assert of(found, "database_up") == 1
    assert of(found, "ingest_position") == 3
    assert of(found, "quarantine_events") == 0
    assert of(found, "database_bytes") > 1_000_000
    assert of(found, "edge_durable_seq", edge="edge-1") == 3
    assert of(found, "edge_backed_up_seq", edge="edge-1") == 2
    assert of(found, "edge_events_missing", edge="edge-1") == 2
    assert of(found, "edge_gaps", edge="edge-1") == 1
    assert of(found, "edge_gap_events", edge="edge-1") == 7
    assert of(found, "edge_clock_offset_seconds", edge="edge-1") == 1.5
    assert of(found, "edge_heard_at_seconds", edge="edge-1") == clock.now() / 1e6
    assert of(found, "ingest_refused_total", edge="?", code="ingest.invalid") == 2
    assert of(found, "reader_lag_events", reader="trace") == 0


def test_what_is_not_known_is_left_out(client, told) -> None:
    """An edge that never spoke has no watermark of 0 and no certificate that ended in 1970."""
    names = {name for name, labels in read(client) if ("edge", "edge-2") in labels}

    assert names == {"lineside_edge_revoked"}


def test_requests_are_counted_by_route_and_not_by_address(client) -> None:
    for number in range(3):
        client.get(f"/api/v1/mes/items/I-{number}")
    found = read(client)

    assert of(found, "http_requests_total", method="GET", route="/api/v1/mes/items/{item:path}",
              status="404") == 3  # fmt: skip
    assert of(found, "http_request_seconds_count", route="/api/v1/mes/items/{item:path}") == 3


def test_two_applications_in_one_process_count_for_themselves(client, engine, clock) -> None:
    other = create_app(
        CentralConfig(broker=BrokerConfig(enabled=False)), engine=engine, clock=clock
    )
    client.get("/healthz")
    with serving(other) as address, httpx.Client(base_url=address) as second:
        assert ("lineside_http_requests_total",) not in {key[:1] for key in read(second)}


def test_a_database_that_is_away_is_a_figure_too(client, app, monkeypatch) -> None:
    class Away:
        def connect(self) -> None:
            from sqlalchemy.exc import OperationalError

            raise OperationalError("SELECT 1", {}, Exception("gone"))

    monkeypatch.setattr(app.state.central, "engine", Away())

    assert of(read(client), "database_up") == 0
