"""What is in a carrier, by this edge's own facts and by the passports of what others did."""

from __future__ import annotations

from lineside.contracts.carriers import contents_after
from lineside.contracts.commands import CarrierContent, CarrierPassport, CarrierType
from lineside.contracts.scancode import UnsafePatternError, compile_pattern
from lineside.contracts.units import Thing, ThingKind
from lineside.edge_agent.projections.carriers import MoveHere
from lineside.edge_agent.terminal.situation import Situation


def carrier_thing(number: str) -> Thing:
    """A carrier; its number says all, also an SSCC's."""
    return Thing(kind=ThingKind.CARRIER, item="", id=number)


def contents(s: Situation, carrier: str) -> tuple[CarrierContent, ...]:
    """The contents of a carrier as this edge knows them."""
    passports = s.plant.carrier_passports(carrier)
    passport = passports[-1] if passports else None
    moves = [one.move for one in s.carriers.moves(carrier) if not _told(s, one, passport)]
    return contents_after(passport.contents if passport is not None else (), moves)


def _told(s: Situation, move: MoveHere, passport: CarrierPassport | None) -> bool:
    """Whether a passport includes a move of our own."""
    if passport is None:
        return False
    if passport.epoch == s.epoch:
        return move.seq <= passport.through
    return move.at <= passport.as_of


def carrier_of(s: Situation, content: Thing) -> str:
    """The carrier in which a thing is; empty: in none that is known here."""
    known = [one.carrier.id for one in s.plant.carriers_with(content)]
    for carrier in dict.fromkeys([*s.carriers.carriers_of(content), *known]):
        if any(one.thing == content for one in contents(s, carrier)):
            return carrier
    return ""


def type_of(s: Situation, carrier: str) -> CarrierType:
    """The declared type of a carrier: the first whose form it has, else the one for all others.

    A carrier of no declared type holds one item, without a limit.
    """
    rest: CarrierType | None = None
    for one in s.plant.carrier_types():
        if not one.pattern:
            rest = rest or one
        elif _has_form(one.pattern, carrier):
            return one
    return rest or CarrierType(carrier_type="", order_mix=True)


def _has_form(pattern: str, carrier: str) -> bool:
    try:
        return compile_pattern(pattern).fullmatch(carrier) is not None
    except UnsafePatternError:
        return False  # central refuses such a pattern; one that came all the same names nothing
