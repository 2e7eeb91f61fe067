"""What is still open at a station that is taken out of the configuration.

Nobody says any more what happens there, so people are signed off and orders leave it, by the system
and with that reason; pieces and quantities are left as they were told.
"""

from __future__ import annotations

from lineside.contracts.clock import Microseconds
from lineside.contracts.events import Event, OrderPaused, SignedOff, Source
from lineside.edge_agent.projections.floor import StationState

REASON = "The station was taken out of the configuration."


def left_behind(station: str, state: StationState, now: Microseconds) -> list[Event]:
    """Facts that close what is open at a station.

    Args:
        station: Its id.
        state: What stands there.
        now: Time of recording, microseconds UTC.
    """
    paused: list[Event] = [
        OrderPaused(
            occurred_at=now,
            recorded_at=now,
            source=Source.SYSTEM,
            station=station,
            order=job.order,
            operation=job.operation,
            booking=job.booking,
            reason=REASON,
        )
        for job in state.floor.jobs.values()
    ]
    signed_off: list[Event] = [
        SignedOff(
            occurred_at=now,
            recorded_at=now,
            source=Source.SYSTEM,
            station=station,
            by=(person,),
            reason=REASON,
        )
        for person in state.floor.people
    ]
    return [*paused, *signed_off]
