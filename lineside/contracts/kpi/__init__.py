"""OEE and its relatives, exact: journal events in, elements and ratios out (ISO 22400-2, R1-R24).

    facts = [fact for seq, event in journal for fact in from_event(event, seq=seq, edge="edge-1")]
    settings = Settings.of(calendar)                             # micro-stop rule, planned stops
    shift = named_occurrence(calendar, "early", date(2026, 3, 2))     # contracts/calendar
    window = Window.of_shift("M1", shift, clip=(start, now))          # unit = station
    result = compute_window(facts, settings, window, as_of=None)      # batch: one window, once

    live = LiveFigures(settings)                                 # the same figures, kept up to date
    for fact in facts:
        live.add(fact)                                           # O(1) in order; late facts allowed
    result == live.window(window)                                # equal to the last bit

    result.elements.apt_us, result.kpis["oee"], result.to_json() # keys of the OEE sheet
    pooled = aggregate([early, late])                            # add elements, then divide
    live.order(Job("WO-7", "20"), [(window, None)], as_of=None)  # R22
    live.segments(window)                                        # classified spans for a shift bar
    live.stops(window)                                           # stops, and whether they have a
    reason

A unit is a station. Times are microseconds UTC (int), amounts int or Fraction, ratios Fraction or
None. `as_of` is a moment of knowledge: only facts recorded up to it count; None: all that are here.
Several
windows of the same facts: build one `LiveFigures` and ask it. `apply_reading` is the only counter
logic (R15 to R17), for figures and live interpretation alike; `machine_capability` and
`process_capability` stand beside, `formulas` holds the KPIs that need more than one station's
elements.
"""

from __future__ import annotations

from lineside.contracts.kpi import formulas
from lineside.contracts.kpi.capability import (
    Capability,
    machine_capability,
    process_capability,
)
from lineside.contracts.kpi.counters import CounterState, Reading, apply_reading
from lineside.contracts.kpi.elements import Delay, Elements, JobElements
from lineside.contracts.kpi.errors import KpiHistoryError, KpiInputError
from lineside.contracts.kpi.facts import (
    CounterFact,
    Fact,
    InspectionFact,
    Job,
    MoveFact,
    OrderEndFact,
    OrderStartFact,
    PlannedFact,
    QuantityFact,
    ReasonFact,
    StateFact,
    VoidFact,
)
from lineside.contracts.kpi.live import LiveFigures
from lineside.contracts.kpi.mapping import from_event
from lineside.contracts.kpi.oee import kpis
from lineside.contracts.kpi.orders import OrderResult
from lineside.contracts.kpi.quantities import Anomaly
from lineside.contracts.kpi.ratios import Number, Ratio, ratio, ratio_json
from lineside.contracts.kpi.store import FactStore, compute_window
from lineside.contracts.kpi.timeline import Category, Segment, Stop
from lineside.contracts.kpi.window import (
    Settings,
    Window,
    WindowResult,
    aggregate,
)

__all__ = [
    "Anomaly",
    "Capability",
    "Category",
    "CounterFact",
    "CounterState",
    "Delay",
    "Elements",
    "Fact",
    "FactStore",
    "InspectionFact",
    "Job",
    "JobElements",
    "KpiHistoryError",
    "KpiInputError",
    "LiveFigures",
    "MoveFact",
    "Number",
    "OrderEndFact",
    "OrderResult",
    "OrderStartFact",
    "PlannedFact",
    "QuantityFact",
    "Ratio",
    "Reading",
    "ReasonFact",
    "Segment",
    "Settings",
    "StateFact",
    "Stop",
    "VoidFact",
    "Window",
    "WindowResult",
    "aggregate",
    "apply_reading",
    "compute_window",
    "formulas",
    "from_event",
    "kpis",
    "machine_capability",
    "process_capability",
    "ratio",
    "ratio_json",
]
