"""A load on a scale counts pieces; its weight is a fact also where it counts nothing."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from lineside.contracts.events import Source, Weighed
from lineside.contracts.units import Quantity, Verdict
from lineside.edge_agent.config import ScaleSection
from lineside.edge_agent.interpretation.shapes import Weighing
from lineside.edge_agent.projections.entries import amount
from lineside.edge_agent.projections.floor import JobOn
from lineside.edge_agent.terminal.counting_bodies import Weigh
from lineside.edge_agent.terminal.order_acts import declare
from lineside.edge_agent.terminal.situation import Decision, Situation, accepted, refused

GRAMS = {"mg": Decimal("0.001"), "g": Decimal(1), "kg": Decimal(1000), "t": Decimal(1_000_000)}
WEIGHT_PLACES = Decimal("0.000001")
SHOWN_PLACES = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """What a load is divided by, in the weight's unit; a piece weight of 0: nobody said it."""

    piece_weight: Decimal
    tare: Decimal


def weigh_body(station: str, weighing: Weighing, act: str) -> Weigh:
    """The act of a load on a scale that the agent reads itself."""
    return Weigh(
        kind="weigh",
        id=act,
        station=station,
        weight=weighing.weight,
        unit=weighing.unit[:16],
        net=weighing.net,
        scale=weighing.scale,
        changed=weighing.changed,
    )


def weigh(
    s: Situation, *, weight: Decimal, unit: str, net: bool, scale: str, changed: bool
) -> Decision:
    """A load that came to rest becomes a declared quantity of the job, or a refusal that is kept.

    Args:
        s: The station now.
        weight: As the scale shows it.
        unit: Of the weight; empty: that of the station's settings.
        net: The scale itself has taken the tare off.
        scale: Device; empty: a person typed it.
        changed: The scale was not empty since the load before.
    """
    section = s.station.scale
    if section is None or s.station.counts_from != "scale":
        return refused("weight.not_here", station=s.station.id)
    if scale:
        s = s.changed(source=Source.SIGNAL)
    named = unit.strip().lower() or section.unit
    load = Quantity(value=weight, unit=named)
    jobs = list(s.state.floor.jobs.values())
    job = jobs[0] if len(jobs) == 1 else None
    known = _settings(s, section, job, named)
    decision = _count(s, section, load, known, jobs=jobs, net=net, changed=changed)
    fact = s.tell(
        Weighed,
        weight=load,
        net=net,
        tare=Decimal(0) if net or known is None else known.tare,
        piece_weight=known.piece_weight if known is not None else Decimal(0),
        pieces=Decimal(decision.params["quantity"]) if decision.accepted else None,
        order=job.order if job is not None else "",
        operation=job.operation if job is not None else "",
        scale=scale,
        verdict=Verdict(allowed=decision.accepted, code=decision.code),
    )
    shown = {**decision.params, "weight": f"{weight:f} {named}"}
    return Decision(
        answer=decision.answer,
        code=decision.code,
        params=shown,
        events=(fact, *decision.events),
        subject=shown["weight"],
    )


def _settings(s: Situation, section: ScaleSection, job: JobOn | None, unit: str) -> _Scale | None:
    """Piece weight and tare in the weight's unit, the operation's before the station's."""
    grams = GRAMS.get(unit)
    step = s.step_of(job) if job is not None else None
    own = GRAMS[section.unit]
    theirs = GRAMS.get(step.weight_unit) if step is not None else None
    if grams is None:
        return None

    def of(name: str) -> Decimal:
        told: Decimal = (
            getattr(step, name) if step is not None and theirs is not None else Decimal(0)
        )
        value = told * (theirs or own) if told else getattr(section, name) * own
        return (value / grams).quantize(WEIGHT_PLACES).normalize()

    return _Scale(piece_weight=of("piece_weight"), tare=of("tare"))


def _count(
    s: Situation,
    section: ScaleSection,
    load: Quantity,
    known: _Scale | None,
    *,
    jobs: list[JobOn],
    net: bool,
    changed: bool,
) -> Decision:
    shown = f"{load.value:f} {load.unit}"
    if changed:
        return refused("weight.changed", weight=shown)
    if known is None:
        return refused("weight.unit", weight=shown, unit=load.unit)
    if len(jobs) > 1:
        return refused("weight.which_order", weight=shown)
    order = jobs[0].order if jobs else ""
    if not known.piece_weight:
        return refused("weight.no_piece_weight", weight=shown, order=order)
    exact = (load.value - (Decimal(0) if net else known.tare)) / known.piece_weight
    pieces = exact.to_integral_value(rounding=ROUND_HALF_EVEN)
    told = {
        "weight": shown,
        "order": order,
        "exact": f"{exact.quantize(SHOWN_PLACES):f}",
        "piece": f"{amount(known.piece_weight)} {load.unit}",
        "tare": f"{amount(Decimal(0) if net else known.tare)} {load.unit}",
    }
    if pieces < 1 or abs(exact - pieces) > section.tolerance:
        return refused("weight.no_whole_number", **told)
    if section.pieces_max is not None and pieces > section.pieces_max:
        return refused("weight.too_many", most=str(section.pieces_max), **told)
    place = {"order": order, "operation": jobs[0].operation} if jobs else {}
    made = declare(s, kind="produced", quantity=pieces, **place)
    if not made.accepted:
        return made
    return accepted("weight.counted", made.events, quantity=f"{pieces:f}", **told)
