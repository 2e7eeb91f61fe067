"""What central has told this edge, by the keys that a terminal asks with: badge, order, number.

The documents are the edge's own copies; with the cable pulled they are as of when they came.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import lru_cache
from typing import Generic, Protocol, TypeVar

from lineside.contracts.calendar import Shift, shift_at
from lineside.contracts.clock import Microseconds
from lineside.contracts.commands import (
    Calendar,
    CarrierPassport,
    CarrierType,
    ClosedUnits,
    Document,
    Hold,
    ItemInfo,
    LotPassport,
    NumberBlock,
    OperationStep,
    Person,
    Reasons,
    UnitPassport,
    WorkOrder,
)
from lineside.contracts.scancode import UnsafePatternError, compile_pattern
from lineside.contracts.units import Thing

Wanted = TypeVar("Wanted", bound=Document)
Known = TypeVar("Known", bound=Document)
LEADER_ROLES = frozenset({"shift_leader", "leader", "quality", "supervisor"})
# Who may say that work belongs to another order.
SHIFT_LEADER_ROLES = frozenset({"shift_leader", "leader", "supervisor"})


class Documents(Protocol):
    """The local copies, as the sync side keeps them."""

    def document(self, kind: type[Wanted], identity: str) -> Wanted | None:
        """One document."""
        ...

    def documents(self, kind: type[Wanted]) -> list[Wanted]:
        """All documents of a kind."""
        ...

    def on_change(self, listener: Callable[[set[tuple[str, str]]], None]) -> None:
        """Tell a listener which documents changed."""
        ...


class _Index(Generic[Known]):
    """Documents of a kind by keys of their own, the first being their identity."""

    def __init__(
        self, documents: Documents, kind: type[Known], keys: Callable[[Known], list[Hashable]]
    ) -> None:
        self._documents = documents
        self._kind = kind
        self._keys = keys
        self._by_key: dict[Hashable, list[Known]] = {}
        self._by_id: dict[str, Known] = {}
        self._rebuild()

    def _rebuild(self) -> None:
        self._by_key.clear()
        self._by_id.clear()
        for document in self._documents.documents(self._kind):
            self._add(document)

    def _add(self, document: Known) -> None:
        for key in self._keys(document):
            self._by_key.setdefault(key, []).append(document)

    def _remove(self, document: Known) -> None:
        for key in self._keys(document):
            left = [one for one in self._by_key.get(key, []) if one is not document]
            if left:
                self._by_key[key] = left
            else:
                self._by_key.pop(key, None)

    def refresh(self, identities: set[str]) -> None:
        """Take over what changed; costs what changed, not what is there."""
        for identity in identities:
            before = self._by_id.pop(identity, None)
            now = self._documents.document(self._kind, identity)
            if before is None and now is None:
                self._rebuild()  # gone, and nobody remembers under which key it stood
                return
            same = [before] if before is not None else []
            if now is not None and before is None:
                same = list(self._by_key.get(self._keys(now)[0], []))
            for document in same:
                self._remove(document)
            if now is not None:
                self._add(now)
                self._by_id[identity] = now

    def all(self, key: Hashable) -> list[Known]:
        """All documents with a key."""
        return self._by_key.get(key, [])

    def one(self, key: Hashable) -> Known | None:
        """The document with a key."""
        found = self._by_key.get(key)
        return found[-1] if found else None


class Plant:
    """Answers from the documents."""

    def __init__(self, documents: Documents, edge: str) -> None:
        self.edge = edge
        self._documents = documents
        self._stale: dict[str, set[str]] = {}
        self._orders = _Index(documents, WorkOrder, lambda one: [one.order])
        self._people = _Index(documents, Person, lambda one: [one.person, ("badge", one.badge)])
        self._items = _Index(documents, ItemInfo, lambda one: [one.item, ("gtin", one.gtin)])
        self._units = _Index(
            documents, UnitPassport, lambda one: [(one.unit.item, one.unit.id), one.unit.id]
        )
        self._lots = _Index(
            documents,
            LotPassport,
            lambda one: [(one.lot.item, one.lot.id, one.lot.issuer), one.lot.id],
        )
        self._holds = _Index(documents, Hold, lambda one: [("hold", one.hold), one.thing.id])
        self._closed = _Index(
            documents, ClosedUnits, lambda one: [(one.order, one.part), *_serials(one)]
        )
        self._carriers = _Index(documents, CarrierPassport, _carrier_keys)
        documents.on_change(self._changed)

    def _changed(self, keys: set[tuple[str, str]]) -> None:
        for kind, identity in keys:
            self._stale.setdefault(kind, set()).add(identity)

    def _fresh(self, kind: str) -> None:
        identities = self._stale.pop(kind, None)
        if not identities:
            return
        match kind:
            case "work_order":
                self._orders.refresh(identities)
            case "person":
                self._people.refresh(identities)
            case "item":
                self._items.refresh(identities)
            case "unit_passport":
                self._units.refresh(identities)
            case "lot_passport":
                self._lots.refresh(identities)
            case "closed_units":
                self._closed.refresh(identities)
            case "carrier_passport":
                self._carriers.refresh(identities)
            case _:
                self._holds.refresh(identities)

    def order(self, order: str) -> WorkOrder | None:
        """A work order."""
        self._fresh("work_order")
        return self._orders.one(order)

    def orders_for(self, station: str) -> list[tuple[WorkOrder, OperationStep]]:
        """Released and held operations that a station may do, most urgent first."""
        found = [
            (order, step)
            for order in self._documents.documents(WorkOrder)
            if order.state in {"released", "held"}
            for step in order.steps
            if station in step.stations and step.edge in {"", self.edge}
        ]
        late = 2**62
        return sorted(found, key=lambda one: (one[0].priority, one[0].due_at or late, one[0].order))

    def step(self, order: str, operation: str) -> OperationStep | None:
        """An operation of an order's routing."""
        found = self.order(order)
        if found is None:
            return None
        return next((step for step in found.steps if step.operation == operation), None)

    def person_of_badge(self, badge: str) -> Person | None:
        """Who carries a badge."""
        self._fresh("person")
        return self._people.one(("badge", badge))

    def person(self, person: str) -> Person | None:
        """A person by id."""
        self._fresh("person")
        return self._people.one(person)

    def item(self, item: str) -> ItemInfo | None:
        """What an item number stands for."""
        self._fresh("item")
        return self._items.one(item)

    def item_of_gtin(self, gtin: str) -> str:
        """Item of a GTIN; empty: unknown."""
        self._fresh("item")
        found = self._items.one(("gtin", gtin)) if gtin else None
        return found.item if found is not None else ""

    def passports(self, serial: str) -> list[UnitPassport]:
        """Passports of a serial number, of whatever item."""
        self._fresh("unit_passport")
        return self._units.all(serial)

    def passport(self, item: str, serial: str) -> UnitPassport | None:
        """The passport of a piece."""
        self._fresh("unit_passport")
        return self._units.one((item, serial))

    def lots(self, lot: str) -> list[LotPassport]:
        """Passports of a lot number, of whatever item and issuer."""
        self._fresh("lot_passport")
        return self._lots.all(lot)

    def hold(self, thing: Thing) -> Hold | None:
        """The hold on a thing."""
        self._fresh("hold")
        for hold in self._holds.all(thing.id):
            same = hold.thing
            if (
                same.kind == thing.kind
                and same.item in {"", thing.item}
                and same.issuer in {"", thing.issuer}
            ):
                return hold
        return None

    def number_blocks(self, kind: str) -> list[NumberBlock]:
        """Blocks of `serial`, `lot` or `sscc` numbers that this edge has."""
        return [one for one in self._documents.documents(NumberBlock) if one.kind == kind]

    def closed_orders(self, serial: str) -> list[ClosedUnits]:
        """Closed orders with a piece of this number, whose passports were withdrawn."""
        self._fresh("closed_units")
        return self._closed.all(("serial", serial))

    def carrier_types(self) -> list[CarrierType]:
        """What may travel in which carriers."""
        return self._documents.documents(CarrierType)

    def carrier_passports(self, carrier: str) -> list[CarrierPassport]:
        """What others put into the carriers of a number."""
        self._fresh("carrier_passport")
        return self._carriers.all(("carrier", carrier))

    def carriers_with(self, thing: Thing) -> list[CarrierPassport]:
        """Carriers that hold a thing by their passports."""
        self._fresh("carrier_passport")
        return self._carriers.all(("content", thing))

    @property
    def calendar(self) -> Calendar | None:
        """Shifts of the site; None until they came."""
        return next(iter(self._documents.documents(Calendar)), None)

    @property
    def reasons(self) -> Reasons:
        """Stop reasons and defects."""
        found = next(iter(self._documents.documents(Reasons)), None)
        return found or Reasons(stops={}, defects={})

    def shift(self, at: Microseconds) -> Shift | None:
        """The shift that runs at a moment."""
        calendar = self.calendar
        return shift_at(calendar, at) if calendar is not None else None

    def fits(self, item: str, serial: str) -> bool | None:
        """Whether a number has the form of an item's numbers; None: no form is declared."""
        info = self.item(item)
        if info is None or not info.serial_pattern:
            return None
        return _matches(info.serial_pattern, serial)


def _serials(closed: ClosedUnits) -> list[Hashable]:
    return [("serial", serial) for serial in closed.units]


def _carrier_keys(passport: CarrierPassport) -> list[Hashable]:
    content: list[Hashable] = [("content", one.thing) for one in passport.contents]
    return [passport.carrier, ("carrier", passport.carrier.id), *content]


@lru_cache(maxsize=10_000)
def _matches(pattern: str, serial: str) -> bool:
    try:
        return compile_pattern(pattern).fullmatch(serial) is not None
    except UnsafePatternError:
        return True  # central says what is wrong with a pattern; a line does not stop for it
