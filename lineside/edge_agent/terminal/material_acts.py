"""Material at positions: mounted, unmounted, and what an operation needs to be there."""

from __future__ import annotations

from decimal import Decimal

from lineside.contracts.commands import ComponentNeed, LotPassport, OperationStep
from lineside.contracts.events import Event, MaterialMounted, MaterialUnmounted
from lineside.contracts.units import Quantity, Thing, ThingKind
from lineside.edge_agent.projections.entries import amount
from lineside.edge_agent.projections.floor import Mount
from lineside.edge_agent.terminal.finishing import mount_for
from lineside.edge_agent.terminal.situation import (
    CANCEL,
    Decision,
    Situation,
    accepted,
    ask,
    option,
    refused,
)


def needs_here(s: Situation) -> list[ComponentNeed]:
    """Lot-tracked components of the orders on the station."""
    found: list[ComponentNeed] = []
    for job in s.state.floor.jobs.values():
        step = s.step_of(job)
        if step is not None:
            found += [need for need in step.components if need.tracking == "lot"]
    return found


def missing_material(s: Situation, step: OperationStep) -> Decision | None:
    """Why a piece cannot be begun: nothing is mounted, or what is mounted is held."""
    for need in step.components:
        if need.tracking != "lot":
            continue
        found = mount_for(s, need.position, need.item)
        if found is None:
            if s.overrides():
                continue
            return refused("material.missing", item=need.item, position=need.position or "-")
        held = s.held(found[1].material) or _blocked(s, found[1].material)
        if held:
            return refused("material.held", lot=found[1].material.id, reason=held)
    return None


def _blocked(s: Situation, lot: Thing) -> str:
    for passport in s.plant.lots(lot.id):
        if passport.lot == lot and passport.status != "released":
            return passport.status
    return ""


def mount(
    s: Situation,
    *,
    lot: str,
    item: str = "",
    issuer: str = "",
    position: str = "",
    quantity: Decimal | None = None,
    unit: str = "",
) -> Decision:
    """A lot is at a position from now on; the one before it leaves with what should be left."""
    passport = _passport(s, lot, item, issuer)
    if isinstance(passport, Decision):
        return passport
    known = passport.lot if passport is not None else None
    needs = [need for need in needs_here(s) if not position or need.position in {"", position}]
    named = item or (known.item if known is not None else "")
    if not named and len({need.item for need in needs}) == 1:
        named = needs[0].item
    if not named:
        return refused("material.unknown_lot", lot=lot)
    wanted = [need for need in needs if need.item == named]
    if needs_here(s) and not wanted:
        return refused("material.not_needed", lot=lot, item=named)
    place = position or next((need.position for need in wanted if need.position), "")
    thing = known or Thing(kind=ThingKind.LOT, item=named, id=lot, issuer=issuer)
    if held := s.held(thing) or _blocked(s, thing):
        return refused("material.held", lot=lot, reason=held)
    inside = quantity if quantity is not None else passport.quantity if passport else None
    if inside is None:
        return ask("material.quantity_needed", [CANCEL], lot=lot, item=named)
    measure = unit or (passport.unit if passport else "") or (wanted[0].unit if wanted else "pcs")
    before = s.state.floor.mounts.get(place)
    events: list[Event] = []
    if before is not None and before.unit and before.material != thing:
        events.append(_leaving(s, place, before, None))
    events.append(
        s.tell(
            MaterialMounted,
            position=place,
            material=thing,
            quantity=Quantity(value=inside, unit=measure),
        )
    )
    return accepted(
        "material.mounted", events, lot=lot, item=named, position=place or "-",
        quantity=f"{amount(inside)} {measure}",
    )  # fmt: skip


def _passport(s: Situation, lot: str, item: str, issuer: str) -> LotPassport | Decision | None:
    """The lot that is meant. Lots repeat across suppliers: several are never merged into one."""
    found = [
        one
        for one in s.plant.lots(lot)
        if (not item or one.lot.item == item) and (not issuer or one.lot.issuer == issuer)
    ]
    wanted = {need.item for need in needs_here(s)}
    if len(found) > 1:
        found = [one for one in found if one.lot.item in wanted] or found
    if len(found) > 1:
        options = [
            option(f"{one.lot.issuer}", one.lot.issuer or "-", one.lot.issuer or "-", f"CMD-{n}")
            for n, one in enumerate(found[:9], start=1)
        ]
        chosen = [one for one in found if s.confirm and one.lot.issuer == s.confirm]
        return chosen[0] if len(chosen) == 1 else ask("material.which_lot", options, lot=lot)
    return found[0] if found else None


def unmount(
    s: Situation, *, position: str = "", lot: str = "", left: Decimal | None = None
) -> Decision:
    """A lot leaves its position."""
    for place, there in s.state.floor.mounts.items():
        if not there.unit or (position and place != position):
            continue
        if lot and there.material.id != lot:
            continue
        event = _leaving(s, place, there, left)
        return accepted(
            "material.unmounted", [event], lot=there.material.id, position=place or "-",
            quantity=amount(event.left.value),
        )  # fmt: skip
    return refused("material.not_mounted", lot=lot or position)


def _leaving(s: Situation, place: str, there: Mount, left: Decimal | None) -> MaterialUnmounted:
    value = left if left is not None else there.left
    return s.tell(
        MaterialUnmounted,
        position=place,
        material=there.material,
        left=Quantity(value=value, unit=there.unit),
    )
