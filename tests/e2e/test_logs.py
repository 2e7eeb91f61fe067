"""What programs write into their logs may be read by anybody who looks after the computer."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from lineside.contracts.clock import SystemClock
from lineside.sim.installation import Installation
from lineside.sim.processes import free_port

BADGE = "B-7741-3390"
EDGE_FILE = """\
[edge]
data_dir = "data"
listen = "127.0.0.1:{port}"
[identity]
certificate = "edge.crt"
key = "edge.key"
authority = "ca.crt"
[sync]
broker = "{broker}"
[[station]]
id = "BENCH"
state_from = "acts"
counts_from = "unit_finished"
"""
WRONG_PASSWORD = "a wrong password of somebody"


@pytest.fixture
def site() -> Iterator[Installation]:
    """Broker, central and one edge, each a program with its own log."""
    folder = Path(tempfile.mkdtemp(prefix="lineside-logs-"))
    made = Installation(folder, clock=SystemClock(), site="logs", time_zone="UTC")
    try:
        made.start_broker()
        made.prepare_central()
        made.start_central()
        made.make_users()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder)


@pytest.mark.fault("F-72")
@pytest.mark.timeout(180)
def test_no_password_token_key_or_badge_stands_in_a_log(site):
    """Signed in, refused, invited, connected, scanned: the one-time code alone is printed."""
    client = site.sign_in("planner")
    admin = site.sign_in("administrator")
    tokens = [str(one.http.headers["Authorization"]).split()[1] for one in (client, admin)]
    code = site._first_run_code()
    admin.post("/api/v1/mes/edges", {"id": "line-1"})
    for body in (
        {"user": "admin", "password": WRONG_PASSWORD},
        {"user": WRONG_PASSWORD, "password": WRONG_PASSWORD},
    ):
        refused = httpx.post(f"{site.central_url}/api/v1/auth/login", json=body)
        assert refused.status_code in {401, 429}
    forged = {"Authorization": "Bearer forged-token-of-somebody"}
    httpx.get(f"{site.central_url}/api/v1/mes/work-orders", headers=forged)
    httpx.post(f"{site.central_url}/api/v1/auth/first-run", json={"code": code, "user": "eve",
               "password": WRONG_PASSWORD})  # fmt: skip

    folder, port = site.edge_folder("line-1"), free_port()
    file = folder / "edge.toml"
    file.write_text(EDGE_FILE.format(port=port, broker=site.broker_address), encoding="utf-8")
    site.start_edge("line-1", file=file, port=port)
    terminal = f"http://127.0.0.1:{port}"
    act = {"id": "a-1", "station": "BENCH", "kind": "scan", "raw": BADGE}
    assert httpx.post(f"{terminal}/api/acts", json=act).json()["answer"] == "refused"

    def at_central() -> bool:
        return httpx.get(f"{terminal}/healthz").json()["pending_facts"] == 0

    site.wait("the edge's facts are at central", at_central, seconds=40)
    client.http.close()
    admin.http.close()
    site.stop()

    secrets = {
        "a wrong password": WRONG_PASSWORD,
        "a forged token": "forged-token-of-somebody",
        "a private key": "PRIVATE KEY",
        "a badge": BADGE,
        **{f"the password of {one.name}": one.password for one in site.accounts},
        **{f"token {number}": token for number, token in enumerate(tokens)},
        **{
            f"the key {key.name}": key.read_text().splitlines()[1]
            for key in site.folder.rglob("*.key")
        },
    }
    logs = {path: path.read_text(errors="replace") for path in site.folder.rglob("*.log*")}
    assert {"broker.log", "central.log", "line-1.log"} <= {path.name for path in logs}
    assert sum(len(text) for text in logs.values()) > 200
    found = [
        (what, path.name)
        for what, secret in secrets.items()
        for path, text in logs.items()
        if secret in text
    ]
    assert found == []
    told = [line for text in logs.values() for line in text.splitlines() if code in line]
    assert len(told) == 1
    assert "one-time code" in told[0]
