"""REST of orders: create, read, and one act a route."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response

from lineside.central.errors import (
    ConflictError,
    RevisionMissingError,
    RevisionStaleError,
)
from lineside.central.kit.csv_answer import CSV_RESPONSE, CsvWanted, csv_response
from lineside.central.kit.http import refusals
from lineside.central.kit.pagination import Page, Paging, after_key, cut_page
from lineside.central.kit.revisions import ExpectedRevision, MaybeExpectedRevision, show_revision
from lineside.central.kit.transaction_route import TransactionRoute, Work
from lineside.central.mes.master_data.errors import (
    StationsOfSeveralEdgesError,
    UnknownReferenceError,
)
from lineside.central.mes.orders import listing, schemas, service
from lineside.central.mes.orders.entities import Order
from lineside.central.mes.orders.errors import (
    MoveNotConfirmedError,
    NoRoutingError,
    OperationNotFoundError,
    OrderNotFoundError,
    OrderStateError,
)
from lineside.central.mes.orders.queries import edges_applied
from lineside.central.platform.access.principal import Principal, require

router = APIRouter(
    prefix="/api/v1/mes/work-orders", tags=["work orders"], route_class=TransactionRoute
)
Reader = Annotated[Principal, Depends(require("orders.read"))]
Planner = Annotated[Principal, Depends(require("orders.write"))]
ACT = refusals(OrderNotFoundError, OrderStateError, RevisionStaleError)


def _answer(work: Work, response: Response, row: Order) -> schemas.OrderOut:
    work.session.flush()
    show_revision(response, row.revision)
    return _shown(row, edges_applied(work, [row.id]))


def _shown(row: Order, applied: dict[str, list[schemas.EdgeAppliedOut]]) -> schemas.OrderOut:
    values = {name: getattr(row, name) for name in schemas.OrderOut.model_fields if name != "edges"}
    return schemas.OrderOut.model_validate(values | {"edges": applied.get(row.id, [])})


@router.get("", responses=CSV_RESPONSE, response_model=Page[schemas.OrderRowOut])
def list_orders(
    *,
    work: Work,
    page: Paging,
    as_csv: CsvWanted,
    _: Reader,
    state: Annotated[
        Literal["", "created", "released", "held", "cancelled", "finished"], Query()
    ] = "",
    item: Annotated[str, Query(max_length=100)] = "",
    q: Annotated[
        str, Query(max_length=100, description="Part of the order's or the item's number")
    ] = "",
) -> Response | Page[schemas.OrderRowOut]:
    """Orders with their progress, by number; six queries a page. As CSV: all of them at once."""
    query = listing.wanted_orders(state=state, item=item, q=q.strip())
    if as_csv:
        found = work.session.scalars(query.order_by(Order.id).limit(listing.ROWS_MAX)).all()
        return csv_response("work-orders", listing.CSV_HEADER, listing.csv_rows(work, found))
    rows = list(work.session.scalars(after_key(query, (Order.__table__.c.id,), page)))
    rows, cursor = cut_page(rows, page, ("id",))
    applied = edges_applied(work, [row.id for row in rows])
    made = listing.made_of(work, rows)
    items = [
        schemas.OrderRowOut(**dict(_shown(row, applied)), made=made.get(row.id)) for row in rows
    ]
    return Page(items=items, next_cursor=cursor)


@router.post(
    "",
    status_code=201,
    responses=refusals(ConflictError, UnknownReferenceError, NoRoutingError),
)
def create_order(
    body: schemas.OrderIn, work: Work, response: Response, _: Planner
) -> schemas.OrderOut:
    """A new order; no edge knows of it before its release."""
    return _answer(work, response, service.create_order(work, body))


@router.post("/{order:path}/release", responses=ACT)
def release_order(
    _: Planner, order: str, work: Work, response: Response, expected: MaybeExpectedRevision
) -> schemas.OrderOut:
    """Give the order to its edges."""
    return _answer(work, response, service.release_order(work, order, expected=expected))


@router.post("/{order:path}/prioritise", responses=ACT)
def prioritise_order(
    _: Planner,
    order: str,
    body: schemas.PriorityIn,
    work: Work,
    response: Response,
    expected: ExpectedRevision,
) -> schemas.OrderOut:
    """Change the priority, smaller first."""
    patch = schemas.OrderPatch(priority=body.priority)
    row = service.change_order(work, order, patch, expected=expected)
    return _answer(work, response, row)


@router.post("/{order:path}/hold", responses=ACT)
def hold_order(
    _: Planner,
    order: str,
    body: schemas.ReasonedIn,
    work: Work,
    response: Response,
    expected: MaybeExpectedRevision,
) -> schemas.OrderOut:
    """Stop the order everywhere until it is resumed."""
    row = service.hold_order(work, order, expected=expected, reason=body.reason)
    return _answer(work, response, row)


@router.post("/{order:path}/resume", responses=ACT)
def resume_order(
    _: Planner, order: str, work: Work, response: Response, expected: MaybeExpectedRevision
) -> schemas.OrderOut:
    """Let a held order go on."""
    return _answer(work, response, service.resume_order(work, order, expected=expected))


@router.post("/{order:path}/cancel", responses=ACT)
def cancel_order(
    _: Planner, order: str, work: Work, response: Response, expected: MaybeExpectedRevision
) -> schemas.OrderOut:
    """Cancel the order; what was made stands."""
    row = service.close_order(work, order, expected=expected, state="cancelled")
    return _answer(work, response, row)


@router.post("/{order:path}/finish", responses=ACT)
def finish_order(
    _: Planner, order: str, work: Work, response: Response, expected: MaybeExpectedRevision
) -> schemas.OrderOut:
    """Close the order as finished."""
    row = service.close_order(work, order, expected=expected, state="finished")
    return _answer(work, response, row)


@router.post(
    "/{order:path}/operations/{operation}/move",
    responses=refusals(
        OrderNotFoundError,
        OperationNotFoundError,
        OrderStateError,
        MoveNotConfirmedError,
        UnknownReferenceError,
        StationsOfSeveralEdgesError,
        RevisionStaleError,
    ),
)
def move_operation(
    *,
    planner: Planner,
    order: str,
    operation: str,
    body: schemas.MoveIn,
    work: Work,
    response: Response,
    expected: MaybeExpectedRevision,
) -> schemas.OrderOut:
    """Give an operation to other stations: after its edge confirmed the hold, or by force."""
    row = service.move_operation(
        work, order, operation, body, expected=expected, by=planner.person or planner.id
    )
    return _answer(work, response, row)


@router.get("/{order:path}/progress", responses=refusals(OrderNotFoundError))
def read_progress(order: str, work: Work, _: Reader) -> schemas.OrderProgressOut:
    """What the edges reported, by operation; the last operation tells for the order."""
    row = service.get_order(work, order)
    operations = listing.progress_of(work, row)
    last = listing.last_operation(row, operations)
    return schemas.OrderProgressOut(
        order=row.id,
        item=row.item,
        quantity=row.quantity,
        state=row.state,
        delivered=last.delivered if last is not None else schemas.Decimal(0),
        operations=operations,
    )


@router.get("/{order:path}", responses=refusals(OrderNotFoundError))
def read_order(order: str, work: Work, response: Response, _: Reader) -> schemas.OrderOut:
    """One order, with the revision that each edge has applied."""
    return _answer(work, response, service.get_order(work, order))


@router.patch(
    "/{order:path}",
    responses=refusals(
        OrderNotFoundError, OrderStateError, RevisionMissingError, RevisionStaleError
    ),
)
def change_order(
    _: Planner,
    order: str,
    body: schemas.OrderPatch,
    work: Work,
    response: Response,
    expected: ExpectedRevision,
) -> schemas.OrderOut:
    """Change quantity, priority or due date."""
    return _answer(work, response, service.change_order(work, order, body, expected=expected))
