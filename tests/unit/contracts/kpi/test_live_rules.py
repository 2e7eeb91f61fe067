"""What the plant rules add to the sheet: reasons, corrections, moves, shared stations."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from lineside.contracts import events as ev
from lineside.contracts.kpi import (
    Category,
    Job,
    KpiHistoryError,
    KpiInputError,
    LiveFigures,
    Settings,
    Window,
    compute_window,
    from_event,
)
from lineside.contracts.units import EventRef, JobShare, Outcome, Quantity, Thing, ThingKind

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
ZERO = 20_000 * DAY
RUN, STOP, FAIL, IDLE = (ev.MachineState(name) for name in ("RUN", "STOP", "FAIL", "IDLE"))


class Line:
    """Events at minutes of a shift of 8 hours, and the figures of them."""

    def __init__(self):
        self.events: list[ev.Event] = []

    def at(self, minute, event, /, *, known=None, until=None, **more):
        recorded = minute if known is None else known
        self.events.append(
            event(
                occurred_at=ZERO + round(minute * MINUTE),
                recorded_at=ZERO + round(recorded * MINUTE),
                occurred_until=None if until is None else ZERO + until * MINUTE,
                station="M1",
                **more,
            )
        )
        return len(self.events)

    def state(self, minute, state, detail=""):
        return self.at(minute, ev.StateChanged, state=state, detail=detail)

    def order(self, minute, order, cycle="30", **more):
        cycle_s = Decimal(cycle)
        return self.at(minute, ev.OrderStarted, order=order, ideal_cycle_s=cycle_s, **more)

    def count(self, minute, value, **more):
        return self.at(
            minute, ev.CounterRead, counter="c", value=value, max_per_min=Decimal(60), **more
        )

    def void(self, seq, known):
        ref = EventRef(edge="e", epoch="x", seq=seq)
        return self.at(known, ev.EventVoided, voids=ref, reason="wrong")

    @property
    def facts(self):
        return [
            fact
            for seq, event in enumerate(self.events, start=1)
            for fact in from_event(event, seq=seq, edge="e")
        ]

    def live(self):
        return LiveFigures(Settings(), self.facts)

    def result(self, *, as_of=None, end=480):
        known = None if as_of is None else ZERO + as_of * MINUTE
        fresh = compute_window(self.facts, Settings(), window(end), known)
        assert self.live().window(window(end), known) == fresh
        return fresh


def window(end=480):
    return Window(
        unit="M1",
        start=ZERO,
        end=ZERO + end * MINUTE,
        shift_start=ZERO,
        shift_end=ZERO + 480 * MINUTE,
    )


def minutes(spans):
    return {name: Fraction(span, MINUTE) for name, span in spans.items()}


@pytest.fixture
def line():
    line = Line()
    line.order(0, "A")
    line.state(0, RUN)
    return line


def test_delay_splits_by_kind_and_stays_its_sum(line):
    for start, state, detail, long in [
        (10, STOP, "", 1),
        (20, STOP, "blocked", 5),
        (30, STOP, "starved", 6),
        (40, FAIL, "E7", 7),
        (50, IDLE, "", 8),
        (60, STOP, "door", 9),
    ]:
        line.state(start, state, detail)
        line.state(start + long, RUN)
    result = line.result()
    assert minutes(result.delay.by_kind) == {
        "micro_stop": 1,
        "blocked": 5,
        "starved": 6,
        "failure": 7,
        "idle": 8,
        "stop": 9,
    }
    assert result.elements.adet_us == 36 * MINUTE == result.delay.unexplained_us


def test_a_change_of_the_sub_state_does_not_make_two_micro_stops(line):
    line.state(10, STOP, "blocked")
    line.state(11, STOP, "starved")
    line.state(12, RUN)
    result = line.result()
    assert minutes(result.delay.by_kind) == {"blocked": 1, "starved": 1}
    assert result.elements.micro_stop_count == 0


def test_of_two_reasons_the_later_one_counts_where_both_are(line):
    line.state(10, STOP)
    line.state(40, RUN)
    line.at(10, ev.ReasonGiven, known=41, code="M01", until=30)
    line.at(20, ev.ReasonChanged, known=50, until=35, code="M02", previous="M01")
    result = line.result()
    assert minutes(result.delay.by_reason) == {"M01": 10, "M02": 15}
    assert result.delay.unexplained_us == 5 * MINUTE
    assert minutes(line.result(as_of=45).delay.by_reason) == {"M01": 20}


def test_a_reason_without_an_end_holds_as_long_as_the_stop(line):
    line.state(10, STOP)
    line.at(12, ev.ReasonGiven, code="M01")
    assert minutes(line.result(end=60).delay.by_reason) == {"M01": 48}
    line.state(30, RUN)
    line.state(40, STOP)
    result = line.result(end=60)
    assert minutes(result.delay.by_reason) == {"M01": 18}
    assert result.delay.unexplained_us == 22 * MINUTE


def test_stops_are_listed_with_their_reasons_and_without_micro_stops(line):
    line.state(10, STOP)
    line.state(11, RUN)
    line.state(20, FAIL, "E7")
    line.state(50, RUN)
    line.state(55, STOP)
    line.at(20, ev.ReasonGiven, known=50, until=50, code="F01")
    stops = line.live().stops(window(60))
    assert [(stop.kind, stop.reason, stop.going_on) for stop in stops] == [
        ("failure", "F01", False),
        ("stop", "", True),
    ]
    assert stops[0].detail == "E7"


def test_segments_tile_the_window(line):
    line.at(30, ev.PlannedDowntimeDeclared, until=60)
    line.state(90, ev.MachineState.UNKNOWN)
    line.at(120, ev.OrderFinished, order="A")
    line.state(150, RUN)
    segments = line.live().segments(window(200))
    assert [
        (s.category, (s.start_us - ZERO) // MINUTE, (s.end_us - ZERO) // MINUTE) for s in segments
    ] == [
        (Category.PRODUCTION, 0, 30),
        (Category.PLANNED, 30, 60),
        (Category.PRODUCTION, 60, 90),
        (Category.UNKNOWN, 90, 120),
        (Category.UNKNOWN, 120, 150),
        (Category.DOWN, 150, 200),
    ]
    assert line.result(end=200).elements.run_without_order_us == 50 * MINUTE


def test_an_event_that_was_taken_back_counts_until_it_was(line):
    wrong = line.at(60, ev.QuantityDeclared, kind="scrap", quantity=Quantity(value=Decimal(5)))
    line.void(wrong, 100)
    assert line.result(as_of=99).elements.sq == 5
    assert line.result(as_of=100).elements.sq == 0
    line.void(len(line.events), 120)
    assert line.result().elements.sq == 5


def test_a_correction_takes_its_target_back_by_itself(line):
    wrong = line.at(60, ev.QuantityDeclared, kind="scrap", quantity=Quantity(value=Decimal(5)))
    line.at(
        60,
        ev.QuantityDeclared,
        known=90,
        kind="scrap",
        quantity=Quantity(value=Decimal(3)),
        corrects=EventRef(edge="e", epoch="x", seq=wrong),
    )
    assert line.result(as_of=89).elements.sq == 5
    assert line.result().elements.sq == 3


def test_a_moved_booking_takes_time_counts_and_declarations_along(line):
    line.count(0, 0)
    line.count(60, 100)
    line.count(120, 150)
    line.at(
        100,
        ev.QuantityDeclared,
        kind="scrap",
        quantity=Quantity(value=Decimal(2), outcome=Outcome.SCRAP),
        order="A",
    )
    line.at(
        60,
        ev.BookingMoved,
        known=130,
        until=120,
        from_order="A",
        to_order="B",
        item="PB",
        ideal_cycle_s=Decimal(12),
    )
    jobs = line.result(end=120).jobs
    assert (jobs[Job("A")].apt_us, jobs[Job("A")].pq, jobs[Job("A")].sq) == (HOUR, 100, 0)
    assert (jobs[Job("B")].apt_us, jobs[Job("B")].pq, jobs[Job("B")].sq) == (HOUR, 50, 2)
    assert jobs[Job("B")].item == "PB"
    assert jobs[Job("B")].ideal_s == 600
    assert line.result(end=120, as_of=129).jobs[Job("A")].pq == 150


def test_time_without_an_order_can_be_given_to_one():
    line = Line()
    line.state(0, RUN)
    line.count(0, 0)
    line.count(60, 40)
    assert line.result(end=60).elements.unassigned == 40
    line.at(0, ev.BookingMoved, known=70, until=60, from_order="", to_order="B")
    result = line.result(end=60)
    assert (result.elements.unassigned, result.elements.pq) == (0, 40)
    assert result.elements.apt_us == HOUR


def test_a_shared_station_splits_its_time_and_stays_one_partition():
    line = Line()
    line.state(0, RUN)
    for minute, order in ((0, "A"), (60, "B"), (120, "C")):
        line.order(minute, order, exclusive=False, booking=f"b{order}")
    line.at(180, ev.OrderFinished, order="A", booking="bA")
    line.at(240, ev.OrderFinished, order="B", booking="bB")
    line.at(300, ev.OrderFinished, order="C", booking="bC")
    result = line.result(end=360)
    assert result.elements.apt_us == 5 * HOUR
    assert result.elements.adot_us == HOUR
    assert {job.order: Fraction(part.apt_us, HOUR) for job, part in result.jobs.items()} == {
        "A": Fraction(11, 6),
        "B": Fraction(1, 2) + Fraction(1, 3) + Fraction(1, 2),
        "C": Fraction(11, 6),
    }


def test_on_a_shared_station_counts_go_to_the_jobs_named_with_them():
    """A family mould: 3 of 4 cavities for A; where nobody says whose, nobody's."""
    line = Line()
    line.order(0, "A", exclusive=False)
    line.order(0, "B", exclusive=False)
    line.count(0, 0)
    shares = (
        JobShare(order="A", share=Decimal("0.75")),
        JobShare(order="B", share=Decimal("0.25")),
    )
    line.count(10, 20, pieces_per_count=Decimal(4), jobs=shares)
    line.count(20, 21, pieces_per_count=Decimal(4))
    result = line.result()
    assert (result.jobs[Job("A")].pq, result.jobs[Job("B")].pq) == (60, 20)
    assert result.elements.unassigned == 4


def test_a_span_declared_afterwards_stands_beside_what_was_there(line):
    line.at(
        60,
        ev.SpanDeclared,
        known=300,
        until=120,
        order="B",
        operation="20",
        booking="x",
        quantities=(
            Quantity(value=Decimal(8)),
            Quantity(value=Decimal(1), outcome=Outcome.SCRAP),
            Quantity(value=Decimal(1), outcome=Outcome.SUSPECT),
        ),
    )
    part = line.result().jobs[Job("B", "20")]
    assert (part.pq, part.gq, part.sq, part.rq) == (10, 8, 1, 1)
    assert part.apt_us == HOUR // 2
    assert Job("B", "20") not in line.result(as_of=299).jobs


def test_an_end_without_operation_ends_the_order_whatever_its_operation():
    line = Line()
    line.state(0, RUN)
    line.order(0, "A", operation="10")
    line.at(60, ev.OrderPaused, order="A")
    line.order(120, "A", operation="20")
    line.at(150, ev.OrderPaused, order="A", operation="10")
    jobs = line.result(end=180).jobs
    assert jobs[Job("A", "10")].apt_us == HOUR
    assert jobs[Job("A", "20")].apt_us == HOUR


def test_a_declaration_that_names_only_the_order_meets_its_operation(line):
    line.order(60, "B", operation="10", cycle="2.5")
    line.at(90, ev.OrderFinished, order="B")
    for minute in (70, 100):
        line.at(
            minute,
            ev.QuantityDeclared,
            kind="produced",
            quantity=Quantity(value=Decimal(4)),
            order="B",
        )
    part = line.result().jobs[Job("B", "10")]
    assert (part.pq, part.ideal_s) == (8, 20)


def test_rework_bookings_recover_or_scrap_what_was_counted_before(line):
    line.at(10, ev.QuantityDeclared, kind="produced", quantity=Quantity(value=Decimal(10)))
    line.at(20, ev.QuantityDeclared, kind="rework", quantity=Quantity(value=Decimal(4)))
    line.at(
        60,
        ev.OrderFinished,
        order="A",
        rework=True,
        quantities=(
            Quantity(value=Decimal(3)),
            Quantity(value=Decimal(1), outcome=Outcome.SCRAP),
            Quantity(value=Decimal(9), outcome=Outcome.REWORK),
        ),
    )
    e = line.result().elements
    assert (e.pq, e.gq, e.sq, e.rq, e.rework_recovered, e.delivered) == (10, 6, 1, 3, 3, 9)


def test_a_counter_that_is_only_a_check_adds_nothing(line):
    line.count(0, 0)
    line.count(60, 40, pieces_per_count=Decimal(0))
    result = line.result()
    assert (result.elements.pq, result.elements.spanned) == (0, 0)


def test_an_increment_over_a_minute_that_crosses_an_order_change_is_spanned(line):
    line.count(-1, 0)
    line.count(0, 4)
    line.count(5, 10)
    line.order(10, "B")
    line.count(20, 30)
    result = line.result()
    assert result.elements.spanned == 20
    assert result.elements.spanned_us == 15 * MINUTE
    assert result.shares["spanned"] == Fraction(15, 480)


def test_the_first_inspection_counts_once_per_order_and_operation_and_item(line):
    thing = Thing(kind=ThingKind.UNIT, item="P", id="s1")
    other = Thing(kind=ThingKind.UNIT, item="Q", id="s1")
    line.at(10, ev.Inspected, thing=thing, passed=False, order="A", operation="10")
    line.at(20, ev.Inspected, thing=thing, passed=True, order="A", operation="10")
    line.at(30, ev.Inspected, thing=thing, passed=True, order="A", operation="20")
    line.at(40, ev.Inspected, thing=other, passed=True, order="A", operation="10")
    e = line.result().elements
    assert (e.ip, e.gp) == (3, 2)


def test_a_quantity_of_no_known_kind_is_refused(line):
    line.at(10, ev.QuantityDeclared, kind="lost", quantity=Quantity(value=Decimal(1)))
    with pytest.raises(KpiInputError, match="lost"):
        line.result()


def test_what_was_forgotten_is_refused_and_the_rest_stays_the_same():
    """Twenty days; the last three are asked for before and after the others are forgotten."""
    line = Line()
    for day in range(20):
        zero = day * 1440
        line.order(zero + 5, f"A{day}")
        line.at(
            zero + 6,
            ev.Inspected,
            thing=Thing(kind=ThingKind.UNIT, item="P", id=f"s{day // 2}"),
            passed=True,
        )
        for step in range(0, 1440, 30):
            line.state(zero + step, STOP if step % 120 == 30 else RUN)
            line.count(zero + step, (day * 48 + step // 30) % 1000, modulus=1000)
        line.at(zero + 60, ev.ReasonGiven, code="M1", until=zero + 62)
        line.at(zero + 700, ev.QuantityDeclared, kind="scrap", quantity=Quantity(value=Decimal(1)))
    whole, short = line.live(), line.live()
    short.forget_before(ZERO + 17 * DAY)
    again = LiveFigures(Settings(), short.facts())
    for hour in range(17 * 24, 20 * 24, 5):
        asked = Window(unit="M1", start=ZERO + hour * HOUR, end=ZERO + (hour + 7) * HOUR)
        assert short.window(asked) == whole.window(asked)
        assert again.window(asked) == whole.window(asked)
    assert len(short.facts()) < len(whole.facts()) / 4
    with pytest.raises(KpiHistoryError, match="no longer kept"):
        short.window(window())
    asked = Window(unit="M1", start=ZERO + 18 * DAY, end=ZERO + 19 * DAY)
    with pytest.raises(KpiHistoryError, match="no longer kept"):
        short.order(Job("A3"), [(asked, None)])
    assert short.order(Job("A18"), [(asked, None)]) == whole.order(Job("A18"), [(asked, None)])


def late(line, *, before):
    """Live figures that were asked before the last event came, and what a fresh fold says."""
    line.at(60, ev.QuantityDeclared, kind="scrap", quantity=Quantity(value=Decimal(1)))
    line.events.insert(-2, line.events.pop())
    facts = line.facts
    live = LiveFigures(Settings(), facts[:-1])
    assert live.window(window()).to_json()["elements"][before[0]] == before[1]
    live.add(facts[-1])
    fresh = compute_window(facts, Settings(), window())
    assert live.window(window()) == fresh
    return fresh


def test_a_late_reading_reaches_the_glitch_after_the_next_one(line):
    """Two readings 9 s apart on both sides of a remembered quarter of an hour."""
    line.count(0, 100)
    line.count(14.9, 0)
    line.count(15.05, 101)
    line.count(14.8, 0)
    fresh = late(line, before=("PQ", 1))
    assert [anomaly.kind for anomaly in fresh.anomalies] == ["reset", "implausible"]
    assert fresh.elements.pq == 0


def test_a_late_state_reaches_the_whole_stop_after_it(line):
    """The stop is told twice before the quarter of an hour ends, and goes on after it."""
    line.state(14.5, STOP)
    line.state(14.8, STOP, "door")
    line.state(16, RUN)
    line.state(14.4, IDLE)
    fresh = late(line, before=("micro_stop_s", 90))
    assert fresh.elements.micro_stop_us == 0
