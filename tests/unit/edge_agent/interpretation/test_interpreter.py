"""Samples to facts: states, counters, triggers, signals, alarms, and honest words about gaps."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.contracts.events import Event, GapFound, PieceCompleted, TimeSource
from lineside.contracts.kpi.counters import Reading, apply_reading
from lineside.contracts.samples import DriverNotice, Quality, SignalSample
from lineside.contracts.units import JobShare
from lineside.edge_agent.config import StationSection
from lineside.edge_agent.interpretation.interpreter import Interpreter
from lineside.edge_agent.interpretation.shapes import Context, Memory, Outcome, as_text

SECOND = 1_000_000
MINUTE = 60 * SECOND
BEGIN = 1_772_427_600 * SECOND


def station(**more: Any) -> StationSection:
    table = {
        "id": "M1",
        "device": "plc",
        "state": {"signal": "state", "profile": "packml", "blocked": "blocked"},
        "counter": [
            {"name": "total", "signal": "total", "bits": 16, "max_per_min": "60"},
        ],
        "trigger": [
            {
                "name": "piece", "sequence": "seq", "acknowledge": "ack", "good": "good",
                "parameters": ["M1.diameter"], "modulus": 100,
            }
        ],
        "discrete": [{"signal": "program", "role": "program"}],
        "alarm": [{"signal": "alarm", "severity": "fault"}],
        **more,
    }  # fmt: skip
    return msgspec.convert(table, StationSection)


class Machine:
    """Feeds an interpreter and keeps what is committed."""

    def __init__(self, **more: Any) -> None:
        self.interpreter = Interpreter(station(**more), device_time_window_s=Decimal(5))
        self.memory: Memory = self.interpreter.begin({})
        self.baselines: dict[str, bytes] = {}
        self.context = Context()
        self.now = BEGIN

    def restart(self) -> None:
        self.memory = self.interpreter.begin(self.baselines)

    def feed(self, *readings: Any, keep: bool = True) -> Outcome:
        outcome = self.interpreter.feed(
            self.memory, "plc", readings, now=self.now, context=self.context
        )
        if keep:
            self.memory = outcome.memory
            self.baselines |= outcome.baselines
        return outcome

    def show(self, quality: Quality = Quality.GOOD, initial: bool = False, **values: Any):
        return self.feed(
            *(
                SignalSample(
                    signal=name.replace("__", "."), value=value, quality=quality,
                    read_at=self.now, initial=initial,
                )
                for name, value in values.items()
            )
        )  # fmt: skip


def kinds(outcome: Outcome) -> list[str]:
    return [str(type(event).__struct_config__.tag) for event in outcome.events]


def only(outcome: Outcome) -> Any:
    (event,) = outcome.events
    assert isinstance(event, Event)
    return event


@pytest.mark.parametrize(
    ("raw", "state"),
    [(6, "RUN"), (16, "RUN"), (11, "STOP"), (5, "STOP"), (9, "FAIL"), (8, "FAIL"), (4, "IDLE"),
     (17, "IDLE"), (99, "UNKNOWN"), ("Execute", "RUN"), (6.0, "RUN"), (True, "UNKNOWN")],
)  # fmt: skip
def test_packml_numbers_become_states(raw, state):
    assert only(Machine().show(state=raw)).state == state


def test_an_equal_state_is_told_once_and_an_uncertain_value_is_no_edge():
    machine = Machine()
    machine.show(state=6)
    assert machine.show(state=6).empty
    assert machine.show(quality=Quality.UNCERTAIN, state=11).empty
    lost = machine.show(quality=Quality.BAD, state=None)
    assert only(lost).state == "UNKNOWN"


def test_a_stop_says_that_it_is_blocked():
    machine = Machine()
    machine.show(state=6, blocked=False)
    machine.show(blocked=True)
    stop = only(machine.show(state=11))
    assert (stop.state, stop.detail) == ("STOP", "blocked")
    assert only(machine.show(blocked=False)).detail == ""


@pytest.mark.fault("F-22")
def test_a_lost_device_makes_the_state_unknown_since_it_was_heard():
    machine = Machine()
    machine.show(state=6)
    machine.now += 10 * SECOND
    notice = DriverNotice(
        kind="lost", detail="", read_at=machine.now, since=machine.now - 3 * SECOND
    )
    event = only(machine.feed(notice))
    assert (event.state, event.occurred_at) == ("UNKNOWN", machine.now - 3 * SECOND)


def test_a_first_value_that_changed_before_nobody_watched_ends_the_unknown_time():
    """Its device says since when it is so; our ignorance began later and is not told after it."""
    machine = Machine()
    outcome = machine.interpreter.unwatched(machine.memory, machine.now, machine.now)
    machine.memory = outcome.memory
    machine.now += 2 * SECOND
    sample = SignalSample(
        signal="state",
        value=6,
        quality=Quality.GOOD,
        read_at=machine.now,
        source_at=machine.now - 5 * SECOND,
        initial=True,
    )
    told: list[Any] = [*outcome.events, *machine.feed(sample).events]
    assert [(e.state, e.occurred_at - machine.now) for e in told] == [
        ("UNKNOWN", -2 * SECOND),
        ("RUN", -2 * SECOND),
    ]


def test_a_gap_before_a_fresh_state_does_not_hide_the_fresh_one():
    machine = Machine()
    machine.show(state=6)
    machine.now += 10 * SECOND
    sample = SignalSample(signal="state", value=9, quality=Quality.GOOD, read_at=machine.now)
    notice = DriverNotice(kind="gap", detail="", read_at=machine.now, since=machine.now - SECOND)
    outcome = machine.feed(sample, notice)
    told: list[Any] = list(outcome.events)
    assert [(e.state, e.occurred_at - machine.now) for e in told] == [
        ("FAIL", 0),
        ("UNKNOWN", -SECOND),
    ]
    assert machine.show(state=9).empty


def test_a_counter_counts_changes_and_persists_its_baseline():
    machine = Machine()
    first = only(machine.show(total=65_530))
    assert (first.increment, first.anomaly) == (0, "")
    machine.now += MINUTE
    assert machine.show(total=65_530).empty
    machine.context = Context(jobs=(JobShare(order="WO-1", operation="10"),), item="SP-18")
    rolled = machine.show(total=4)
    event: Any = rolled.events[-1]
    assert (event.increment, event.anomaly, event.item) == (10, "rollover", "SP-18")
    assert event.jobs[0].order == "WO-1"
    assert "counter:M1/total" in rolled.baselines


@pytest.mark.fault("F-23")
def test_a_counter_that_restarts_books_only_what_it_shows():
    machine = Machine()
    machine.show(total=50_000)
    machine.now += MINUTE
    event = only(machine.show(total=3))
    assert (event.increment, event.anomaly) == (3, "reset")


@pytest.mark.fault("F-16")
@pytest.mark.parametrize("back", [SECOND, 3_600 * SECOND, 20_000 * 86_400 * SECOND])
def test_pieces_made_while_the_clock_went_back_are_booked_and_flagged(back):
    """They took some time, and nobody knows how long: that makes no increase implausible."""
    machine = Machine()
    machine.show(total=100)
    machine.now += MINUTE
    assert only(machine.show(total=110)).flags == ()

    machine.now -= back
    event = only(machine.show(total=130))
    assert (event.increment, event.anomaly, event.flags) == (20, "", ("clock_unsure",))
    machine.now += MINUTE
    event = only(machine.show(total=140))
    assert (event.increment, event.anomaly, event.flags) == (10, "", ())

    machine.now += back + MINUTE
    assert only(machine.show(total=145)).increment == 5


def test_a_wild_value_stays_implausible_when_the_clock_went_back():
    machine = Machine()
    machine.show(total=100)
    machine.now -= MINUTE
    event = only(machine.show(total=60_000))
    assert (event.increment, event.anomaly) == (0, "implausible")


def test_a_zero_read_once_by_mistake_costs_nothing():
    machine = Machine()
    machine.show(total=50_000)
    machine.now += SECOND
    assert only(machine.show(total=0)).increment == 0
    machine.now += SECOND
    glitch = only(machine.show(total=50_001))
    assert (glitch.increment, glitch.anomaly) == (1, "glitch")


@pytest.mark.fault("F-26")
def test_what_was_made_while_nobody_watched_is_flagged():
    machine = Machine()
    machine.show(total=10)
    machine.restart()
    machine.now += 30 * SECOND
    assert only(machine.show(total=12)).flags == ("over_gap",)
    machine.now += SECOND
    assert only(machine.show(total=13)).flags == ()
    machine.feed(DriverNotice(kind="restarted", detail="", read_at=machine.now))
    machine.now += 30 * SECOND
    event = machine.show(total=14, state=6).events[0]
    assert event.flags == ("over_gap",)


def test_an_increment_across_a_shift_change_is_marked_unless_the_counter_was_watched():
    machine = Machine()
    machine.show(total=10)
    machine.now += 10 * MINUTE
    machine.context = Context(boundaries=(BEGIN + 5 * MINUTE,))
    assert only(machine.show(total=20)).flags == ("spans",)

    watched = Machine()
    watched.show(total=10)
    for _ in range(10):
        watched.now += MINUTE
        assert watched.show(total=10).empty
    watched.context = Context(boundaries=(BEGIN + 5 * MINUTE,))
    watched.now += SECOND
    both: list[Any] = list(watched.show(total=11).events)
    still, moved = both
    assert (still.increment, moved.increment, moved.flags) == (0, 1, ())
    assert still.occurred_at == watched.now - SECOND


def test_a_value_that_no_counter_shows_is_said_once():
    machine = Machine()
    machine.show(total=10)
    assert kinds(machine.show(total=-1)) == ["gap_found"]
    assert machine.show(total=70_000).empty
    assert machine.show(total="many").empty
    assert kinds(machine.show(total=11)) == ["counter_read"]


def test_where_finished_pieces_count_the_counter_is_only_a_check():
    machine = Machine(counts_from="unit_finished")
    machine.show(total=10)
    machine.now += MINUTE
    event = only(machine.show(total=12))
    assert (event.increment, event.pieces_per_count) == (2, 0)


def test_a_piece_is_booked_with_its_values_and_then_acknowledged():
    machine = Machine()
    machine.show(seq=3, good=True, M1__diameter=17.9)
    outcome = machine.show(M1__diameter=18.003, seq=4, good=False)
    piece = only(outcome)
    assert (piece.sequence, piece.good, piece.parameters) == (4, False, {"diameter": "18.003"})
    assert [(w.device, w.signal, w.value) for w in outcome.writes] == [("plc", "ack", 4)]
    assert "trigger:M1/piece" in outcome.baselines
    assert machine.show(seq=4).empty


def test_each_piece_of_one_message_has_the_values_of_its_own_time():
    """A subscription may send several values of one item after another."""
    machine = Machine()
    machine.show(seq=3)
    times = [machine.now - 40, machine.now - 30, machine.now - 20, machine.now - 10]

    def sample(name: str, value: Any, at: int) -> SignalSample:
        return SignalSample(
            signal=name, value=value, quality=Quality.GOOD, read_at=machine.now, source_at=at
        )

    outcome = machine.feed(
        sample("seq", 4, times[1]), sample("seq", 5, times[3]),
        sample("M1.diameter", 1.5, times[0]), sample("M1.diameter", 2.5, times[2]),
    )  # fmt: skip
    assert [e.parameters for e in outcome.events] == [  # type: ignore[attr-defined]
        {"diameter": "1.5"},
        {"diameter": "2.5"},
    ]
    assert outcome.events[0].time_source is TimeSource.DEVICE


@pytest.mark.parametrize(
    ("value", "text"),
    [(314.56500244140625, "314.565"), (17.996, "17.996"), (0.1, "0.1"), (6.0, "6"), (True, "true"),
     (None, ""), ("a ", "a "), (1e300, "1e+300"), (float("inf"), "inf"), (-0.0, "0"), (7, "7")],
)  # fmt: skip
def test_a_value_is_written_as_short_as_it_came(value, text):
    """A number of 32 bits does not grow digits that nobody measured."""
    assert as_text(value) == text


@pytest.mark.fault("F-26")
def test_a_hole_in_the_sequence_is_a_gap_and_a_new_beginning_is_said():
    machine = Machine()
    machine.show(seq=97)
    hole = machine.show(seq=99)
    assert kinds(hole) == ["gap_found", "piece_completed"]
    assert hole.events[0].missing == 1  # type: ignore[attr-defined]
    assert kinds(machine.show(seq=0)) == ["piece_completed"]


def test_a_sequence_that_falls_began_anew():
    machine = Machine(
        trigger=[{"name": "piece", "sequence": "seq", "acknowledge": "ack", "modulus": 65536}]
    )
    machine.show(seq=5_000)
    outcome = machine.show(seq=2)
    assert kinds(outcome) == ["gap_found", "piece_completed"]
    assert outcome.events[0].missing is None  # type: ignore[attr-defined]
    assert kinds(machine.show(seq=0)) == ["gap_found"]


def test_the_first_number_ever_is_a_baseline_unless_the_device_waits_for_it():
    fresh = Machine()
    assert kinds(fresh.show(seq=7)) == []
    waiting = Machine()
    outcome = waiting.show(seq=7, ack=6)
    assert kinds(outcome) == ["piece_completed"]
    known = Machine()
    assert kinds(known.show(seq=7, ack=7)) == []


def test_a_batch_that_the_journal_refused_can_be_fed_again():
    """Nothing is remembered before the commit."""
    machine = Machine()
    machine.show(seq=3, total=10, state=4)
    sample = SignalSample(signal="seq", value=4, quality=Quality.GOOD, read_at=machine.now)
    first = machine.feed(sample, keep=False)
    second = machine.feed(sample)
    assert first.events == second.events
    assert machine.feed(sample).empty


def test_discrete_signals_and_alarms():
    machine = Machine()
    program = only(machine.show(program="O2041"))
    assert (program.role, program.value, program.initial) == ("program", "O2041", True)
    assert machine.show(program="O2041").empty
    assert only(machine.show(program="O2042")).initial is False
    assert only(machine.show(quality=Quality.BAD, program=None)).value == ""
    assert only(machine.show(alarm=17)).alarm == "17"
    changed = machine.show(alarm=18)
    assert kinds(changed) == ["alarm_cleared", "alarm_raised"]
    assert kinds(machine.show(alarm=0)) == ["alarm_cleared"]


@pytest.mark.parametrize(
    ("source", "server", "initial", "expected"),
    [
        (-1, None, False, TimeSource.DEVICE),
        (-100, None, False, TimeSource.EDGE),
        (100, None, False, TimeSource.EDGE),
        (-100, 0, False, TimeSource.DEVICE),
        (-100, -90, False, TimeSource.EDGE),
        (-100, 0, True, TimeSource.EDGE),
        (None, 0, False, TimeSource.EDGE),
    ],
)
@pytest.mark.fault("F-16")
def test_a_device_is_believed_when_its_clock_is_plausible(source, server, initial, expected):
    """Old values are believed where the server's own clock agrees with ours."""
    machine = Machine()
    machine.show(state=4)
    sample = SignalSample(
        signal="state", value=6, quality=Quality.GOOD, read_at=machine.now, initial=initial,
        source_at=None if source is None else machine.now + source * SECOND,
        server_at=None if server is None else machine.now + server * SECOND,
    )  # fmt: skip
    event = only(machine.feed(sample))
    assert event.time_source is expected
    if expected is TimeSource.EDGE:
        assert event.occurred_at == machine.now


readings = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 65_535), st.booleans()), min_size=1, max_size=30
)


@given(readings)
@pytest.mark.fault("F-02")
@pytest.mark.fault("F-23")
def test_increments_are_those_of_the_counter_rules_wherever_the_agent_restarts(steps):
    """Live and derived afresh from the readings that were recorded: the same counts."""
    machine = Machine()
    recorded: list[Any] = []
    for pause, value, restart in steps:
        if restart:
            machine.restart()
        machine.now += pause * SECOND
        recorded += machine.show(total=value).events
    state = None
    for event in recorded:
        reading = Reading(
            at=event.occurred_at, value=event.value, modulus=65_536, max_per_min=Decimal(60)
        )
        state, increment, anomaly = apply_reading(state, reading)
        assert (event.increment, event.anomaly) == (increment, anomaly)


@given(
    st.lists(st.sampled_from(["next", "same", "restart", "lost", "skip"]), max_size=40),
    st.integers(0, 99),
)
@pytest.mark.fault("F-32")
def test_every_sequence_number_is_booked_once_and_every_hole_is_told(steps, first):
    """Whatever is repeated, restarted or lost between commit and acknowledgement."""
    machine = Machine()
    machine.show(initial=True, seq=first, ack=first)
    number, told = first, []
    for step in steps:
        if step == "restart":
            machine.restart()
        elif step == "lost":
            machine.feed(DriverNotice(kind="lost", detail="", read_at=machine.now))
        number = (number + {"next": 1, "skip": 3}.get(step, 0)) % 100
        machine.now += SECOND
        told += machine.show(initial=step in {"restart", "lost"}, seq=number, ack=number).events
    booked = [event.sequence for event in told if isinstance(event, PieceCompleted)]
    assert all(one != other for one, other in pairwise(booked))
    assert len(booked) == sum(step in {"next", "skip"} for step in steps)
    holes = [event.missing for event in told if isinstance(event, GapFound)]
    # A device that never shows 0 skips it where the numbers go round: there one may hide.
    assert steps.count("skip") == len(holes)
    assert set(holes) <= {1, 2}


def test_a_condition_of_an_mtconnect_adapter_tells_code_severity_and_text():
    """Further alarms may come before the condition is normal again."""
    machine = Machine(alarm=[{"signal": "alarm", "format": "mtconnect"}])
    raised = only(machine.show(alarm="Warning|406|||MEMORY PROTECT"))
    assert (raised.alarm, raised.severity, raised.text) == ("406", "warning", "MEMORY PROTECT")
    assert only(machine.show(alarm="Fault|148|||CHUCK BARRIER")).severity == "fault"
    assert kinds(machine.show(alarm="Normal||||")) == ["alarm_cleared"]
    assert machine.show(alarm="Unavailable||||").empty
