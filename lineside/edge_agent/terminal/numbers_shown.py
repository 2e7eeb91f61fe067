"""How a screen shows what numbers are left."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class NumbersLeft(BaseModel):
    """How many numbers of a kind this edge may still give.

    Attributes:
        thing: `unit`, `lot` or `carrier`.
        low: A person should be told.
    """

    model_config = ConfigDict(frozen=True)

    thing: str
    item: str
    left: int
    low: bool
