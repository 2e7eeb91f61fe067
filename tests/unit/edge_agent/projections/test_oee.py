"""The live projection: stopping and starting again after any event changes nothing."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import zstandard
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from lineside.contracts import events as ev
from lineside.contracts.calendar import CalendarError
from lineside.contracts.clock import ManualClock, parse_rfc3339
from lineside.contracts.codec import SCHEMA, encode_event
from lineside.contracts.commands import Calendar, PlannedStop, ShiftRule
from lineside.contracts.kpi import (
    Category,
    Job,
    KpiHistoryError,
    Settings,
    Window,
    compute_window,
    from_event,
)
from lineside.contracts.kpi.facts import AnyFact
from lineside.contracts.units import EventRef, Quantity, Thing, ThingKind
from lineside.edge_agent.journal.records import StoredEvent
from lineside.edge_agent.journal.store import Journal
from lineside.edge_agent.projections import oee
from lineside.edge_agent.projections.oee import OeeProjection
from lineside.edge_agent.projections.runner import ProjectionRunner

MINUTE = 60_000_000
ZERO = parse_rfc3339("2026-03-01T22:00:00Z")  # 06:00 in Shanghai
CALENDAR = Calendar(
    time_zone="Asia/Shanghai",
    shifts=(
        ShiftRule(id="early", local_start="06:00", local_end="14:00", breaks=(("10:00", 30),)),
        ShiftRule(id="late", local_start="14:00", local_end="22:00"),
    ),
    planned_stops=(PlannedStop(start=ZERO, end=ZERO + 5 * MINUTE, station="M2"),),
)
STATIONS = ("M1", "M2", "ASSY")
DAY = date(2026, 3, 2)


def stored_as(seq: int, event: ev.Event) -> StoredEvent:
    return StoredEvent(seq, SCHEMA, encode_event(event))


def random_event(dice: random.Random, seq: int, minute: int) -> ev.Event:
    late = dice.choice((0, 0, 0, 3, 40))
    base: dict[str, Any] = {
        "occurred_at": ZERO + (minute - late) * MINUTE,
        "recorded_at": ZERO + minute * MINUTE,
        "station": dice.choice(STATIONS),
    }
    order = dice.choice("AB")
    piece = Thing(kind=ThingKind.UNIT, item="P", id=f"s{dice.randint(1, 9)}")
    made = Quantity(value=Decimal(dice.randint(1, 9)))
    until = base["occurred_at"] + dice.randint(1, 60) * MINUTE
    makers = (
        lambda: ev.StateChanged(**base, state=dice.choice(list(ev.MachineState))),
        lambda: ev.StateChanged(**base, state=ev.MachineState.RUN),
        lambda: ev.OrderStarted(
            **base, order=order, ideal_cycle_s=Decimal("7.5"), exclusive=base["station"] != "ASSY"
        ),
        lambda: ev.OrderFinished(**base, order=order),
        lambda: ev.CounterRead(
            **base, counter="c", value=minute % 256, modulus=256, max_per_min=Decimal(9)
        ),
        lambda: ev.QuantityDeclared(**base, kind="scrap", quantity=made, order=order),
        lambda: ev.UnitFinished(**base, unit=piece, order=order, result=dice.choice(("pass", "x"))),
        lambda: ev.Inspected(**base, thing=piece, passed=dice.random() < 0.5),
        lambda: ev.ReasonGiven(**base, code="M1", occurred_until=dice.choice((None, until))),
        lambda: ev.PlannedDowntimeDeclared(**base, occurred_until=until),
        lambda: ev.BookingMoved(
            **base, from_order=order, to_order="B", occurred_until=until, ideal_cycle_s=Decimal(3)
        ),
        lambda: ev.EventVoided(
            **base, voids=EventRef(edge="e", epoch="x", seq=dice.randint(1, seq))
        ),
        lambda: ev.AlarmRaised(**base, alarm="7", severity="fault"),
    )
    return dice.choice(makers)()


def history(seed: int, size: int) -> list[StoredEvent]:
    dice = random.Random(seed)
    found: list[StoredEvent] = []
    minute = 0
    for seq in range(1, size + 1):
        minute += dice.choice((0, 1, 1, 5, 20))
        found.append(stored_as(seq, random_event(dice, seq, minute)))
    return found


def projection() -> OeeProjection:
    return OeeProjection(calendar=CALENDAR, edge="e")


def figures(of: OeeProjection) -> list[Any]:
    """Everything that can be asked."""
    now = ZERO + 700 * MINUTE
    found: list[Any] = [of.seq, of.stations()]
    for station in STATIONS:
        asked = [(of.shift_window(station, shift, DAY), None) for shift in ("early", "late")]
        found += [of.result(window) for window, _ in asked]
        found.append(of.window(station, "early", DAY, as_of=ZERO + 200 * MINUTE))
        found.append(of.window(station, "late", DAY, clip=(now - 300 * MINUTE, now)))
        found += [of.order(Job(order), asked) for order in "AB"]
        found.append(of.current(station, now))
    return found


@settings(max_examples=40, deadline=None, phases=(Phase.generate, Phase.shrink))
@given(st.integers(0, 2**40), st.integers(0, 80), st.data())
def test_stopping_and_starting_again_after_any_event_changes_nothing(seed, size, data):
    events = history(seed, size)
    stops = data.draw(st.sets(st.integers(0, size), max_size=4))
    straight, stopping = projection(), projection()
    for stored in events:
        straight.apply(stored)
    for index in range(size + 1):
        if index in stops:
            state = stopping.snapshot()
            stopping = projection()
            stopping.restore(state)
        if index < size:
            stopping.apply(events[index])
    assert figures(stopping) == figures(straight)


@settings(max_examples=20, deadline=None, phases=(Phase.generate, Phase.shrink))
@given(st.integers(0, 2**40))
def test_events_that_come_again_change_nothing(seed):
    once, again = projection(), projection()
    for stored in history(seed, 60):
        once.apply(stored)
        again.apply(stored)
        again.apply(stored)
    for stored in history(seed, 60):
        again.apply(stored)
    assert figures(once) == figures(again)


@settings(max_examples=40, deadline=None, phases=(Phase.generate, Phase.shrink))
@given(st.integers(0, 2**40), st.integers(0, 80))
def test_questions_in_between_change_no_answer_and_a_fresh_fold_gives_the_same(seed, size):
    asked = projection()
    facts: list[AnyFact] = []
    for stored in history(seed, size):
        asked.apply(stored)
        facts += from_event(stored.event, seq=stored.seq, edge="e")
        if stored.seq % 5 == 0:
            for station in STATIONS:
                for shift in ("early", "late"):
                    window = asked.shift_window(station, shift, DAY)
                    fresh = compute_window(facts, Settings.of(CALENDAR), window)
                    assert asked.result(window) == fresh


def test_it_follows_a_real_journal_and_survives_a_restart(tmp_path):
    events = [stored.event for stored in history(7, 60)]
    straight = projection()
    for seq, event in enumerate(events, start=1):
        straight.apply(stored_as(seq, event))
    with Journal.open(tmp_path / "journal.db", clock=ManualClock()) as journal:
        journal.append(events[:35]).result()
        runner = ProjectionRunner(journal, tmp_path / "figures.db", [projection()])
        runner.catch_up()
        runner.close()
        journal.append(events[35:]).result()
        resumed = projection()
        runner = ProjectionRunner(journal, tmp_path / "figures.db", [resumed])
        runner.catch_up()
        assert runner.failures == {}
        assert figures(resumed) == figures(straight)
        runner.close()


def test_an_event_that_no_figure_can_use_is_counted_and_stops_nothing():
    live = projection()
    when: dict[str, Any] = {"occurred_at": ZERO, "recorded_at": ZERO, "station": "M1"}
    one = Quantity(value=Decimal(1))
    live.apply(stored_as(1, ev.QuantityDeclared(**when, kind="lost", quantity=one)))
    nothing = Quantity(value=Decimal("NaN"))
    live.apply(stored_as(2, ev.QuantityDeclared(**when, kind="scrap", quantity=nothing)))
    live.apply(stored_as(3, ev.StateChanged(**when, state=ev.MachineState.RUN)))
    assert (live.refused, live.seq) == (2, 3)
    assert live.window("M1", "early", DAY).elements.unknown_us == 0
    again = projection()
    again.restore(live.snapshot())
    assert again.refused == 2


def test_the_running_shift_has_its_bar_its_stops_and_its_shares():
    live = projection()
    at = iter(range(1, 99))
    told: list[tuple[int, type[ev.Event], dict[str, Any]]] = [
        (0, ev.OrderStarted, {"order": "A", "ideal_cycle_s": Decimal(30)}),
        (0, ev.StateChanged, {"state": ev.MachineState.RUN}),
        (30, ev.StateChanged, {"state": ev.MachineState.STOP}),
        (40, ev.StateChanged, {"state": ev.MachineState.RUN}),
        (50, ev.StateChanged, {"state": ev.MachineState.UNKNOWN}),
        (55, ev.StateChanged, {"state": ev.MachineState.FAIL}),
    ]
    for minute, event, more in told:
        when: dict[str, Any] = {
            "occurred_at": ZERO + minute * MINUTE,
            "recorded_at": ZERO + minute * MINUTE,
        }
        live.apply(stored_as(next(at), event(**when, station="M1", **more)))
    current = live.current("M1", ZERO + 60 * MINUTE)
    assert current is not None
    assert (current.shift.id, current.shift.date, current.seq) == ("early", DAY, 6)
    assert [segment.category for segment in current.segments] == [
        Category.PRODUCTION,
        Category.DELAY,
        Category.PRODUCTION,
        Category.UNKNOWN,
        Category.DELAY,
    ]
    assert [(stop.kind, stop.going_on) for stop in current.unexplained] == [
        ("stop", False),
        ("failure", True),
    ]
    assert str(current.result.shares["unknown"]) == "1/12"
    assert current.result.elements.pot_us == 60 * MINUTE


def test_between_shifts_and_without_a_calendar_there_is_no_running_shift():
    assert projection().current("M1", ZERO - MINUTE) is None
    assert OeeProjection().current("M1", ZERO) is None


def test_a_shift_that_does_not_exist_is_refused():
    with pytest.raises(CalendarError, match="early, late"):
        projection().window("M1", "night", DAY)
    with pytest.raises(CalendarError, match="none"):
        OeeProjection().window("M1", "night", DAY)


def test_another_calendar_applies_to_the_past_as_well():
    live = projection()
    for stored in history(3, 80):
        live.apply(stored)
    before = live.window("M1", "early", DAY)
    other = Calendar(
        time_zone="Asia/Shanghai",
        shifts=(ShiftRule(id="early", local_start="06:00", local_end="13:00"),),
        micro_stop_policy="performance",
    )
    live.set_calendar(other)
    after = live.window("M1", "early", DAY)
    fresh = OeeProjection(calendar=other, edge="e")
    for stored in history(3, 80):
        fresh.apply(stored)
    assert after == fresh.window("M1", "early", DAY)
    assert after.elements.pot_us < before.elements.pot_us


def hourly(live, *, days, step=2):
    for seq, minute in enumerate(range(0, days * 1440, step), start=1):
        at = ZERO + minute * MINUTE
        state = ev.MachineState.FAIL if seq % 3 == 0 else ev.MachineState.RUN
        event = ev.StateChanged(occurred_at=at, recorded_at=at, station="M1", state=state)
        live.apply(stored_as(seq, event))
    return live


def test_old_facts_are_let_go_and_asking_for_them_says_so():
    live = hourly(OeeProjection(calendar=CALENDAR, keep_us=2 * 1440 * MINUTE), days=9)
    whole = hourly(OeeProjection(calendar=CALENDAR, keep_us=None), days=9)
    with pytest.raises(KpiHistoryError, match="2026-03-0"):
        live.window("M1", "early", DAY)
    recent = Window(unit="M1", start=ZERO + 7 * 1440 * MINUTE, end=ZERO + 8 * 1440 * MINUTE)
    assert live.result(recent) == whole.result(recent)
    assert len(live.snapshot()) < len(whole.snapshot())
    again = OeeProjection(calendar=CALENDAR, keep_us=2 * 1440 * MINUTE)
    again.restore(live.snapshot())
    assert again.result(recent) == live.result(recent)
    assert again.snapshot() == live.snapshot()
    with pytest.raises(KpiHistoryError):
        again.window("M1", "early", DAY)


def test_a_clock_that_was_wrong_for_a_while_makes_nothing_forgotten():
    live = hourly(projection(), days=1)
    before = live.window("M1", "early", DAY)
    far = ZERO + 70 * 365 * 1440 * MINUTE
    lost = ev.StateChanged(
        occurred_at=far, recorded_at=far, station="M1", state=ev.MachineState.UNKNOWN
    )
    live.apply(stored_as(live.seq + 1, lost))
    assert live.window("M1", "early", DAY) == before


def test_many_facts_are_loaded_beside_the_work_and_give_the_same_figures(monkeypatch):
    """What arrives meanwhile counts as well; until then the time before is unknown, not zero."""
    monkeypatch.setattr(oee, "CHUNK_FACTS", 50)
    monkeypatch.setattr(oee, "LOADED_AT_ONCE", 100)
    live = hourly(projection(), days=1)
    kept = live.snapshot()
    assert live.snapshot() == kept
    again = projection()
    with again._lock:  # nothing is taken over before the next fact is here
        again.restore(kept)
        at = ZERO + 1440 * MINUTE
        event = ev.StateChanged(
            occurred_at=at, recorded_at=at, station="M1", state=ev.MachineState.IDLE
        )
        for one in (live, again):
            one.apply(stored_as(live.seq + 1 if one is live else again.seq + 1, event))
        window = Window(unit="M1", start=ZERO, end=at)
        assert again.result(window) != live.result(window)
    assert again.loaded(10)
    assert again.result(window) == live.result(window)
    packed = [oee._decoder.decode(one.snapshot()) for one in (again, live)]
    assert packed[0].chunks == packed[1].chunks
    assert packed[0].seq == packed[1].seq


def test_a_snapshot_from_before_chunks_is_taken_over():
    live = hourly(projection(), days=1)
    whole = oee._WholeSnapshot(live.seq, 0, -(2**62), None, 0, live._figures.facts())
    again = projection()
    again.restore(zstandard.ZstdCompressor().compress(oee._encoder.encode(whole)))
    assert again.seq == live.seq
    assert again.window("M1", "early", DAY) == live.window("M1", "early", DAY)


def test_a_busy_edge_keeps_what_a_running_shift_needs(monkeypatch):
    monkeypatch.setattr(oee, "FACTS_MAX", 1_000)
    monkeypatch.setattr(oee, "FORGET_AFTER_EVENTS", 5)
    live = hourly(projection(), days=6)
    whole = hourly(OeeProjection(calendar=CALENDAR, keep_us=None), days=6)
    now = ZERO + 6 * 1440 * MINUTE
    shift = Window(unit="M1", start=now - 12 * 60 * MINUTE, end=now)
    assert live.result(shift) == whole.result(shift)
    assert len(live._figures.facts()) < 3_000 < len(whole._figures.facts())
    with pytest.raises(KpiHistoryError):
        live.window("M1", "early", DAY)
