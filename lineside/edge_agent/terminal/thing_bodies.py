"""Bodies of acts on numbers, labels and carriers."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field

from lineside.edge_agent.terminal.act_base import ActBody, Amount, Number, Words

MeasureUnit = Annotated[str, Field(max_length=16)]


class NewNumber(ActBody):
    """A unit, lot or carrier comes into being and gets the next number and its label.

    Attributes:
        thing: What.
        item: Empty: what the station's order makes.
        lot, lot_issuer: The lot of which a unit is a piece.
        quantity: What is in a new lot.
    """

    kind: Literal["new_number"]
    thing: Literal["unit", "lot", "carrier"]
    item: Number = ""
    lot: Number = ""
    lot_issuer: Number = ""
    quantity: Amount | None = None
    unit: MeasureUnit = "pcs"


class Reprint(ActBody):
    """A label is printed again.

    Attributes:
        number: Whose; empty: the one that this station printed last.
        thing: `unit`, `lot`, `carrier`, where its first label was not printed here.
        reason: Why; empty: it is asked for.
    """

    kind: Literal["reprint"]
    number: Number = ""
    thing: Literal["", "unit", "lot", "carrier"] = ""
    item: Number = ""
    reason: Words = ""


class PutIn(ActBody):
    """A unit (serial) or part of a lot goes into a carrier.

    Attributes:
        carrier: Number of the carrier.
        serial: The unit; empty with an empty lot: the one that this station finished last.
        item: What it is, where the number alone does not say it.
        quantity: How much of the lot; None: all that is known of it.
    """

    kind: Literal["put_in"]
    carrier: Number
    serial: Number = ""
    lot: Number = ""
    item: Number = ""
    issuer: Number = ""
    quantity: Annotated[Decimal, Field(gt=0, max_digits=18, decimal_places=6)] | None = None
    unit: MeasureUnit = ""


class TakeOut(ActBody):
    """A unit (serial) or part of a lot leaves a carrier; without either: everything in it."""

    kind: Literal["take_out"]
    carrier: Number
    serial: Number = ""
    lot: Number = ""
    item: Number = ""
    issuer: Number = ""
    quantity: Annotated[Decimal, Field(gt=0, max_digits=18, decimal_places=6)] | None = None
