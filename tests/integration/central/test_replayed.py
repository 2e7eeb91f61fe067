"""Events of a simulated plant do not become figures of a real one."""

import pytest
from sqlalchemy import text

from lineside.central.downlink.handlers import DownlinkListeners
from lineside.central.downlink.publisher import Publisher
from lineside.central.projections.runner import Runner
from lineside.central.wiring import listeners, readers
from lineside.contracts import events as ev
from lineside.contracts.units import Thing, ThingKind

VALVE = Thing(kind=ThingKind.UNIT, item="VA-10", id="VA-1")


@pytest.mark.parametrize("simulation", [False, True])
def test_a_replayed_event_is_set_aside_unless_central_runs_a_simulation(
    engine, clock, at, report, simulation
) -> None:
    """It is kept, counted as a problem that people see, and holds up nothing."""
    report.edge("line-1")
    when = {"occurred_at": at("09:00:00"), "recorded_at": at("09:00:00")}
    replayed = ev.UnitStarted(unit=VALVE, station="M1", flags=("replayed",), **when)
    real = ev.UnitFinished(unit=VALVE, station="M1", **when)
    report.store("line-1", replayed, real)
    heard = listeners(DownlinkListeners(Publisher(engine, clock)))

    Runner(engine, clock, readers(), heard, simulation=simulation).run_until_idle()

    with engine.begin() as connection:
        lines = set(connection.execute(text("SELECT type FROM thing_line")).scalars())
        said = connection.execute(text("DELETE FROM reader_problem RETURNING problem")).scalars()
        assert lines == ({"unit_started", "unit_finished"} if simulation else {"unit_finished"})
        assert bool(list(said)) is not simulation
