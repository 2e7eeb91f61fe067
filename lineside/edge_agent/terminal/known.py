"""The projections that the terminals read, as one thing to hand over."""

from __future__ import annotations

from dataclasses import dataclass, fields

from lineside.edge_agent.projections.base import AnyProjection
from lineside.edge_agent.projections.carriers import CarriersProjection
from lineside.edge_agent.projections.numbers import NumbersProjection
from lineside.edge_agent.projections.oee import OeeProjection
from lineside.edge_agent.projections.orders import OrdersProjection
from lineside.edge_agent.projections.progress import ProgressProjection
from lineside.edge_agent.projections.units import UnitsProjection


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The projections that a desk reads."""

    orders: OrdersProjection
    progress: ProgressProjection
    units: UnitsProjection
    numbers: NumbersProjection
    carriers: CarriersProjection
    figures: OeeProjection

    def all(self) -> list[AnyProjection]:
        """Every projection of the agent, in the order in which they follow the journal."""
        return [getattr(self, one.name) for one in fields(self)]
