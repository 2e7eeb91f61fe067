"""Jobs on a station as shares of its machine time."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Protocol

from lineside.contracts.units import JobShare

SHARE_PLACES = Decimal("0.000001")


class OnStation(Protocol):
    """An order operation on a station."""

    @property
    def order(self) -> str:
        """Work order."""
        ...

    @property
    def operation(self) -> str:
        """Operation of its routing."""
        ...


def shares_of(jobs: Iterable[OnStation]) -> tuple[JobShare, ...]:
    """Equal shares that add up to one; several bookings of one operation are one job."""
    names = list(dict.fromkeys((job.order, job.operation) for job in jobs))
    if not names:
        return ()
    each = (Decimal(1) / len(names)).quantize(SHARE_PLACES)
    first = Decimal(1) - each * (len(names) - 1)
    return tuple(
        JobShare(order=order, operation=operation, share=first if place == 0 else each)
        for place, (order, operation) in enumerate(names)
    )
