# pyright: basic
"""KPI elements recomputed from raw events with pandas, without `contracts.kpi`: a second opinion.

It knows the common case: stations with one order at a time, counters, declared quantities, and
voided
events. What it does not know (several orders at once, moved bookings, the micro-stop policy
`performance`) it
names and leaves out, instead of agreeing with a guess.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Any

import pandas as pd
from sqlalchemy import Connection, text

from lineside.contracts.calendar import Shift
from lineside.contracts.commands import Calendar

Frame = Any
"""A pandas object: its published types do not know what its methods return."""

MINUTE_US = 60_000_000
GLITCH_US = 10_000_000
MODULUS = 65_536
KEYS = (
    "planned_downtime_s",
    "APT_s",
    "AUST_s",
    "ADET_s",
    "ADOT_s",
    "unknown_s",
    "PQ",
    "SQ",
    "RQ",
    "GQ",
)
TYPES = (
    *("state_changed", "order_started", "order_paused", "order_finished", "counter_read"),
    *("counter_reset", "quantity_declared", "planned_downtime_declared", "span_declared"),
    *("booking_moved", "event_voided", "event_corrected"),
)
_EVENTS = text("""
    SELECT edge, epoch, seq, station, type, occurred_at, convert_from(data, 'UTF8') AS data
    FROM raw_event WHERE lane = 'facts' AND type = ANY(:types) AND occurred_at <= :until
""")


@dataclass(frozen=True)
class Verified:
    """Elements of one station, or why they cannot be recomputed here."""

    elements: dict[str, Fraction]
    unknown_to_us: str = ""


def raw_events(connection: Connection, until: int) -> Frame:
    """Facts that figures need, up to a moment, in order of time; voided ones are gone.

    Args:
        connection: Central's database.
        until: Microseconds UTC, inclusive.
    """
    frame: Frame = pd.read_sql(_EVENTS, connection, params={"types": list(TYPES), "until": until})
    frame["body"] = [json.loads(data) for data in frame["data"]]
    gone = {
        (ref["edge"], ref["epoch"], ref["seq"])
        for body in frame["body"]
        for ref in (body.get("voids"), body.get("corrects"))
        if ref
    }
    keys: Frame = pd.Series(
        zip(frame["edge"], frame["epoch"], frame["seq"], strict=True), index=frame.index
    )
    frame = frame[~keys.isin(gone)]
    return frame.sort_values(["occurred_at", "edge", "epoch", "seq"], kind="stable")


def verify(
    frame: Frame, calendar: Calendar, station: str, shift: Shift, start: int, end: int
) -> Verified:
    """Elements of one station in `[start, end)` of a shift."""
    rows = frame[frame["station"] == station]
    problem = _unknown_case(rows, calendar)
    if problem:
        return Verified({}, problem)
    planned = _planned(rows, calendar, station, shift)
    orders = _orders(rows)
    elements = _times(rows, orders, planned, start, end)
    elements |= _quantities(rows, orders, start, end)
    return Verified(elements)


def _unknown_case(rows: Frame, calendar: Calendar) -> str:
    if calendar.micro_stop_policy != "availability":
        return "the micro-stop policy is not `availability`"
    if (rows["type"].isin(["booking_moved", "span_declared"])).any():
        return "bookings were moved or declared afterwards"
    started = rows[rows["type"] == "order_started"]["body"]
    if any(not body.get("exclusive", True) for body in started):
        return "several orders at once"
    finished = rows[rows["type"] == "order_finished"]["body"]
    if any(body.get("quantities") for body in finished):
        return "bookings report quantities"
    counters = rows[rows["type"] == "counter_read"]["body"]
    if any(body.get("resetting") for body in counters):
        return "a counter is reset by the machine"
    return ""


def _planned(rows: Frame, calendar: Calendar, station: str, shift: Shift) -> Frame:
    spans = list(shift.breaks)
    spans += [(s.start, s.end) for s in calendar.planned_stops if s.station in {"", station}]
    declared = rows[rows["type"] == "planned_downtime_declared"]["body"]
    spans += [
        (body["occurred_at"], body.get("occurred_until", body["occurred_at"])) for body in declared
    ]
    spans = [span for span in spans if span[1] > span[0]]
    return pd.IntervalIndex.from_tuples(spans, closed="left")


def _orders(rows: Frame) -> Frame:
    """Change points of the order on the station; empty text: none (R9)."""
    points: list[tuple[int, str]] = []
    present = ""
    for kind, body in zip(rows["type"], rows["body"], strict=True):
        job = f"{body.get('order', '')}/{body.get('operation', '')}"
        if kind == "order_started":
            present = job
        elif kind in {"order_paused", "order_finished"} and job == present:
            present = ""
        else:
            continue
        points.append((body["occurred_at"], present))
    frame: Frame = pd.DataFrame(points, columns=["at", "order"]).astype({"at": "int64"})
    return frame.drop_duplicates("at", keep="last")


def _times(rows: Frame, orders: Frame, planned: Frame, start: int, end: int) -> dict[str, Fraction]:
    """R8, R10: cut the window at every change, look up each piece, add."""
    states = rows[rows["type"] == "state_changed"]
    changes: Frame = pd.DataFrame(
        {"at": states["occurred_at"], "state": [body["state"] for body in states["body"]]}
    ).astype({"at": "int64"})
    changes = changes.drop_duplicates("at", keep="last")
    edges = {start, end, *changes["at"], *orders["at"], *planned.left, *planned.right}
    cuts: Frame = pd.Series(sorted(edge for edge in edges if start <= edge <= end), dtype="int64")
    pieces: Frame = pd.DataFrame({"at": cuts[:-1].to_numpy(), "until": cuts[1:].to_numpy()})
    pieces = pd.merge_asof(pieces, changes, on="at")
    pieces = pd.merge_asof(pieces, orders, on="at")
    pieces["state"] = pieces["state"].fillna("UNKNOWN")
    pieces["order"] = pieces["order"].fillna("")
    in_plan = [bool(planned.contains(at).any()) for at in pieces["at"]]
    pieces["category"] = (
        pieces["state"]
        .map({"RUN": "APT_s", "SETUP": "AUST_s", "UNKNOWN": "unknown_s"})
        .fillna("ADET_s")
    )
    no_order = (pieces["order"] == "") & (pieces["state"] != "UNKNOWN")
    pieces.loc[no_order, "category"] = "ADOT_s"
    pieces.loc[in_plan, "category"] = "planned_downtime_s"
    sums = (pieces["until"] - pieces["at"]).groupby(pieces["category"]).sum()
    return {key: Fraction(int(sums.get(key, 0)), 1_000_000) for key in KEYS if key.endswith("_s")}


def _quantities(rows: Frame, orders: Frame, start: int, end: int) -> dict[str, Fraction]:
    """R14 to R19: everything stamped in `(start, end]`, for orders named or on the station."""
    found = [*_counted(rows), *_declared(rows)]
    frame: Frame = pd.DataFrame(found, columns=["at", "kind", "amount", "named"]).astype(
        {"at": "int64"}
    )
    frame = frame[(frame["at"] > start) & (frame["at"] <= end)].sort_values("at")
    # R14: a quantity at the moment of a change belongs to the order before it.
    frame = pd.merge_asof(frame, orders, on="at", allow_exact_matches=False)
    frame = frame[frame["named"] | (frame["order"].fillna("") != "")]
    by_kind = {
        kind: sum(frame[frame["kind"] == kind]["amount"], Fraction(0))
        for kind in ("produced", "scrap", "rework", "rework_scrap")
    }
    scrap = by_kind["scrap"] + by_kind["rework_scrap"]
    rework = by_kind["rework"] - by_kind["rework_scrap"]
    produced = by_kind["produced"]
    return {"PQ": produced, "SQ": scrap, "RQ": rework, "GQ": produced - scrap - rework}


def _declared(rows: Frame) -> list[tuple[int, str, Fraction, bool]]:
    return [
        (
            body["occurred_at"],
            body["kind"],
            Fraction(body["quantity"]["value"]),
            bool(body.get("order") or body.get("jobs")),
        )
        for body in rows[rows["type"] == "quantity_declared"]["body"]
    ]


def _counted(rows: Frame) -> list[tuple[int, str, Fraction, bool]]:
    """Increments of every counter by R15 to R17."""
    readings = rows[rows["type"].isin(["counter_read", "counter_reset"])]
    found: list[tuple[int, str, Fraction, bool]] = []
    for _, group in readings.groupby([body["counter"] for body in readings["body"]], sort=False):
        base: tuple[int, int] | None = None
        suspect: tuple[int, int] | None = None
        for kind, body in zip(group["type"], group["body"], strict=True):
            at, value = body["occurred_at"], body["value"]
            if base is None or kind == "counter_reset":
                base, suspect = (at, value), None
                continue
            counts, lost = _increment(base, (at, value), body)
            if suspect is not None and at - base[0] <= GLITCH_US:
                back = value - suspect[1]
                if 0 <= back <= _bound(suspect[0], at, body):
                    counts, lost = back, False
            suspect = base if lost and counts == 0 else None
            base = (at, value)
            amount = counts * Fraction(body.get("pieces_per_count", "1"))
            role = body.get("role", "produced")
            found.append((at, role, amount, False))
    return found


def _bound(since: int, at: int, body: dict[str, object]) -> int:
    return floor(Fraction(str(body["max_per_min"])) * (at - since) / MINUTE_US) + 1


def _increment(
    base: tuple[int, int], reading: tuple[int, int], body: dict[str, object]
) -> tuple[int, bool]:
    """Counts, and whether the reading was a reset or implausible (R16)."""
    modulus = int(str(body.get("modulus", MODULUS)))
    bound = _bound(base[0], reading[0], body)
    counts, reset = reading[1] - base[1], False
    if counts < 0:
        counts += modulus
        if counts > bound:
            counts, reset = reading[1], True
    if counts > bound:
        return 0, True
    return counts, reset


def differences(expected: dict[str, Fraction], found: dict[str, float]) -> Sequence[str]:
    """Elements on which the two do not agree (times to the millisecond, counts exactly)."""
    lines: list[str] = []
    for key in KEYS:
        allowed = Fraction(1, 1000) if key.endswith("_s") else Fraction(1, 10**9)
        if abs(expected[key] - Fraction(found[key])) > allowed:
            lines.append(f"{key} is {found[key]:g}, recomputed {float(expected[key]):g}")
    return lines
