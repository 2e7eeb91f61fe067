"""Cost of one fact in the live figures, after a short and after a long history.

    python -m benchmarks.kpi_update

A station counts once a second, stops now and then with a reason, and changes its order every hour;
the running shift is asked for every minute of plant time. Printed is the time per fact (taken in
and asked for) around 1,000 and around 200,000 facts, and their ratio: it is flat when nothing is
recomputed that a fact does not touch. `batch` is one fresh fold over all of it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from lineside.contracts.calendar import shift_at
from lineside.contracts.clock import US_PER_SECOND, from_datetime
from lineside.contracts.commands import Calendar, ShiftRule
from lineside.contracts.events import (
    CounterRead,
    Event,
    MachineState,
    OrderStarted,
    ReasonGiven,
    StateChanged,
)
from lineside.contracts.kpi import FactStore, LiveFigures, Settings, Window, from_event

CALENDAR = Calendar(
    time_zone="Asia/Shanghai",
    shifts=tuple(
        ShiftRule(id=name, local_start=a, local_end=b, breaks=((c, 30),))
        for name, a, b, c in (
            ("early", "06:00", "14:00", "10:00"),
            ("late", "14:00", "22:00", "18:00"),
            ("night", "22:00", "06:00", "02:00"),
        )
    ),
)
STATION = "M1"
SHORT, LONG, SAMPLE = 1_000, 200_000, 1_000


def happened(count: int) -> Iterator[Event]:
    """One event a second of plant time."""
    zero = from_datetime(datetime(2026, 3, 1, 22, tzinfo=UTC))
    for second in range(count):
        at = zero + second * US_PER_SECOND
        base: dict[str, Any] = {"station": STATION, "occurred_at": at, "recorded_at": at}
        match second % 600:
            case _ if second % 3600 == 0:
                yield OrderStarted(**base, order=f"WO-{second // 3600}", ideal_cycle_s=Decimal(1))
            case 1 | 400:
                yield StateChanged(**base, state=MachineState.RUN)
            case 300:
                yield StateChanged(**base, state=MachineState.STOP, detail="jam")
            case 350:
                yield ReasonGiven(**base, code="M02", occurred_until=at + 50 * US_PER_SECOND)
            case _:
                yield CounterRead(
                    **base, counter="total", value=second % 65_536, max_per_min=Decimal(120)
                )


def measure() -> dict[str, float]:
    """Seconds per fact and their ratio."""
    events = list(happened(LONG))
    started = time.process_time()
    facts = [f for seq, e in enumerate(events, 1) for f in from_event(e, seq=seq, edge="e")]
    mapped = time.process_time() - started
    figures = LiveFigures(Settings.of(CALENDAR))
    spent: dict[int, float] = {}
    asked = 0
    began = last = time.process_time()
    for number, fact in enumerate(facts, 1):
        figures.add(fact)
        if number % 60 == 0:
            shift = shift_at(CALENDAR, fact.at)
            assert shift is not None
            figures.window(Window.of_shift(STATION, shift, (shift.start_us, fact.at + 1)))
            asked += 1
        if number % SAMPLE == 0:
            now = time.process_time()
            spent[number] = now - last
            last = now
    total = last - began
    early = min(spent[number] for number in spent if number <= 20 * SHORT and number > SHORT)
    late = min(spent[number] for number in spent if number > LONG - 20 * SAMPLE)
    fresh = FactStore(Settings.of(CALENDAR))
    started = time.process_time()
    for fact in facts:
        fresh.add(fact)
    added = time.process_time() - started
    for shift in {shift_at(CALENDAR, fact.at) for fact in facts[::3600]}:
        assert shift is not None
        fresh.window(Window.of_shift(STATION, shift))
    batch = time.process_time() - started
    return {
        "us_per_event_mapped": 1e6 * mapped / LONG,
        "us_per_fact_added": 1e6 * added / LONG,
        "us_per_fact_batch": 1e6 * batch / LONG,
        "us_per_fact_live_with_a_question_a_minute": 1e6 * total / LONG,
        "us_per_fact_around_1k": 1e6 * early / SAMPLE,
        "us_per_fact_around_200k": 1e6 * late / SAMPLE,
        "growth_ratio": late / early,
        "questions": asked,
    }


def main() -> int:
    """Print the figures; 1 when the cost grows."""
    found = measure()
    print(json.dumps({name: round(value, 3) for name, value in found.items()}))
    return 0 if found["growth_ratio"] < 2 else 1


if __name__ == "__main__":
    sys.exit(main())
