"""REST of exceptions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlalchemy import RowMapping

from lineside.central.errors import AlreadyExistsError, ConflictError, NotFoundError
from lineside.central.kit.http import refusals
from lineside.central.kit.transaction_route import TransactionRoute, Work
from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.exceptions import queries
from lineside.central.mes.exceptions.entities import ExceptionClosed
from lineside.central.mes.exceptions.schemas import (
    CloseIn,
    ExceptionOut,
    ExceptionsOut,
    ExceptionText,
    State,
)
from lineside.central.platform.access.principal import Principal, require

router = APIRouter(prefix="/api/v1/mes", tags=["exceptions"], route_class=TransactionRoute)
Reader = Annotated[Principal, Depends(require("orders.read"))]
Closer = Annotated[Principal, Depends(require("orders.write"))]

TEXTS: dict[str, ExceptionText] = {
    "unknown_order": ExceptionText(
        zh="{edge} 在 {station} 上报的工单 {entity} 在中央不存在。请核对工单号，或补建该工单。",
        en="{edge} worked at {station} on order {entity}, which is not here. Look at the number,"
        " or create the order.",
    ),
    "superseded_revision": ExceptionText(
        zh="{edge} 在 {station} 按工艺版本 {used} 生产工单 {entity}，而该工单以 {expected} 下达。"
        "请判定产品是否可用。",
        en="{edge} made order {entity} at {station} by revision {used}; it was released with"
        " {expected}. Decide on what was made.",
    ),
    "ended_order": ExceptionText(
        zh="{edge} 在 {station} 对已结束的工单 {entity} 继续生产。请核对数量。",
        en="{edge} worked at {station} on order {entity} after it had ended. Look at the"
        " quantities.",
    ),
    "two_stations": ExceptionText(
        zh="{entity}：多个工位完成了同一件的同一工序，其一为 {edge} 的 {station}。"
        "请核对并撤销错误的一条。",
        en="{entity}: several stations finished the same operation of one piece, {station} of"
        " {edge} among them. Look which is right and take the other back.",
    ),
}


@router.get("/exceptions")
def list_exceptions(
    work: Work, _: Reader, state: Annotated[list[State] | None, Query()] = None
) -> ExceptionsOut:
    """What does not fit, the newest first; without `state` what is open."""
    rows = queries.exceptions(work.connection, states=state or ["open"], now=work.now())
    return ExceptionsOut(
        items=[_shown(row) for row in rows[: queries.LIST_MAX]], more=len(rows) > queries.LIST_MAX
    )


@router.post("/exceptions/close", responses=refusals(NotFoundError, ConflictError))
def close_exception(body: CloseIn, work: Work, principal: Closer) -> ExceptionOut:
    """Say that somebody has looked at it; facts stay as they are. Closing it twice is refused."""
    found = _one(work, body)
    if found["state"] == "closed":
        hint = "Somebody has looked at it already; read the reason."
        raise AlreadyExistsError("closing of", body.entity, hint=hint)
    work.session.add(
        ExceptionClosed(
            kind=body.kind,
            entity=body.entity,
            edge=body.edge,
            by=principal.person or principal.id,
            reason=body.reason,
            closed_at=work.now(),
        )
    )
    work.session.flush()
    return _shown(_one(work, body))


def _one(work: UnitOfWork, body: CloseIn) -> RowMapping:
    found = queries.one(work.connection, body.kind, body.entity, body.edge, work.now())
    if found is None:
        raise NotFoundError("exception", body.entity)
    return found


def _shown(row: RowMapping) -> ExceptionOut:
    said = TEXTS[row["kind"]]
    return ExceptionOut(
        kind=row["kind"],
        entity=row["entity"],
        edge=row["edge"],
        station=row["station"],
        seq=row["seq"],
        occurred_at=max(0, row["occurred_at"]),
        due_at=max(0, row["due_at"]),
        state=row["state"],
        text=ExceptionText(zh=said.zh.format(**row), en=said.en.format(**row)),
        closed_at=row["closed_at"],
        closed_by=row["by"] or "",
        reason=row["reason"] or "",
    )
