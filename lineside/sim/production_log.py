"""The production log of a real job shop: its rows, and the figures that follow from them.

The figures are computed here, apart from edge and central, in the shape of the log's published
`expected.json`, so that any log can be compared with what central answers.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lineside.contracts.clock import Microseconds, from_datetime
from lineside.contracts.errors import LinesideError

ACTIVITIES = {"S": "setup", "D": "production", "B": "breakdown"}
_COLUMNS = {
    "Case ID", "Activity", "Resource", "Start Timestamp", "Complete Timestamp", "Part Desc.",
    "Worker ID", "Report Type", "Qty Completed", "Qty Rejected", "Qty for MRB", "Rework",
}  # fmt: skip


class LogError(LinesideError):
    """A line of the log cannot be read."""

    code = "sim.log"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    """One report of the log.

    Attributes:
        number: Line number in the file, the header being line 1.
        kind: `setup`, `production` or `breakdown`.
    """

    number: int
    order: str
    activity: str
    machine: str
    start: Microseconds
    end: Microseconds
    order_quantity: int
    part: str
    worker: str
    kind: str
    completed: int
    rejected: int
    mrb: int
    rework: bool


def read_log(path: Path) -> list[LogRow]:
    """All rows of a log in their order.

    Raises:
        LogError: A column is missing or a value is none; names file, line and what was expected.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        names = {" ".join(name.split()): name for name in reader.fieldnames or []}
        missing = _COLUMNS - names.keys()
        if missing:
            raise LogError(f"{path}: no column {', '.join(sorted(missing))}.")
        return [
            _row(path, number, {short: record[name] for short, name in names.items()})
            for number, record in enumerate(reader, start=2)
        ]


def _row(path: Path, number: int, record: dict[str, str]) -> LogRow:
    try:
        return LogRow(
            number=number,
            order=record["Case ID"],
            activity=record["Activity"],
            machine=record["Resource"],
            start=_instant(record["Start Timestamp"]),
            end=_instant(record["Complete Timestamp"]),
            order_quantity=int(record["Work Order Qty"] or 0),
            part=record["Part Desc."],
            worker=record["Worker ID"],
            kind=ACTIVITIES[record["Report Type"]],
            completed=int(record["Qty Completed"] or 0),
            rejected=int(record["Qty Rejected"] or 0),
            mrb=int(record["Qty for MRB"] or 0),
            rework=record["Rework"] == "Y",
        )
    except (KeyError, ValueError) as problem:
        raise LogError(f"{path}: line {number} cannot be read: {problem!r}.") from problem


def _instant(text: str) -> Microseconds:
    return from_datetime(datetime.strptime(text, "%Y/%m/%d %H:%M:%S.%f").replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A figure that central answers differently."""

    where: str
    expected: object
    found: object


GROUPS: dict[str, Callable[[LogRow], str]] = {
    "work_orders": lambda row: row.order,
    "machines": lambda row: row.machine,
    "workers": lambda row: row.worker,
    "parts": lambda row: row.part,
    "activities": lambda row: row.activity,
}


def busy_minutes(spans: Iterable[tuple[Microseconds, Microseconds]]) -> int:
    """Minutes of the union of spans."""
    total, reached = 0, None
    for start, end in sorted(spans):
        begin = start if reached is None or start > reached else reached
        total += max(0, end - begin)
        reached = end if reached is None else max(reached, end)
    return total // 60_000_000


def compare(
    expected: dict[str, dict[str, dict[str, object]]],
    found: dict[str, dict[str, dict[str, object]]],
) -> list[Difference]:
    """Every figure of the groups, where they differ or are missing; totals that both name."""
    found_totals, wanted_totals = found.get("totals", {}), expected.get("totals", {})
    found_days, wanted_days = found.get("wip_at_midnight", {}), expected.get("wip_at_midnight", {})
    pairs = [
        (f"totals/{key}", value, found_totals[key])
        for key, value in wanted_totals.items()
        if key in found_totals
    ]
    pairs += [
        (f"wip_at_midnight/{day}", count, found_days.get(day)) for day, count in wanted_days.items()
    ]
    return [
        Difference(where=where, expected=value, found=mine)
        for where, value, mine in pairs
        if value != mine and not _same_number(value, mine)
    ] + [
        Difference(where=f"{group}/{key}/{figure}", expected=value, found=mine)
        for group in GROUPS
        for key, figures in expected.get(group, {}).items()
        for figure, value in figures.items()
        if (mine := found.get(group, {}).get(key, {}).get(figure, "missing")) != value
        and not _same_number(value, mine)
    ]


def _same_number(one: object, other: object) -> bool:
    return (
        isinstance(one, int | float) and isinstance(other, int | float) and abs(one - other) <= 1e-6  # noqa: PLR2004 the file has six decimals
    )


def acts_in_time(rows: Sequence[LogRow]) -> list[tuple[Microseconds, str, LogRow]]:
    """`start` and `finish` of every row in the order in which people would report them.

    At one instant reports that end come first, then those that begin; a row without duration begins
    before it ends.
    """
    acts: list[tuple[Microseconds, int, int, str, LogRow]] = []
    for row in rows:
        zero = row.start == row.end
        acts.append((row.start, 1, row.number, "start", row))
        acts.append((row.end, 2 if zero else 0, row.number, "finish", row))
    return [(at, what, row) for at, _, _, what, row in sorted(acts, key=lambda act: act[:3])]
