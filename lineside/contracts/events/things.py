"""Units, lots, carriers, material: what genealogy is made of."""

from __future__ import annotations

from decimal import Decimal

from lineside.contracts.events.base import Event
from lineside.contracts.units import Certainty, NumberTaken, Quantity, Thing


class UnitStarted(Event, frozen=True, kw_only=True, omit_defaults=True, tag="unit_started"):
    """A piece with a serial number begins an operation."""

    unit: Thing
    order: str = ""
    operation: str = ""
    attempt: int = 1


class UnitFinished(Event, frozen=True, kw_only=True, omit_defaults=True, tag="unit_finished"):
    """A piece finished an operation.

    Attributes:
        result: `pass`, `fail` or `rework`.
        parameters: Values captured for it, name to text.
        last_operation: The unit is a finished product after it.
    """

    unit: Thing
    result: str = "pass"
    order: str = ""
    operation: str = ""
    attempt: int = 1
    parameters: dict[str, str] = {}
    last_operation: bool = False


class UnitRerouted(Event, frozen=True, kw_only=True, omit_defaults=True, tag="unit_rerouted"):
    """A piece goes to another operation than the routing says."""

    unit: Thing
    to_operation: str
    order: str = ""


class UnitDisposed(Event, frozen=True, kw_only=True, omit_defaults=True, tag="unit_disposed"):
    """What becomes of a piece that failed: `scrap`, `rework`, `use_as_is`, `return`."""

    unit: Thing
    disposition: str
    defect: str = ""
    order: str = ""
    operation: str = ""


class MaterialMounted(Event, frozen=True, kw_only=True, omit_defaults=True, tag="material_mounted"):
    """A lot is at the station's position; consumption follows it."""

    material: Thing
    quantity: Quantity


class MaterialUnmounted(
    Event, frozen=True, kw_only=True, omit_defaults=True, tag="material_unmounted"
):
    """A lot left the position."""

    material: Thing
    left: Quantity


class Consumed(Event, frozen=True, kw_only=True, omit_defaults=True, tag="consumed"):
    """Material went into something: a genealogy link.

    Attributes:
        material: What was consumed.
        quantity: How much of it.
        into: The piece or lot that holds it now.
        into_quantity: How much of that.
        certainty: `one of these` when the lot changed between two pieces.
    """

    material: Thing
    quantity: Quantity
    into: Thing
    into_quantity: Quantity = Quantity(value=Decimal(1))
    certainty: Certainty = Certainty.THIS_ONE
    order: str = ""
    operation: str = ""


class ComponentFitted(Event, frozen=True, kw_only=True, omit_defaults=True, tag="component_fitted"):
    """A piece with its own number was built into another: a genealogy link."""

    component: Thing
    into: Thing
    quantity: Quantity = Quantity(value=Decimal(1))
    order: str = ""
    operation: str = ""


class ComponentRemoved(
    Event, frozen=True, kw_only=True, omit_defaults=True, tag="component_removed"
):
    """A component was taken out of another; the link ends here and stays visible.

    Attributes:
        component: A piece with a number, or a lot of which some was consumed.
        quantity: How much was taken out; None: all of it. A part leaves the link standing with what
            is still in.
    """

    component: Thing
    out_of: Thing
    quantity: Quantity | None = None
    order: str = ""
    operation: str = ""


class LotCreated(Event, frozen=True, kw_only=True, omit_defaults=True, tag="lot_created"):
    """A lot came into being: made here, or received from a supplier (`issuer`).

    Attributes:
        taken: Where its number comes from; None: from elsewhere.
    """

    lot: Thing
    quantity: Quantity
    order: str = ""
    taken: NumberTaken | None = None


class LotSplit(Event, frozen=True, kw_only=True, omit_defaults=True, tag="lot_split"):
    """Part of a lot got its own number."""

    lot: Thing
    into: Thing
    quantity: Quantity


class LotMerged(Event, frozen=True, kw_only=True, omit_defaults=True, tag="lot_merged"):
    """A lot was poured into another."""

    lot: Thing
    into: Thing
    quantity: Quantity


class PutInCarrier(Event, frozen=True, kw_only=True, omit_defaults=True, tag="put_in_carrier"):
    """A thing travels in a carrier from now on; `order` is the one that the thing belongs to."""

    content: Thing
    carrier: Thing
    quantity: Quantity = Quantity(value=Decimal(1))
    order: str = ""


class TakenOutOfCarrier(
    Event, frozen=True, kw_only=True, omit_defaults=True, tag="taken_out_of_carrier"
):
    """A thing left its carrier; `order` is the one that the thing belongs to."""

    content: Thing
    carrier: Thing
    quantity: Quantity = Quantity(value=Decimal(1))
    order: str = ""


class SerialAssigned(Event, frozen=True, kw_only=True, omit_defaults=True, tag="serial_assigned"):
    """A piece got a serial number.

    Attributes:
        lot: The lot of which it is a piece: a genealogy link; None: it is of no lot.
        taken: Where its number comes from; None: from elsewhere.
    """

    unit: Thing
    lot: Thing | None = None
    order: str = ""
    taken: NumberTaken | None = None


class LabelPrinted(Event, frozen=True, kw_only=True, omit_defaults=True, tag="label_printed"):
    """A label was printed. Reprints carry a copy number and the base's reason.

    Attributes:
        taken: Where the number of a new carrier comes from, which begins with its label.
    """

    thing: Thing
    template: str
    copy: int = 1
    taken: NumberTaken | None = None


class LabelReprinted(Event, frozen=True, kw_only=True, omit_defaults=True, tag="label_reprinted"):
    """A label was printed again; reason and copy number say why and which."""

    thing: Thing
    template: str
    copy: int = 2


class LabelVoided(Event, frozen=True, kw_only=True, omit_defaults=True, tag="label_voided"):
    """A label is no longer valid."""

    thing: Thing
    template: str
    copy: int = 1


class SentToSupplier(Event, frozen=True, kw_only=True, omit_defaults=True, tag="sent_to_supplier"):
    """Outside processing (外协): things left for a supplier's operation."""

    thing: Thing
    quantity: Quantity
    supplier: str
    order: str = ""
    operation: str = ""


class ReceivedFromSupplier(
    Event, frozen=True, kw_only=True, omit_defaults=True, tag="received_from_supplier"
):
    """Things came back from a supplier's operation."""

    thing: Thing
    quantity: Quantity
    supplier: str
    order: str = ""
    operation: str = ""
