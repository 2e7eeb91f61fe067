"""Drives a production log through the whole chain, as the people of that shop reported it.

Each row becomes acts at the machine's terminal under the replay clock: the worker's badge is
scanned and a booking of the order starts; at its end it is reported with its quantities. Then
central is asked for its figures over its API.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import httpx

from lineside.contracts.clock import Microseconds, format_rfc3339
from lineside.contracts.errors import LinesideError
from lineside.sim.central_client import Central
from lineside.sim.production_log import LogRow, acts_in_time

Json = dict[str, Any]
EDGE = "shop"


class ReplayRefusedError(LinesideError):
    """The terminal refused what the log says happened."""

    code = "sim.replay_refused"


def station_ids(rows: Sequence[LogRow]) -> dict[str, str]:
    """Machine to station id: letters, digits and dashes, in order of appearance."""
    found: dict[str, str] = {}
    for row in rows:
        if row.machine not in found:
            name = re.sub(r"[^A-Za-z0-9]+", "-", row.machine).strip("-")[:50]
            found[row.machine] = name if name not in found.values() else f"{name}-{len(found)}"
    return found


def operations_of(rows: Sequence[LogRow]) -> dict[str, dict[str, tuple[str, list[str]]]]:
    """Order to activity to (operation number, machines), in order of appearance."""
    found: dict[str, dict[str, tuple[str, list[str]]]] = {}
    for row in rows:
        steps = found.setdefault(row.order, {})
        number, machines = steps.setdefault(row.activity, (str(10 * (len(steps) + 1)), []))
        if row.machine not in machines:
            machines.append(row.machine)
        del number
    return found


def fill_master_data(central: Central, rows: Sequence[LogRow]) -> None:
    """Create the shop at central: its machines, people, parts, routings, and release its orders."""
    central.post("/api/v1/mes/edges", {"id": EDGE, "name": "Job shop"})
    central.put(
        "/api/v1/mes/calendar",
        {
            "time_zone": "UTC",
            "shifts": [{"id": "day", "local_start": "00:00", "local_end": "00:00"}],
        },
    )
    ids = station_ids(rows)
    for machine, station in ids.items():
        body = {"id": station, "name": machine, "edge": EDGE, "line": "shop", "parallel": True}
        central.post("/api/v1/mes/stations", {**body, "counts_from": "booking"})
    for worker in sorted({row.worker for row in rows}):
        central.post(
            "/api/v1/mes/persons",
            {"id": worker, "badge": f"B-{worker}", "name": f"Worker {worker}"},
        )
    for part in sorted({row.part for row in rows}):
        central.post("/api/v1/mes/items", {"id": part, "name": part})
    orders = {row.order: row for row in rows}
    for order, steps in operations_of(rows).items():
        routing: Json = {
            "id": f"R-{order}",
            "item": orders[order].part,
            "operations": [
                {
                    "operation": number,
                    "name": activity,
                    "stations": [ids[machine] for machine in machines],
                }
                for activity, (number, machines) in steps.items()
            ],
        }
        central.post("/api/v1/mes/routings", routing)
        body = {
            "id": order,
            "item": orders[order].part,
            "quantity": str(max(orders[order].order_quantity, 1)),
            "routing": f"R-{order}",
            "serial_tracked": False,
        }
        central.post("/api/v1/mes/work-orders", body)
        central.post(f"/api/v1/mes/work-orders/{order}/release")


class Shop:
    """The terminals of the replayed shop."""

    def __init__(self, edge_url: str, rows: Sequence[LogRow]) -> None:
        self._http = httpx.Client(base_url=edge_url, timeout=30.0)
        self._rows = rows
        self._operations = operations_of(rows)
        self._stations = station_ids(rows)
        self._signed_on: set[tuple[str, str]] = set()
        self._clock_at: Microseconds = 0
        self.acts = 0

    def play(self, progress: Callable[[int, int], None]) -> None:
        """Report every row of the log.

        Args:
            progress: Called with (acts done, acts in all).

        Raises:
            ReplayRefusedError: Something that happened was refused.
        """
        acts = acts_in_time(self._rows)
        for done, (at, what, row) in enumerate(acts):
            self._set_clock(at)
            if what == "start":
                self._start(row)
            else:
                self._finish(row)
            if done % 500 == 0:
                progress(done, len(acts))
        progress(len(acts), len(acts))

    def _set_clock(self, at: Microseconds) -> None:
        if at != self._clock_at:
            answer = self._http.post("/api/simulation/clock", json={"at": format_rfc3339(at)})
            answer.raise_for_status()
            self._clock_at = at

    def _start(self, row: LogRow) -> None:
        if (row.machine, row.worker) not in self._signed_on:
            self._act(row, "scan", raw=f"B-{row.worker}")
            self._signed_on.add((row.machine, row.worker))
        self._act(
            row,
            "start_order",
            order=row.order,
            operation=self._operations[row.order][row.activity][0],
            activity=row.kind,
            booking=f"row-{row.number}",
            by=[row.worker],
        )

    def _finish(self, row: LogRow) -> None:
        self._act(
            row,
            "finish_order",
            order=row.order,
            operation=self._operations[row.order][row.activity][0],
            booking=f"row-{row.number}",
            completed=str(row.completed),
            scrap=str(row.rejected),
            suspect=str(row.mrb),
            rework=row.rework,
            complete=False,
            by=[row.worker],
        )

    def _act(self, row: LogRow, kind: str, **fields: Any) -> None:  # noqa: ANN401
        body = {
            "id": uuid.uuid4().hex,
            "station": self._stations[row.machine],
            "kind": kind,
            **fields,
        }
        answer = self._http.post("/api/acts", json=body)
        verdict = answer.json() if answer.is_success else {"answer": "refused", "code": answer.text}
        if verdict["answer"] != "accepted":
            raise ReplayRefusedError(
                f"Line {row.number}: {kind} at {row.machine} was answered {verdict['code']}."
            )
        self.acts += 1
