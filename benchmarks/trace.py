"""The complete history of a serial number and of a lot over HTTP, signed in, ten million events.

Units are valves with a spool each (its own history) and a lot of bodies that 1,000 valves share.
The bare limit beside it: the recursive SQL for the same links and lines on the same tables, without
HTTP; and a bare ASGI application that answers as many bytes, which no server here can beat.
`python -m benchmarks.trace 100000` builds fewer units. Prints one JSON line.
"""

from __future__ import annotations

import http.client
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast
from urllib.parse import urlencode, urlsplit

from fastapi import FastAPI
from sqlalchemy import Engine, text

from lineside.central import embedded_postgres
from lineside.central.app import create_app
from lineside.central.config import BrokerConfig, CentralConfig
from lineside.central.db import open_engine
from lineside.central.kit.unit_of_work import unit_of_work
from lineside.central.migrate import migrate
from lineside.central.platform.identity.service import add_user
from lineside.central.serving import serving
from lineside.contracts.clock import SystemClock

UNITS, QUERIES, VALVES_A_LOT = 1_000_000, 400, 1_000
FORWARD_QUERIES, WARM_UP = 100, 50
PASSWORD = "bench-only-9274"
LINES = (
    ("unit_started", "10", 0), ("unit_finished", "10", 30), ("unit_started", "20", 60),
    ("unit_finished", "20", 90), ("inspected", "20", 91),
)  # fmt: skip

THINGS = """
    INSERT INTO thing (kind, item, id, issuer)
    SELECT :kind, :item, :prefix || lpad(n::text, 8, '0'), '' FROM generate_series(0, :units) n
"""
BEGAN = "1700000000000000 + n::bigint * 1000000"
LINE_ROWS = f"""
    INSERT INTO thing_line (edge, epoch, seq, n, kind, item, id, issuer, type, occurred_at,
        recorded_at, received_at, time_source, source, station, position, by, order_no,
        operation, detail, flags, reason)
    SELECT 'line-1', 'e1', CAST(:base AS bigint) + n, 0, 'unit', :item,
        :prefix || lpad(n::text, 8, '0'), '', :type,
        {BEGAN} + CAST(:after AS bigint) * 1000000, {BEGAN}, {BEGAN}, 'device', 'signal',
        'M' || (n % 30), '', ARRAY['P-1'], 'WO-' || (n / 1000), :operation,
        CAST(:detail AS jsonb), ARRAY[]::text[], ''
    FROM generate_series(1, :units) n
"""
LINK_ROWS = f"""
    INSERT INTO genealogy_link (edge, epoch, seq, relation, product_kind, product_item, product_id,
        product_issuer, source_kind, source_item, source_id, source_issuer, quantity, unit,
        into_quantity, into_unit, certainty, valid_from, station, position, order_no, operation)
    SELECT 'line-2', 'e1', CAST(:base AS bigint) + n, :relation, 'unit', 'HV',
        'HV' || lpad(n::text, 8, '0'), '', :kind, :source,
        :prefix || lpad((n / CAST(:shared AS int))::text, 8, '0'),
        '', 1, 'pcs', 1, 'pcs', 'this one', {BEGAN}, 'BENCH', '', 'WO-V', '10'
    FROM generate_series(1, :units) n
"""
BARE = """
    WITH RECURSIVE link AS (
        SELECT source_kind, source_item, source_id, source_issuer FROM genealogy_link
        WHERE product_id = :id AND product_item = 'HV' AND NOT voided
        UNION
        SELECT l.source_kind, l.source_item, l.source_id, l.source_issuer
        FROM link p JOIN genealogy_link l ON l.product_id = p.source_id
         AND l.product_item = p.source_item AND NOT l.voided
    )
    SELECT l.* FROM (SELECT 'unit' AS source_kind, 'HV' AS source_item, :id AS source_id, ''
        AS source_issuer UNION SELECT * FROM link) w
    JOIN thing_line l ON l.id = w.source_id AND l.kind = w.source_kind AND l.item = w.source_item
    ORDER BY l.occurred_at
"""
BARE_FORWARD = """
    WITH RECURSIVE link AS (
        SELECT * FROM genealogy_link
        WHERE source_id = :id AND source_item = 'BD' AND NOT voided
        UNION
        SELECT l.* FROM link p JOIN genealogy_link l ON l.source_id = p.product_id
         AND l.source_item = p.product_item AND NOT l.voided
    )
    SELECT * FROM link
"""


def fill(engine: Engine, units: int) -> None:
    with engine.connect() as connection, connection.begin():
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        for kind, item, prefix, count in (
            ("unit", "HV", "HV", units),
            ("unit", "SP", "SP", units),
            ("lot", "BD", "LOT", units // VALVES_A_LOT),
        ):
            values = {"kind": kind, "item": item, "prefix": prefix, "units": count}
            connection.execute(text(THINGS), values)
        for number, (kind, operation, after) in enumerate(LINES):
            for other, (item, prefix) in enumerate((("HV", "HV"), ("SP", "SP"))):
                values = {
                    "base": (2 * number + other) * units, "item": item, "prefix": prefix,
                    "type": kind, "after": after, "operation": operation, "units": units,
                    "detail": '{"order": "WO", "result": "pass", "parameters": {"d": "18.001"}}',
                }  # fmt: skip
                connection.execute(text(LINE_ROWS), values)
        for number, (relation, kind, source, prefix, shared) in enumerate(
            (("fitted", "unit", "SP", "SP", 1), ("consumed", "lot", "BD", "LOT", VALVES_A_LOT))
        ):
            values = {
                "base": number * units, "relation": relation, "kind": kind, "source": source,
                "prefix": prefix, "shared": shared, "units": units,
            }  # fmt: skip
            connection.execute(text(LINK_ROWS), values)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("VACUUM ANALYZE"))


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def timed(act: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


class Asking:
    """One kept connection, so that the client costs little of what is measured."""

    def __init__(self, address: str) -> None:
        where = urlsplit(address)
        self._http = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
        self.headers = {"Content-Type": "application/json"}

    def ask(self, path: str, body: str | None = None) -> bytes:
        method = "GET" if body is None else "POST"
        self._http.request(method, path, body, self.headers)
        answer = self._http.getresponse()
        found = answer.read()
        assert answer.status == 200, found
        return found


def compared(
    asking: Asking, engine: Engine, paths: list[tuple[str, str]], bare_sql: str
) -> dict[str, float]:
    """Percentiles of the answers and, turn by turn, of the bare SQL for the same numbers."""
    took: list[float] = []
    bare: list[float] = []
    size = 0
    with engine.connect() as connection:
        for number, path in paths[:WARM_UP] + paths:
            took.append(timed(lambda path=path: asking.ask(path)))
            bare.append(
                timed(
                    lambda number=number: connection.execute(text(bare_sql), {"id": number}).all()
                )
            )
        size = len(asking.ask(paths[0][1]))
    took, bare = took[WARM_UP:], bare[WARM_UP:]
    with serving(_bare_application(size)) as address:
        plain = Asking(address)
        wire = [timed(lambda: plain.ask("/x")) for _ in range(WARM_UP + len(paths))][WARM_UP:]
    return {
        "p50_ms": percentile(took, 0.5),
        "p99_ms": percentile(took, 0.99),
        "bare_sql_p50_ms": percentile(bare, 0.5),
        "bare_sql_p99_ms": percentile(bare, 0.99),
        "bare_http_p50_ms": percentile(wire, 0.5),
        "ratio_to_bare_p50": percentile(took, 0.5) / percentile(bare, 0.5),
        "ratio_to_bare_sql_and_http_p50": percentile(took, 0.5)
        / (percentile(bare, 0.5) + percentile(wire, 0.5)),
    }


def _bare_application(size: int) -> FastAPI:
    """Answers so many bytes and does nothing else."""
    body = b"x" * size
    headers = [(b"content-type", b"application/json"), (b"content-length", str(size).encode())]

    async def answer(scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            for _ in range(2):
                message = await receive()
                await send({"type": message["type"] + ".complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return cast("FastAPI", answer)


def measure(address: str, engine: Engine, units: int) -> dict[str, object]:
    rng = random.Random(7)
    asking = Asking(address)
    signed = asking.ask("/api/v1/auth/login", json.dumps({"user": "bench", "password": PASSWORD}))
    asking.headers["Authorization"] = f"Bearer {json.loads(signed)['token']}"
    serials = [f"HV{rng.randint(1, units):08}" for _ in range(QUERIES)]
    lots = [f"LOT{rng.randint(1, units // VALVES_A_LOT - 1):08}" for _ in range(FORWARD_QUERIES)]
    back = [
        (serial, f"/api/v1/trace/units?{urlencode({'serial': serial, 'item': 'HV'})}")
        for serial in serials
    ]
    forward = [(lot, f"/api/v1/trace/lots?{urlencode({'lot': lot, 'item': 'BD'})}") for lot in lots]
    assert len(json.loads(asking.ask(forward[0][1]))["history"]["went_into"]["links"]) >= 1_000
    return {
        "events": units * 10,
        "backward": compared(asking, engine, back, BARE),
        "forward_1000": compared(asking, engine, forward, BARE_FORWARD),
    }


def serve(dsn: str, asked: Connection) -> None:
    """Central in a process of its own, as it runs in a plant; tells its address, then waits."""
    engine = open_engine(dsn)
    config = CentralConfig(broker=BrokerConfig(enabled=False))
    with serving(create_app(config, engine=engine, clock=SystemClock())) as address:
        asked.send(address)
        asked.recv()
    engine.dispose()


def main() -> None:
    units = int(sys.argv[1]) if len(sys.argv) > 1 else UNITS
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as folder:
        server = embedded_postgres.start(Path(folder) / "postgres")
        engine = open_engine(server.dsn())
        here, there = Pipe()
        central = get_context("spawn").Process(target=serve, args=(server.dsn(), there))
        try:
            migrate(engine)
            with unit_of_work(engine, clock) as work:
                add_user(work, name="bench", password=PASSWORD, roles=["quality"])
            fill(engine, units)
            central.start()
            result = measure(here.recv(), engine, units)
            here.send("stop")
            central.join(timeout=30)
        finally:
            central.kill()
            engine.dispose()
            embedded_postgres.stop(server)
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
