"""`lineside-sim replay`: a log driven through an installation, figures read back and compared."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lineside.contracts.clock import Clock, SystemClock
from lineside.sim import replay_log
from lineside.sim.installation import Installation
from lineside.sim.log_figures import read_figures
from lineside.sim.processes import free_port
from lineside.sim.production_log import LogRow, compare, read_log
from lineside.sim.replay_log import EDGE, Shop, station_ids

ORDERS_TIMEOUT_S = 120.0
DRAIN_TIMEOUT_S = 180.0
Json = dict[str, Any]


def run_replay(log: Path, *, expected: Path | None, as_json: bool, keep: Path | None) -> int:
    """Drive a log through a fresh installation.

    Args:
        log: The log's file.
        expected: Figures to compare with, in the shape of the log's `expected.json`.
        as_json: Print the figures as JSON on standard output.
        keep: Folder to use and keep; None: a temporary one.

    Returns:
        0 when nothing differs.

    Raises:
        LogError: The log cannot be read.
        ProgramFailedError: A program of the installation failed.
        ReplayRefusedError: The terminal refused what the log says happened.
    """
    rows = read_log(log)
    folder = keep or Path(tempfile.mkdtemp(prefix="lineside-replay-"))
    clock: Clock = SystemClock()
    site = Installation(folder, clock=clock, site="job shop", time_zone="UTC", simulation=True)
    try:
        found = _replay(site, rows)
    finally:
        site.stop()
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    if as_json:
        sys.stdout.write(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    if expected is None:
        return 0
    differences = compare(json.loads(expected.read_text(encoding="utf-8")), found)
    for one in differences[:200]:
        _tell(f"{one.where}: {one.found!r}, expected {one.expected!r}")
    _tell(f"{len(differences)} figures differ.")
    if as_json and differences:
        _tell(json.dumps([asdict(one) for one in differences[:5]], default=str))
    return 1 if differences else 0


def _replay(site: Installation, rows: Sequence[LogRow]) -> Json:
    site.start_broker()
    site.prepare_central()
    site.start_central()
    site.make_users()
    admin = site.sign_in("administrator")
    site.grant("quality", "figures.person")
    replay_log.fill_master_data(admin, rows)
    folder = site.edge_folder(EDGE)
    port = free_port()
    file = folder / "edge.toml"
    file.write_text(_edge_file(rows, port=port, broker=site.broker_address), encoding="utf-8")
    site.start_edge(EDGE, file=file, port=port)
    shop = Shop(f"http://127.0.0.1:{port}", rows)
    site.wait(
        "all orders are at the edge",
        admin.orders_are_at_edges,
        seconds=ORDERS_TIMEOUT_S,
    )
    _tell(f"{len(rows)} rows, {len({row.order for row in rows})} orders: reporting ...")
    shop.play(lambda done, total: _tell(f"  {done} of {total} acts"))
    quality = site.sign_in("quality")
    site.wait("central has everything", quality.has_everything, seconds=DRAIN_TIMEOUT_S)
    machines = {station: machine for machine, station in station_ids(rows).items()}
    return read_figures(quality, machines=machines)


def _edge_file(rows: Sequence[LogRow], *, port: int, broker: str) -> str:
    parts = [
        f'[edge]\ndata_dir = "data"\nlisten = "127.0.0.1:{port}"\nsimulation = true\n',
        '[identity]\ncertificate = "edge.crt"\nkey = "edge.key"\nauthority = "ca.crt"\n',
        f'[sync]\nbroker = "{broker}"\n',
    ]
    for machine, station in station_ids(rows).items():
        parts.append(
            f'[[station]]\nid = "{station}"\nname = {json.dumps(machine)}\nline = "shop"\n'
            'parallel = true\nstate_from = "acts"\ncounts_from = "declaration"\n'
        )
    return "\n".join(parts)


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
