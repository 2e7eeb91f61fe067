"""What the bodies of all acts have in common."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

TEXT_CHARS_MAX = 500
Number = Annotated[str, Field(max_length=128)]
Words = Annotated[str, Field(max_length=TEXT_CHARS_MAX)]
Amount = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=6)]


class ActBody(BaseModel):
    """What every act carries.

    Attributes:
        id: Made by the client; sending the same act again books nothing and gives the same answer.
        station: Where it happens.
        by: Person ids; empty: those who are signed on at the station.
        confirm: The option chosen after an answer `ask`; empty at first.
        override: Badge of a person who allows it against a rule; empty without one.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    id: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:-]+$")]
    station: Annotated[str, Field(min_length=1, max_length=64)]
    by: Annotated[list[Number], Field(max_length=50)] = []
    confirm: Number = ""
    override: Number = ""
