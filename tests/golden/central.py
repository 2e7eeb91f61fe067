"""What the present central makes of the messages of an edge."""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx
from sqlalchemy import Engine, text

from lineside.central.downlink.handlers import DownlinkListeners
from lineside.central.downlink.publisher import Publisher
from lineside.central.ingest.event_store import PostgresEventStore
from lineside.central.ingest.inbound import Inbound
from lineside.central.ingest.quarantine import count_waiting
from lineside.central.projections.runner import Runner
from lineside.central.wiring import listeners, readers
from lineside.contracts.clock import Clock, format_rfc3339

from .corpus import WireMessage

STATIONS = ("TURN", "GRIND", "BENCH", "OVEN")
UNITS = (*(f"SP18-000{number}" for number in range(1, 7)), "HV22-0001")
LOTS = ("LOT-BAR-1", "LOT-BAR-2", "LOT-SPR-1")
LINE_FIELDS = ("type", "occurred_at", "station", "by", "order", "operation", "flags", "voided")
BOOKING_FIELDS = (
    "station", "order", "operation", "started_at", "ended_at", "completed", "rejected", "voided",
)  # fmt: skip
CALENDAR = {
    "time_zone": "UTC",
    "shifts": [{"id": "early", "local_start": "06:00", "local_end": "14:00"}],
    "micro_stop_threshold_s": "10",
}


def prepare(client: httpx.Client, edge: str) -> None:
    """Master data that the figures need."""
    _ok(client.post("/api/v1/mes/edges", json={"id": edge}))
    for station in STATIONS:
        body = {"id": station, "edge": edge, "line": "L1"}
        _ok(client.post("/api/v1/mes/stations", json=body))
    _ok(client.put("/api/v1/mes/calendar", json=CALENDAR))


def ingest(engine: Engine, clock: Clock, messages: list[WireMessage]) -> list[bytes]:
    """Receive messages as from a broker and let every reader read.

    Returns:
        Central's answers.
    """
    inbound = Inbound(PostgresEventStore(engine, now=clock.now()), clock=clock)
    answers: list[bytes] = []
    for message in messages:
        answers += [sent for _, sent in inbound.receive([(message.topic, message.payload)])]
    heard = listeners(DownlinkListeners(Publisher(engine, clock)))
    Runner(engine, clock, readers(), heard).run_until_idle()
    return answers


def state_of(client: httpx.Client, engine: Engine, about: dict[str, Any]) -> dict[str, Any]:
    """Units, quantities and figures, in fields that every release has."""
    with engine.connect() as connection:
        kinds = Counter(
            connection.execute(
                text("SELECT type FROM raw_event WHERE edge = :edge"), {"edge": about["edge"]}
            ).scalars()
        )
        waiting = count_waiting(connection)
        problems = list(connection.execute(text("SELECT problem FROM reader_problem")).scalars())
        refused = list(connection.execute(text("SELECT code FROM ingest_refusal")).scalars())
    span = {"from": format_rfc3339(about["begin"]), "to": format_rfc3339(about["end"])}
    kpi = _ok(client.get("/api/v1/mes/kpi", params=span))
    bookings = _ok(client.get("/api/v1/mes/bookings", params=span))
    return {
        "events": dict(sorted(kinds.items())),
        "quarantined": waiting,
        "problems": problems,
        "refused": refused,
        "units": {serial: _history(client, "units", "serial", serial) for serial in UNITS},
        "lots": {lot: _history(client, "lots", "lot", lot) for lot in LOTS},
        "machines": {
            row["key"]: {
                "elements": {name: value for name, value in row["elements"].items() if value},
                "kpis": {name: _fraction(value) for name, value in row["kpis"].items()},
                "stops": row["delay"]["by_reason"],
            }
            for row in kpi["rows"]
        },
        "bookings": sorted(
            [str(one[name]) for name in BOOKING_FIELDS] for one in bookings["items"]
        ),
    }


def _history(client: httpx.Client, kind: str, word: str, number: str) -> dict[str, Any]:
    found = _ok(client.get(f"/api/v1/trace/{kind}", params={word: number}))["history"]
    nodes = found["made_from"]["nodes"]
    links = [
        [
            nodes[link["product"]]["id"], nodes[link["source"]]["id"], link["relation"],
            link["quantity"], link["unit"], link["certainty"], link["order"],
        ]
        for link in found["made_from"]["links"]
    ]  # fmt: skip
    return {
        "status": found["status"],
        "lines": [[line[name] for name in LINE_FIELDS] for line in nodes[0]["lines"]],
        "made_from": sorted(links),
    }


def _fraction(value: dict[str, Any] | None) -> str | None:
    return None if value is None else value["fraction"]


def _ok(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()
