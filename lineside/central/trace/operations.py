"""Groups a unit's lines into attempts at operations."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from lineside.central.kit.schema import decimal_text
from lineside.central.mes.figures.service import Stretch, StretchSignals
from lineside.central.trace import schemas
from lineside.central.trace.queries import LineRow
from lineside.contracts.clock import Microseconds, format_rfc3339

NO_TOOL = re.compile(r"0*\.?0*|UNAVAILABLE")


@dataclass(slots=True, kw_only=True)
class Attempt:
    """An attempt while it is put together; fields as in `schemas.OperationOut`."""

    order: str
    operation: str
    station: str
    attempt: int
    started_at: Microseconds | None
    name: str = ""
    name_zh: str = ""
    line: str = ""
    finished_at: Microseconds | None = None
    by: list[str] = field(default_factory=list[str])
    shift: str = ""
    result: str | None = None
    disposition: str | None = None
    parameters: dict[str, str] = field(default_factory=dict[str, str])
    defects: list[str] = field(default_factory=list[str])
    flags: list[str] = field(default_factory=list[str])
    signals: schemas.SignalsOut | None = None
    lines: list[int] = field(default_factory=list[int])
    evidence: list[schemas.EvidenceOut] = field(default_factory=list[schemas.EvidenceOut])

    def told(self) -> schemas.OperationOut:
        """As it is answered."""
        return schemas.OperationOut(
            order=self.order,
            operation=self.operation,
            name=self.name,
            name_zh=self.name_zh,
            station=self.station,
            line=self.line,
            attempt=self.attempt,
            started_at=instant_text(self.started_at),
            finished_at=instant_text(self.finished_at),
            by=self.by,
            shift=self.shift,
            result=self.result,
            disposition=self.disposition,
            parameters=self.parameters,
            defects=self.defects,
            flags=self.flags,
            signals=self.signals,
            lines=self.lines,
            evidence=self.evidence,
        )


def instant_text(at: Microseconds | None) -> str | None:
    """A time as it is answered."""
    return None if at is None else format_rfc3339(at)


def operations_of(rows: Sequence[LineRow]) -> list[Attempt]:
    """Attempts of a unit at operations, in order of time.

    An attempt begins with `unit_started` and ends with the next `unit_finished` of the same order
    operation; one that was only finished (a station that does not tell the start) has no beginning.
    What
    else names the operation goes to its last attempt; what names none, to the attempt that runs
    then.
    """
    found: list[Attempt] = []
    for index, row in enumerate(rows):
        if row.voided:
            continue
        if row.type == "unit_started":
            found.append(_begun(row))
            _attach(found[-1], index, row)
            continue
        attempt = _attempt_of(found, row)
        if row.type == "unit_finished":
            if attempt is None or attempt.finished_at is not None:
                attempt = _begun(row)
                attempt.started_at = None
                found.append(attempt)
            _finish(attempt, row)
        if attempt is not None:
            _attach(attempt, index, row)
    return found


def _begun(row: LineRow) -> Attempt:
    return Attempt(
        order=row.order_no,
        operation=row.operation,
        station=row.station,
        attempt=int(row.detail.get("attempt", 1)),
        started_at=row.occurred_at,
    )


def _attempt_of(found: Sequence[Attempt], row: LineRow) -> Attempt | None:
    for attempt in reversed(found):
        same_operation = attempt.order == row.order_no and attempt.operation == row.operation
        if same_operation and (row.operation or row.type == "unit_finished"):
            return attempt
        runs = attempt.finished_at is None and attempt.station == row.station
        if not row.operation and runs:
            return attempt
    return None


def _finish(attempt: Attempt, row: LineRow) -> None:
    attempt.finished_at = row.occurred_at
    attempt.station = row.station or attempt.station
    attempt.result = str(row.detail.get("result", "pass"))
    attempt.parameters = {
        str(name): str(value) for name, value in row.detail.get("parameters", {}).items()
    }


def _attach(attempt: Attempt, index: int, row: LineRow) -> None:
    attempt.lines.append(index)
    attempt.by = list(dict.fromkeys([*attempt.by, *row.by]))
    attempt.flags = sorted({*attempt.flags, *row.flags})
    if row.type in {"unit_started", "unit_finished"}:
        attempt.evidence.append(schemas.EvidenceOut(edge=row.edge, epoch=row.epoch, seq=row.seq))
    elif row.type == "defect_recorded":
        attempt.defects.append(str(row.detail.get("code", "")))
    elif row.type == "unit_disposed":
        attempt.disposition = str(row.detail.get("disposition", ""))


def timed(operations: Sequence[Attempt]) -> list[Attempt]:
    """Attempts that have both ends, and so a stretch of their station's time."""
    return [found for found in operations if _has_span(found)]


def stretches_of(operations: Sequence[Attempt]) -> list[Stretch]:
    """The stretch of each of these attempts."""
    return [
        Stretch(station=found.station, start=found.started_at or 0, end=found.finished_at or 0)
        for found in operations
    ]


def add_signals(operations: Sequence[Attempt], told: Sequence[StretchSignals]) -> None:
    """Put what the station's signals said on each attempt."""
    for operation, said in zip(operations, told, strict=True):
        if said.changes or said.alarms:
            operation.signals = _signals(said)


def _has_span(operation: Attempt) -> bool:
    return bool(
        operation.station
        and operation.started_at is not None
        and operation.finished_at is not None
        and operation.finished_at >= operation.started_at
    )


def _signals(said: StretchSignals) -> schemas.SignalsOut:
    return schemas.SignalsOut(
        seconds_by_status={
            status: decimal_text(seconds)
            for status, seconds in said.seconds(said.status_role()).items()
        },
        tools=said.sequence("tool", without=NO_TOOL),
        programs=said.distinct("program"),
        alarms=[
            schemas.AlarmOut(
                occurred_at=format_rfc3339(row.occurred_at),
                alarm=row.alarm,
                severity=row.severity,
                condition=row.condition,
                text=row.text,
                evidence=schemas.EvidenceOut(edge=row.edge, epoch=row.epoch, seq=row.seq),
            )
            for row in said.alarms
        ],
        events=sum(len(changes) for changes in said.changes.values()) + len(said.alarms),
    )
