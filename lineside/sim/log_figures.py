"""Central's production report in the shape of a production log's `expected.json`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lineside.sim.central_client import Central

Json = dict[str, Any]
BY = {
    "work_orders": "order",
    "machines": "machine",
    "workers": "worker",
    "parts": "part",
    "activities": "activity",
}
_COUNTS_OF = {
    "work_orders": ("operations", "machines", "workers"),
    "machines": ("work_orders", "workers"),
    "workers": ("work_orders", "machines"),
    "parts": ("work_orders",),
    "activities": (),
}
PACKING, FINAL_INSPECTION = "Packing", "Final Inspection Q.C."


def read_figures(central: Central, *, machines: Mapping[str, str]) -> Json:
    """Ask central for its report by order, machine, worker, part and activity.

    Args:
        central: Signed in, with the permission for figures per person.
        machines: Station id to the machine's name in the log.
    """
    found: Json = {}
    for group, by in BY.items():
        answer = central.get("/api/v1/mes/production-report", by=by)
        rows: list[Json] = answer["rows"]
        names = {str(row["key"]): str(row["key"]) for row in rows}
        if group == "machines":
            names = {key: machines.get(key, key) for key in names}
        found[group] = {names[str(row["key"])]: _row(group, row) for row in rows}
        if group == "work_orders":
            found["totals"] = _totals(answer["totals"])
            found["wip_at_midnight"] = {
                day: count for day, count in answer["wip_at_midnight"].items() if count
            }
    return found


def _sums(row: Json) -> Json:
    return {
        "rows": row["rows"],
        "qty_completed": _number(row["qty_completed"]),
        "qty_rejected": _number(row["qty_rejected"]),
        "qty_mrb": _number(row["qty_mrb"]),
        "yield": row["report_yield"],
        "rework_rows": row["rework_rows"],
        "rework_rate": row["rework_rate"],
        "rework_qty_completed": _number(row["rework_qty_completed"]),
        "minutes_sum": row["minutes_sum"],
        "minutes_setup": row["minutes_setup"],
        "minutes_production": row["minutes_production"],
        "minutes_breakdown": row["minutes_breakdown"],
        "first_start": _wall(row["first_start"]),
        "last_complete": _wall(row["last_complete"]),
    }


def _row(group: str, row: Json) -> Json:
    out = _sums(row) | {"minutes_busy": row["minutes_busy"]}
    out |= {name: row[name] for name in _COUNTS_OF[group]}
    if group == "work_orders":
        done: Json = row["completed_by_operation"]
        out |= {
            "part": row["items"][0] if len(row["items"]) == 1 else row["items"],
            "order_qty": _number(row["order_quantity"]),
            "lead_time_minutes": row["window_minutes"],
            "packed_qty": _number(done[PACKING]) if PACKING in done else None,
            "final_inspected_qty": _number(done[FINAL_INSPECTION])
            if FINAL_INSPECTION in done
            else None,
        }
    if group == "machines":
        out |= {"window_minutes": row["window_minutes"], "busy_share": row["busy_share"]}
    if group == "parts":
        lead: Json = row["lead_time_minutes"] or {}
        out |= {
            "order_qty_total": _number(row["order_quantity"]),
            "lead_time_minutes_mean": _rounded(lead.get("mean")),
            "lead_time_minutes_median": _rounded(lead.get("median")),
        }
    return out


def _totals(totals: Json) -> Json:
    kinds: Json = totals["rows_by_activity"]
    lead: Json = totals["lead_time_minutes"] or {}
    return _sums(totals) | {
        "work_orders": totals["work_orders"],
        "machines": totals["machines"],
        "workers": totals["workers"],
        "parts": totals["parts"],
        "activities": totals["operations"],
        "rows_by_report_type": {
            letter: kinds.get(name, 0)
            for letter, name in (("B", "breakdown"), ("D", "production"), ("S", "setup"))
        },
        "lead_time_minutes": {name: _rounded(minutes) for name, minutes in lead.items()},
    }


def _number(text: object) -> float | int:
    value = float(str(text))
    return int(value) if value.is_integer() else value


def _rounded(minutes: float | None) -> float | None:
    """The log's file has three decimals."""
    return None if minutes is None else round(minutes, 3)


def _wall(instant: object) -> str | None:
    """RFC 3339 UTC as the log writes wall time: without zone."""
    return None if instant is None else str(instant).removesuffix("Z")
