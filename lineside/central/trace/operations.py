"""Groups a unit's lines into attempts at operations."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lineside.central.mes.figures.signals import Stretch, StretchSignals
from lineside.central.trace import schemas
from lineside.central.trace.queries import Row, Rows

NO_TOOL = re.compile(r"0*\.?0*|UNAVAILABLE")


def operations_of(rows: Rows) -> list[schemas.OperationOut]:
    """Attempts of a unit at operations, in order of time.

    An attempt begins with `unit_started` and ends with the next `unit_finished` of the same order
    operation; one that was only finished (a station that does not tell the start) has no beginning.
    What
    else names the operation goes to its last attempt; what names none, to the attempt that runs
    then.
    """
    found: list[schemas.OperationOut] = []
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


def _begun(row: Row) -> schemas.OperationOut:
    return schemas.OperationOut.model_construct(
        order=row.order_no,
        operation=row.operation,
        name="",
        name_zh="",
        station=row.station,
        line="",
        attempt=int(row.detail.get("attempt", 1)),
        started_at=row.occurred_at,
        finished_at=None,
        by=[],
        shift="",
        result=None,
        disposition=None,
        parameters={},
        defects=[],
        flags=[],
        signals=None,
        lines=[],
        evidence=[],
    )


def _attempt_of(found: Sequence[schemas.OperationOut], row: Row) -> schemas.OperationOut | None:
    for attempt in reversed(found):
        same_operation = attempt.order == row.order_no and attempt.operation == row.operation
        if same_operation and (row.operation or row.type == "unit_finished"):
            return attempt
        runs = attempt.finished_at is None and attempt.station == row.station
        if not row.operation and runs:
            return attempt
    return None


def _finish(attempt: schemas.OperationOut, row: Row) -> None:
    attempt.finished_at = row.occurred_at
    attempt.station = row.station or attempt.station
    attempt.result = str(row.detail.get("result", "pass"))
    attempt.parameters = {
        str(name): str(value) for name, value in row.detail.get("parameters", {}).items()
    }


def _attach(attempt: schemas.OperationOut, index: int, row: Row) -> None:
    attempt.lines.append(index)
    attempt.by = list(dict.fromkeys([*attempt.by, *row.by]))
    attempt.flags = sorted({*attempt.flags, *row.flags})
    if row.type in {"unit_started", "unit_finished"}:
        attempt.evidence.append(schemas.EvidenceOut(edge=row.edge, epoch=row.epoch, seq=row.seq))
    elif row.type == "defect_recorded":
        attempt.defects.append(str(row.detail.get("code", "")))
    elif row.type == "unit_disposed":
        attempt.disposition = str(row.detail.get("disposition", ""))


def timed(operations: Sequence[schemas.OperationOut]) -> list[schemas.OperationOut]:
    """Attempts that have both ends, and so a stretch of their station's time."""
    return [found for found in operations if _has_span(found)]


def stretches_of(operations: Sequence[schemas.OperationOut]) -> list[Stretch]:
    """The stretch of each of these attempts."""
    return [
        Stretch(station=found.station, start=found.started_at or 0, end=found.finished_at or 0)
        for found in operations
    ]


def add_signals(operations: Sequence[schemas.OperationOut], told: Sequence[StretchSignals]) -> None:
    """Put what the station's signals said on each attempt."""
    for operation, said in zip(operations, told, strict=True):
        if said.changes or said.alarms:
            operation.signals = _signals(said)


def _has_span(operation: schemas.OperationOut) -> bool:
    return bool(
        operation.station
        and operation.started_at is not None
        and operation.finished_at is not None
        and operation.finished_at >= operation.started_at
    )


def _signals(said: StretchSignals) -> schemas.SignalsOut:
    return schemas.SignalsOut(
        seconds_by_status=said.seconds(said.status_role()),
        tools=said.sequence("tool", without=NO_TOOL),
        programs=said.distinct("program"),
        alarms=[
            schemas.AlarmOut(
                occurred_at=row.occurred_at,
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
