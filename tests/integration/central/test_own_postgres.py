"""A plant's own PostgreSQL answers as the embedded one: init, migrate, ingest, trace, figures."""

from __future__ import annotations

import json
import os
import secrets
import tomllib
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from lineside.central import cli
from lineside.central.app import create_app
from lineside.central.config import BrokerConfig, CentralConfig
from lineside.central.db import open_engine
from lineside.central.serving import serving
from lineside.contracts import events as ev
from lineside.contracts.clock import ManualClock
from lineside.contracts.units import Outcome, Quantity, Thing, ThingKind

from .conftest import NOW, Reported, administrator, make_token
from .own_postgres import own_postgres, programs

SERIAL = Thing(kind=ThingKind.UNIT, item="A", id="A-1")
BAR = Thing(kind=ThingKind.LOT, item="bar", id="H-1", issuer="mill")
CALENDAR = {
    "time_zone": "Asia/Shanghai",
    "shifts": [{"id": "early", "local_start": "14:00", "local_end": "22:00"}],
}


@pytest.fixture
def own() -> Iterator[str]:
    """DSN of an empty database of the distribution's server."""
    binaries = programs()
    if binaries is None:
        if os.environ.get("CI") == "true":
            pytest.fail("PostgreSQL is not installed")
        pytest.skip("PostgreSQL is not installed (/usr/lib/postgresql)")
    with own_postgres(binaries) as dsn:
        yield dsn


@pytest.fixture
def embedded(server_dsn: Callable[[str], str]) -> Iterator[str]:
    """DSN of an empty database of the embedded server."""
    name = f"own_{secrets.token_hex(6)}"
    with administrator(server_dsn) as run:
        run(f"CREATE DATABASE {name}")
    yield server_dsn(name)
    with administrator(server_dsn) as run:
        run(f"DROP DATABASE {name} WITH (FORCE)")


def facts(at: Callable[[str], int]) -> list[ev.Event]:
    """A shift of one machine that makes one unit out of a bar and is not always well."""

    def fact(kind: Any, when: str, /, **fields: Any) -> ev.Event:
        return kind(occurred_at=at(when), recorded_at=at(when), station="M1", **fields)

    job = {"order": "WO-1", "operation": "10"}
    return [
        fact(ev.OrderStarted, "05:50:00", item="A", ideal_cycle_s=Decimal(30), **job),
        fact(ev.CounterRead, "05:59:00", counter="good", value=1000, max_per_min=Decimal(60)),
        fact(ev.StateChanged, "06:00:00", state=ev.MachineState("RUN")),
        fact(ev.UnitStarted, "06:10:00", unit=SERIAL, by=("P-1",), **job),
        fact(ev.SignalChanged, "06:10:01.5", signal="s", role="program_status", value="ACTIVE"),
        fact(
            ev.Consumed, "06:10:40", material=BAR, into=SERIAL, by=("P-1",),
            quantity=Quantity(value=Decimal("0.12"), unit="m"), **job,
        ),
        fact(
            ev.UnitFinished, "06:10:48", unit=SERIAL, last_operation=True,
            parameters={"diameter": "17.998"}, **job,
        ),
        fact(ev.StateChanged, "07:00:00", state=ev.MachineState("FAIL")),
        fact(ev.StateChanged, "07:40:00", state=ev.MachineState("RUN")),
        fact(ev.CounterRead, "12:00:00", counter="good", value=1800, max_per_min=Decimal(60)),
        fact(
            ev.QuantityDeclared, "12:30:00", kind="scrap",
            quantity=Quantity(value=Decimal(20), outcome=Outcome.SCRAP), **job,
        ),
    ]  # fmt: skip


def life(dsn: str, folder: Path, at: Callable[[str], int], capsys: Any) -> dict[str, Any]:
    """What a site on this database answers, from nothing to a trace and a figure."""
    assert cli.main(["init", "--directory", str(folder), "--dsn", dsn]) == 0
    config = str(folder / "central.toml")
    capsys.readouterr()
    assert cli.main(["migrate", "--config", config, "--json"]) == 0
    answers: dict[str, Any] = {"revisions": json.loads(capsys.readouterr().out)}

    engine, clock = open_engine(dsn, pool_connections=3), ManualClock(NOW)
    try:
        reported = Reported(engine, clock)
        app = create_app(
            CentralConfig(broker=BrokerConfig(enabled=False)), engine=engine, clock=clock
        )
        headers = {"Authorization": f"Bearer {make_token(engine, clock, 'administrator')}"}
        with serving(app) as address, httpx.Client(base_url=address, headers=headers) as http:

            def post(path: str, body: dict[str, Any]) -> None:
                http.post(f"/api/v1/mes/{path}", json=body).raise_for_status()

            post("edges", {"id": "e1"})
            post("stations", {"id": "M1", "edge": "e1", "line": "L1"})
            post("items", {"id": "A", "name": "Valve", "name_zh": "阀门"})
            http.put("/api/v1/mes/calendar", json=CALENDAR).raise_for_status()
            reported("e1", *facts(at), head=13)
            assert reported.problems() == []

            span = {"from": "2026-11-24T06:00:00Z", "to": "2026-11-24T14:00:00Z"}
            asked = {
                "unit": ("/api/v1/trace/units", {"serial": "A-1"}),
                "lot": ("/api/v1/trace/lots", {"lot": "H-1"}),
                "kpi": ("/api/v1/mes/kpi", span),
                "machine_day": ("/api/v1/mes/machine-days", span | {"station": "M1"}),
                "edges": ("/api/v1/mes/edges", {}),
            }
            for name, (path, parameters) in asked.items():
                answer = http.get(path, params=parameters)
                answer.raise_for_status()
                answers[name] = answer.json()
        with engine.connect() as connection:
            answers["positions"] = [
                tuple(row)
                for row in connection.execute(
                    text("SELECT position, seq, type FROM raw_event ORDER BY position")
                )
            ]
    finally:
        engine.dispose()
    return answers


def test_the_own_server_answers_as_the_embedded_one(own, embedded, at, tmp_path, capsys) -> None:
    there = life(own, tmp_path / "own", at, capsys)
    here = life(embedded, tmp_path / "embedded", at, capsys)

    assert there == here
    assert there["unit"]["history"]["status"] == "finished"
    assert there["kpi"]["rows"][0]["key"] == "M1"
    assert len(there["positions"]) == 11


def test_a_database_that_was_not_migrated_is_refused_by_name(own, tmp_path, capsys) -> None:
    """With a DSN nothing is changed unasked: somebody else may look after that server."""
    (tmp_path / "central.toml").write_text(f"[database]\ndsn = {json.dumps(own)}\n")

    assert cli.main(["edge", "list", "--config", str(tmp_path / "central.toml")]) == 1

    assert "lineside-central migrate" in capsys.readouterr().err


def test_init_writes_the_dsn_that_it_was_given(own, tmp_path, capsys) -> None:
    assert cli.main(["init", "--directory", str(tmp_path), "--dsn", own]) == 0

    written = tomllib.loads((tmp_path / "central.toml").read_text())
    assert written["database"]["dsn"] == own
    assert "One-time code" in capsys.readouterr().out
    assert (tmp_path / "data/authority/ca.key").stat().st_mode & 0o777 == 0o600
