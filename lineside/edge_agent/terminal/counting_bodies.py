"""Bodies of acts on counts: a load on a scale, a count over a boundary."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from lineside.edge_agent.terminal.act_base import ActBody, Amount, Number, Words


class Weigh(ActBody):
    """A load came to rest on the station's scale; a scale that the agent reads itself sends it.

    Attributes:
        weight: As the scale shows it.
        unit: `mg`, `g`, `kg`, `t`; empty: that of the station.
        net: The scale has taken the tare off.
        scale: Device; empty: a person typed it.
        changed: The scale was not empty since the load before.
    """

    kind: Literal["weigh"]
    weight: Annotated[Decimal, Field(max_digits=18, decimal_places=9)]
    unit: Annotated[str, Field(max_length=16)] = ""
    net: bool = False
    scale: Number = ""
    changed: bool = False


class SplitCount(ActBody):
    """So many pieces of a count were made before a boundary, the others after it.

    Attributes:
        seq: Of the count, as the screen names it.
        boundary: One of its boundaries.
        before: Pieces made before it.
    """

    kind: Literal["split_count"]
    seq: Annotated[int, Field(ge=1)]
    boundary: AwareDatetime
    before: Amount
    reason: Words = ""
