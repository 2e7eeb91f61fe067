"""The complete history of a serial number over HTTP, signed in, with a million units.

Units are valves with a spool each (its own history) and a lot of bodies that 400 valves share. The
bare limit beside it: the recursive SQL for the same links and lines on the same tables, without
HTTP. `python -m benchmarks.trace 100000` builds fewer units. Prints one JSON line.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from pathlib import Path

import httpx
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

UNITS, QUERIES, VALVES_A_LOT = 1_000_000, 400, 400
PASSWORD = "bench-only-9274"
LINES = (
    ("unit_started", "10", 0), ("unit_finished", "10", 30), ("unit_started", "20", 60),
    ("unit_finished", "20", 90), ("inspected", "20", 91),
)  # fmt: skip

THINGS = """
    INSERT INTO thing (kind, item, id, issuer)
    SELECT 'unit', :item, :prefix || lpad(n::text, 8, '0'), '' FROM generate_series(1, :units) n
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


def fill(engine: Engine, units: int) -> None:
    with engine.connect() as connection, connection.begin():
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        for item, prefix in (("HV", "HV"), ("SP", "SP")):
            connection.execute(text(THINGS), {"item": item, "prefix": prefix, "units": units})
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


def measure(address: str, engine: Engine, units: int) -> dict[str, float]:
    rng = random.Random(7)
    serials = [f"HV{rng.randint(1, units):08}" for _ in range(QUERIES)]
    took: list[float] = []
    bare: list[float] = []
    with httpx.Client(base_url=address, timeout=30) as http, engine.connect() as connection:
        signed = http.post("/api/v1/auth/login", json={"user": "bench", "password": PASSWORD})
        http.headers["Authorization"] = f"Bearer {signed.json()['token']}"
        for serial in (*serials[:50], *serials):
            began = time.perf_counter()
            answer = http.get("/api/v1/trace/units", params={"serial": serial, "item": "HV"})
            took.append((time.perf_counter() - began) * 1000)
            assert answer.status_code == 200, answer.text
            began = time.perf_counter()
            connection.execute(text(BARE), {"id": serial}).all()
            bare.append((time.perf_counter() - began) * 1000)
    took, bare = took[50:], bare[50:]
    return {
        "units": units,
        "backward_p50_ms": percentile(took, 0.5),
        "backward_p99_ms": percentile(took, 0.99),
        "bare_sql_p50_ms": percentile(bare, 0.5),
        "bare_sql_p99_ms": percentile(bare, 0.99),
        "ratio_to_bare_p50": percentile(took, 0.5) / percentile(bare, 0.5),
    }


def main() -> None:
    units = int(sys.argv[1]) if len(sys.argv) > 1 else UNITS
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as folder:
        server = embedded_postgres.start(Path(folder) / "postgres")
        engine = open_engine(server.dsn())
        try:
            migrate(engine)
            with unit_of_work(engine, clock) as work:
                add_user(work, name="bench", password=PASSWORD, roles=["quality"])
            fill(engine, units)
            config = CentralConfig(broker=BrokerConfig(enabled=False))
            with serving(create_app(config, engine=engine, clock=clock)) as address:
                result = measure(address, engine, units)
        finally:
            engine.dispose()
            embedded_postgres.stop(server)
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
