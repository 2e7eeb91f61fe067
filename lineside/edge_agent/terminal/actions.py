"""One door to all acts: a body and a situation in, a decision out. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lineside.contracts.clock import from_datetime
from lineside.edge_agent.terminal import (
    acts,
    carrier_acts,
    corrections,
    material_acts,
    number_acts,
    order_acts,
    people_acts,
    quality_acts,
    scans,
    shift_acts,
    span_acts,
    split_acts,
    unit_acts,
    weighing,
)
from lineside.edge_agent.terminal.carrier_acts import Content
from lineside.edge_agent.terminal.scans import Stops
from lineside.edge_agent.terminal.situation import Decision, Situation, accepted


def no_stops() -> list[tuple[int, int]]:
    """No stop waits for a reason."""
    return []


def decide(
    s: Situation, body: acts.AnyAct, *, problem: str = "", stops: Stops = no_stops
) -> Decision:
    """Decide on an act.

    Args:
        s: The station at the moment of the act.
        body: What is asked for.
        problem: What a driver said of a scan's frame.
        stops: Stops that nobody has explained, oldest first.
    """
    if s.confirm == "cancel":
        return accepted("question.cancelled")
    match body:
        case acts.Scan():
            return scans.scanned(
                s, raw=body.raw, act=body.id, scanner=body.scanner, problem=problem, stops=stops
            )
        case acts.Correct():
            return corrections.replace_entry(
                s, body.seq, body.reason, lambda then: decide(then, body.replacement, stops=stops)
            )
        case acts.BackEntry():
            until = body.occurred_until
            return corrections.back_entry(
                s,
                from_datetime(body.occurred_at),
                from_datetime(until) if until is not None else None,
                lambda then: decide(then, body.entry, stops=stops),
            )
        case _:
            return _PLAIN[type(body)](s, body)


def _start_unit(s: Situation, body: acts.StartUnit) -> Decision:
    return unit_acts.unit_scanned(s, body.serial, body.item)


def _finish_unit(s: Situation, body: acts.FinishUnit) -> Decision:
    if body.defect:
        return quality_acts.record_defect(s, code=body.defect, serial=body.serial)
    return unit_acts.finish_unit(
        s, serial=body.serial, result=body.result, parameters=body.parameters
    )


def _start_order(s: Situation, body: acts.StartOrder) -> Decision:
    return order_acts.start_order(
        s,
        order=body.order,
        operation=body.operation,
        activity=body.activity,
        booking=body.booking or body.id,
    )


def _finish_order(s: Situation, body: acts.FinishOrder) -> Decision:
    return order_acts.finish_order(
        s,
        order=body.order,
        operation=body.operation,
        booking=body.booking,
        completed=body.completed,
        scrap=body.scrap,
        suspect=body.suspect,
        rework=body.rework,
        complete=body.complete,
    )


def _declare(s: Situation, body: acts.Declare) -> Decision:
    return order_acts.declare(
        s,
        kind=body.quantity_kind,
        quantity=body.quantity,
        unit=body.unit,
        order=body.order,
        operation=body.operation,
    )


def _defect(s: Situation, body: acts.Defect) -> Decision:
    return quality_acts.record_defect(
        s,
        code=body.code,
        serial=body.serial,
        quantity=body.quantity,
        scrap=body.scrap,
        text=body.text,
    )


def _span(s: Situation, body: acts.Span) -> Decision:
    return span_acts.declare_span(
        s,
        order=body.order,
        operation=body.operation,
        activity=body.activity,
        start=from_datetime(body.start),
        end=from_datetime(body.end),
        quantities=order_acts.reported(body.completed, body.scrap, body.suspect),
        rework=body.rework,
        booking=body.booking or body.id,
    )


def _move(s: Situation, body: acts.MoveSpan) -> Decision:
    return span_acts.move_span(
        s.changed(reason=body.reason),
        start=from_datetime(body.start),
        end=from_datetime(body.end),
        to_order=body.to_order,
        to_operation=body.to_operation,
        from_order=body.from_order,
    )


def _mount(s: Situation, body: acts.Mount) -> Decision:
    return material_acts.mount(
        s,
        lot=body.lot,
        item=body.item,
        issuer=body.issuer,
        position=body.position,
        quantity=body.quantity,
        unit=body.unit,
    )


def _release(s: Situation, body: acts.ReleaseFirstPiece) -> Decision:
    return shift_acts.release_first_piece(
        s,
        order=body.order,
        operation=body.operation,
        serial=body.serial,
        person=body.person,
        badge=body.badge,
    )


def _reason(s: Situation, body: acts.Reason) -> Decision:
    return shift_acts.give_reason(
        s,
        start=from_datetime(body.start),
        end=from_datetime(body.end),
        code=body.code,
        text=body.text,
    )


def _plan_stop(s: Situation, body: acts.PlannedStopAct) -> Decision:
    return shift_acts.plan_stop(
        s, start=from_datetime(body.start), end=from_datetime(body.end), code=body.code
    )


def _inspect(s: Situation, body: acts.Inspect) -> Decision:
    return quality_acts.inspect(
        s, serial=body.serial, passed=body.passed, values=body.measurements, plan=body.plan
    )


def _put_in(s: Situation, body: acts.PutIn) -> Decision:
    return carrier_acts.put_in(
        s,
        carrier=body.carrier,
        content=Content(body.serial, body.lot, body.item, body.issuer),
        quantity=body.quantity,
        unit=body.unit,
    )


def _take_out(s: Situation, body: acts.TakeOut) -> Decision:
    return carrier_acts.take_out(
        s,
        carrier=body.carrier,
        content=Content(body.serial, body.lot, body.item, body.issuer),
        quantity=body.quantity,
    )


def _weigh(s: Situation, body: acts.Weigh) -> Decision:
    return weighing.weigh(
        s,
        weight=body.weight,
        unit=body.unit,
        net=body.net,
        scale=body.scale,
        changed=body.changed,
    )


def _split(s: Situation, body: acts.SplitCount) -> Decision:
    return split_acts.split_count(
        s,
        seq=body.seq,
        boundary=from_datetime(body.boundary),
        before=body.before,
        reason=body.reason,
    )


_PLAIN: dict[type[acts.ActBody], Callable[[Situation, Any], Decision]] = {
    acts.SignOn: lambda s, b: people_acts.sign_on(s, person=b.person, badge=b.badge),
    acts.SignOff: lambda s, b: people_acts.sign_off(s, person=b.person),
    acts.StartOrder: _start_order,
    acts.PauseOrder: lambda s, b: order_acts.pause_order(
        s, order=b.order, operation=b.operation, booking=b.booking
    ),
    acts.FinishOrder: _finish_order,
    acts.Declare: _declare,
    acts.Defect: _defect,
    acts.Reason: _reason,
    acts.Void: lambda s, b: corrections.take_back(s, b.seq, b.reason),
    acts.Mount: _mount,
    acts.Unmount: lambda s, b: material_acts.unmount(
        s, position=b.position, lot=b.lot, left=b.left
    ),
    acts.Fit: lambda s, b: unit_acts.fit(
        s, component=b.component, component_item=b.component_item, unit=b.unit
    ),
    acts.StartUnit: _start_unit,
    acts.FinishUnit: _finish_unit,
    acts.Inspect: _inspect,
    acts.FirstPiece: lambda s, b: shift_acts.present_first_piece(
        s, order=b.order, operation=b.operation, serial=b.serial
    ),
    acts.ReleaseFirstPiece: _release,
    acts.Weigh: _weigh,
    acts.SplitCount: _split,
    acts.Span: _span,
    acts.MoveSpan: _move,
    acts.Call: lambda s, b: shift_acts.raise_call(s, b.id, b.topic),
    acts.CallAcknowledge: lambda s, b: shift_acts.acknowledge_call(s, b.call),
    acts.CallResolve: lambda s, b: shift_acts.resolve_call(s, b.call, b.outcome),
    acts.AcknowledgeNotice: lambda s, b: shift_acts.acknowledge_notice(s, b.notice),
    acts.PlannedStopAct: _plan_stop,
    acts.NewNumber: lambda s, b: number_acts.new_number(
        s,
        thing=b.thing,
        item=b.item,
        lot=b.lot,
        lot_issuer=b.lot_issuer,
        quantity=b.quantity,
        unit=b.unit,
    ),
    acts.Reprint: lambda s, b: number_acts.reprint(
        s, number=b.number, thing=b.thing, item=b.item, reason=b.reason
    ),
    acts.PutIn: _put_in,
    acts.TakeOut: _take_out,
    acts.SetState: lambda s, b: shift_acts.set_state(s, b.state, b.detail),
}
