"""The whole screen of a station, built from what the projections know. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from lineside.contracts.clock import US_PER_SECOND, Microseconds, to_datetime
from lineside.contracts.commands import OperationStep, WorkOrder
from lineside.contracts.errors import LinesideError
from lineside.contracts.kpi import Category, Segment, Stop, Window, WindowResult
from lineside.edge_agent.config import StationSection
from lineside.edge_agent.projections.floor import JobOn, StationState, job_key
from lineside.edge_agent.projections.oee import CurrentShift, OeeProjection
from lineside.edge_agent.storage import StorageStatus
from lineside.edge_agent.terminal import split_acts, views
from lineside.edge_agent.terminal.commands import command_list
from lineside.edge_agent.terminal.disk_notices import disk_notices, sync_notices
from lineside.edge_agent.terminal.entry_list import entry_shown
from lineside.edge_agent.terminal.first_pieces import first_piece_state
from lineside.edge_agent.terminal.number_acts import numbers_left
from lineside.edge_agent.terminal.plant import Plant
from lineside.edge_agent.terminal.problems import problem_params
from lineside.edge_agent.terminal.shift_acts import TOPICS
from lineside.edge_agent.terminal.situation import Situation
from lineside.edge_agent.terminal.texts import words
from lineside.edge_agent.terminal.unit_acts import missing_parts

ENTRIES_SHOWN = 10
ORDERS_SHOWN = 30
SEGMENTS_SHOWN = 500
STOPS_SHOWN = 20
UNITS_SHOWN = 50
URGENT_BELOW = 100
PROVISIONAL_ABOVE = Fraction(1, 10)
NO_SHIFT_WINDOW_US = 8 * 3600 * US_PER_SECOND
_CATEGORIES: dict[Category, views.Category] = {
    Category.PLANNED: "planned",
    Category.UNKNOWN: "unknown",
    Category.DOWN: "no_order",
    Category.PRODUCTION: "running",
    Category.SETUP: "setup",
    Category.DELAY: "waiting",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncStatus:
    """How it stands with central.

    Attributes:
        stopped: Nothing is sent, because the broker does not keep edges apart.
    """

    connected: bool = False
    away_since: Microseconds | None = None
    pending: int = 0
    lost: int = 0
    stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenInputs:
    """What a screen shows besides the situation of its station."""

    figures: OeeProjection
    seq: int
    simulation: bool
    lost_devices: dict[str, tuple[Microseconds, str]]
    sync: SyncStatus
    storage: StorageStatus
    problem: LinesideError | None = None
    notices: tuple[views.Notice, ...] = ()
    acknowledged: frozenset[str] = frozenset()


def build_screen(s: Situation, inputs: ScreenInputs) -> views.StationView:
    """The screen of the situation's station now."""
    station, state = s.station, s.state
    current = inputs.figures.current(station.id, s.now)
    window, result, segments, stops = _figures_of(s, inputs.figures, current)
    del window
    calendar = s.plant.calendar
    shift = current.shift if current is not None else None
    recording_problem = (
        words("edge.not_recording", problem_params(inputs.problem))[1] if inputs.problem else None
    )
    return views.StationView(
        edge=s.edge,
        station=station.id,
        name=station_name(station),
        line=station.line,
        time_zone=calendar.time_zone if calendar is not None else "UTC",
        at=to_datetime(s.now),
        seq=inputs.seq,
        simulation=inputs.simulation,
        parallel=station.parallel,
        counts_from=station.counts_from,
        state_from=station.state_from,
        shift=None
        if shift is None
        else views.ShiftView(
            id=shift.id,
            date=shift.date.isoformat(),
            start=to_datetime(shift.start_us),
            end=to_datetime(shift.end_us),
        ),
        people=_people(s),
        jobs=[_job(s, job) for job in state.floor.jobs.values()],
        orders=_orders(s),
        entries=[entry_shown(s, entry) for entry in reversed(state.entries[-ENTRIES_SHOWN:])],
        figures=_figures(s, result, inputs.figures.seq),
        segments=[_segment(one) for one in segments[-SEGMENTS_SHOWN:]],
        unexplained=_unexplained(s, stops),
        mounted=_mounted(state),
        numbers=numbers_left(s),
        machine=_machine(station, state, inputs.lost_devices),
        calls=_calls(state),
        spanned=[split_acts.shown(s, count) for count in state.spanned],
        sync=views.Sync(
            connected=inputs.sync.connected,
            away_since=None
            if inputs.sync.away_since is None
            else to_datetime(inputs.sync.away_since),
            pending=inputs.sync.pending,
            lost=inputs.sync.lost,
        ),
        recording=not inputs.problem,
        recording_problem=recording_problem,
        saving=inputs.storage.saving,
        notices=[
            *disk_notices(s, inputs.storage, inputs.problem, inputs.acknowledged),
            *sync_notices(stopped=inputs.sync.stopped),
            *inputs.notices,
        ],
    )


def _calls(state: StationState) -> list[views.CallView]:
    return [
        views.CallView(
            call=call.call,
            topic=call.topic,
            since=to_datetime(call.since),
            acknowledged=call.acknowledged,
        )
        for call in state.floor.calls.values()
    ]


def build_texts(plant: Plant) -> views.Texts:
    """Labels of an edge."""
    reasons = plant.reasons

    def labels(table: dict[str, tuple[str, str]]) -> list[views.Label]:
        return [
            views.Label(code=code, label=views.Text(zh=zh, en=en))
            for code, (zh, en) in table.items()
        ]

    return views.Texts(
        reasons=labels(reasons.stops),
        defects=labels(reasons.defects),
        commands=command_list(),
        topics=labels(TOPICS),
    )


def station_name(station: StationSection) -> views.Text:
    """What people call a station."""
    name = station.name or station.id
    return views.Text(zh=station.name_zh or name, en=name)


def _figures_of(
    s: Situation, figures: OeeProjection, current: CurrentShift | None
) -> tuple[Window, WindowResult, list[Segment], list[Stop]]:
    if current is not None:
        return current.window, current.result, current.segments, current.stops
    # Between shifts, or before a calendar came: what the last hours were, without a bar.
    window = Window(unit=s.station.id, start=s.now - NO_SHIFT_WINDOW_US, end=s.now)
    return window, figures.result(window), [], []


def unexplained_stops(
    figures: OeeProjection, station: StationSection, now: Microseconds
) -> list[Stop]:
    """Stops of the running shift that are long enough to ask for a reason, oldest first."""
    current = figures.current(station.id, now)
    if current is None:
        return []
    least = int(station.stop_ask_s * US_PER_SECOND)
    return [stop for stop in current.unexplained if stop.end_us - stop.start_us >= least]


def _unexplained(s: Situation, stops: list[Stop]) -> list[views.UnexplainedStop]:
    least = int(s.station.stop_ask_s * US_PER_SECOND)
    return [
        views.UnexplainedStop(
            start=to_datetime(stop.start_us),
            end=None if stop.going_on else to_datetime(stop.end_us),
            duration_s=(stop.end_us - stop.start_us) / US_PER_SECOND,
            state=stop.state,
        )
        for stop in stops
        if not stop.reason and stop.end_us - stop.start_us >= least
    ][-STOPS_SHOWN:]


def _people(s: Situation) -> list[views.PersonOn]:
    people: list[views.PersonOn] = []
    for person, since in s.state.floor.people.items():
        known = s.plant.person(person)
        name = known.name if known is not None else ""
        people.append(views.PersonOn(person=person, name=name, since=to_datetime(since)))
    return people


def _names(
    order: WorkOrder | None, step: OperationStep | None, item: str
) -> tuple[views.Text, views.Text]:
    operation = step.name if step is not None else ""
    operation_zh = (step.name_zh if step is not None else "") or operation
    name = (order.item_name if order is not None else "") or item
    name_zh = (order.item_name_zh if order is not None else "") or name
    return views.Text(zh=operation_zh, en=operation), views.Text(zh=name_zh, en=name)


def _job(s: Situation, job: JobOn) -> views.Job:
    order = s.plant.order(job.order)
    step = s.plant.step(job.order, job.operation)
    operation_name, item_name = _names(order, step, job.item)
    made = s.progress.of(job.order, job.operation)
    first = first_piece_state(s, job.order, step) if step is not None else "not_needed"
    return views.Job.model_validate(
        {
            "order": job.order,
            "operation": job.operation,
            "operation_name": operation_name,
            "item": job.item,
            "item_name": item_name,
            "booking": job.booking,
            "activity": job.activity,
            "started_at": to_datetime(job.started_at),
            "planned": job.planned,
            "good": made.delivered,
            "scrap": made.scrap,
            "rework": made.rework,
            "unit": order.unit if order is not None else "pcs",
            "ideal_cycle_s": job.ideal_cycle_s,
            "serial_tracked": order.serial_tracked if order is not None else False,
            "first_piece": first,
            "units": _units(s, job),
        }
    )


def _units(s: Situation, job: JobOn) -> list[views.UnitInWork]:
    return [
        views.UnitInWork(
            serial=unit.serial,
            item=unit.item,
            order=unit.order,
            operation=unit.operation,
            since=to_datetime(unit.since),
            attempt=unit.attempt,
            missing=missing_parts(s, unit),
        )
        for unit in s.state.floor.units[:UNITS_SHOWN]
        if (unit.order, unit.operation) == (job.order, job.operation)
    ]


def _orders(s: Situation) -> list[views.OrderRow]:
    running = {(job.order, job.operation) for job in s.state.floor.jobs.values()}
    rows: list[views.OrderRow] = []
    for order, step in s.plant.orders_for(s.station.id):
        if (order.order, step.operation) in running or len(rows) >= ORDERS_SHOWN:
            continue
        made = s.progress.of(order.order, step.operation)
        if made.complete:
            continue
        operation_name, item_name = _names(order, step, order.item)
        held = order.state == "held"
        paused = job_key(order.order, step.operation) in s.state.floor.paused
        reason = words("order.held", {"order": order.order, "item": order.item})[1]
        rows.append(
            views.OrderRow(
                order=order.order,
                operation=step.operation,
                operation_name=operation_name,
                item=order.item,
                item_name=item_name,
                planned=order.quantity,
                good=made.delivered,
                unit=order.unit,
                priority=order.priority,
                urgent=order.priority < URGENT_BELOW,
                held=held,
                state="held" if held else "paused" if paused else "waiting",
                reason=reason if held else views.Text(zh="", en=""),
                due_at=to_datetime(order.due_at) if order.due_at is not None else None,
            )
        )
    return rows


def _number(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def _amount(value: Fraction | int) -> Decimal:
    exact = Fraction(value)
    amount = (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(Decimal("0.000001"))
    return Decimal(f"{amount.normalize():f}")


def _figures(s: Situation, result: WindowResult, seq: int) -> views.Figures:
    kpis, shares, elements = result.kpis, result.shares, result.elements
    unknown = shares["unknown"]
    ideals = [job.ideal_cycle_s for job in s.state.floor.jobs.values() if job.ideal_cycle_s]
    cycle = Fraction(elements.apt_us, US_PER_SECOND) / elements.pq if elements.pq else None
    return views.Figures(
        oee=_number(kpis["oee"]),
        oee_target=float(s.station.oee_target) if s.station.oee_target is not None else None,
        availability=_number(kpis["availability"]),
        effectiveness=_number(kpis["effectiveness"]),
        quality_ratio=_number(kpis["quality_ratio"]),
        first_pass_yield=_number(kpis["first_pass_yield"]),
        cycle_s=_number(cycle),
        ideal_cycle_s=float(ideals[0]) if ideals else None,
        produced=_amount(elements.pq),
        good=_amount(elements.gq),
        scrap=_amount(elements.sq),
        unknown_share=_number(unknown),
        unassigned_share=_number(shares["unassigned"]),
        spanned_share=_number(shares["spanned"]),
        provisional=unknown is not None and unknown > PROVISIONAL_ABOVE,
        through_seq=seq,
    )


def _segment(segment: Segment) -> views.Segment:
    category = _CATEGORIES[segment.category]
    if segment.kind == "failure" and category == "waiting":
        category = "failure"
    return views.Segment(
        start=to_datetime(segment.start_us),
        end=to_datetime(segment.end_us),
        category=category,
        state=segment.state,
        reason=segment.reason,
    )


def _mounted(state: StationState) -> list[views.Mounted]:
    return [
        views.Mounted(
            position=position,
            item=mount.material.item,
            lot=mount.material.id,
            issuer=mount.material.issuer,
            left=mount.left,
            unit=mount.unit,
            since=to_datetime(mount.since),
        )
        for position, mount in state.floor.mounts.items()
        if mount.unit
    ]


def _machine(
    station: StationSection,
    state: StationState,
    lost: dict[str, tuple[Microseconds, str]],
) -> views.MachineView:
    return views.MachineView.model_validate(
        {
            "state": state.state,
            "detail": state.detail,
            "since": to_datetime(state.state_since) if state.state_since is not None else None,
            "device": station.device,
            "connected": not station.device or station.device not in lost,
            "signals": dict(state.signals),
        }
    )
