"""Values to readings: order, types, marks."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.contracts.samples import DriverNotice, Quality
from lineside.drivers.opcua import batches, values
from lineside.drivers.opcua.config import SignalSettings
from lineside.drivers.opcua.decoding import RawValue
from lineside.drivers.opcua.items import Item
from lineside.drivers.opcua.nodeids import NodeAddress
from lineside.drivers.opcua.trust import thumbprint_of

INT, DOUBLE, FLOAT, STRING = 6, 11, 10, 12


def item(name="x", handle=1, *, fresh=False, queue_size=10, **settings):
    signal = SignalSettings(name=name, node=NodeAddress("urn:x", "s", name), **settings)
    return Item(signal=signal, handle=handle, fresh=fresh, queue_size=queue_size)


def raw(value, kind=INT, *, handle=1, status=0, at=None):
    return RawValue(handle, value, kind, status, at, None)


def read(*raws, items=None, state=0) -> Any:
    items = items or [item()]
    return batches.readings(
        raws, {one.handle: one for one in items}, read_at=5, sequence=9, state=state
    )


@given(st.lists(st.tuples(st.integers(1, 4), st.none() | st.integers(1, 50)), max_size=30))
def test_signals_are_merged_by_time_and_each_keeps_its_own_order(pairs):
    """A device's clock may step back; the order of its queue is still the order of events."""
    given_ = [raw(n, handle=handle, at=at) for n, (handle, at) in enumerate(pairs)]
    merged = list(batches.in_time_order(given_))
    assert sorted(one.value for one in merged) == list(range(len(given_)))
    for handle in range(1, 5):
        own = [one for one in given_ if one.handle == handle]
        assert [one for one in merged if one.handle == handle] == own


def test_times_across_signals_decide():
    merged = batches.in_time_order(
        [raw(1, handle=1, at=30), raw(2, handle=2, at=10), raw(3, handle=2, at=40)]
    )
    assert [one.value for one in merged] == [2, 1, 3]


def test_a_text_is_itself_and_a_null_text_is_empty():
    one = item(fresh=True, type="text")
    first, second = read(raw("A-1", STRING), raw(None, STRING), items=[one])
    assert [(s.value, s.quality, s.status) for s in (first, second)] == [
        ("A-1", Quality.GOOD, "Good"),
        ("", Quality.GOOD, "Good"),
    ]
    assert (first.initial, second.initial, one.heard) == (True, False, 2)


def test_a_text_where_a_number_was_configured_is_void_and_said_once():
    one = item(type="int")
    notice, first, second = read(raw("A-1", STRING), raw("A-2", STRING), items=[one])
    assert isinstance(notice, DriverNotice)
    assert [s.quality for s in (first, second)] == [Quality.BAD, Quality.BAD]


def test_an_overflow_bit_is_a_gap_before_the_value():
    one = item()
    one.last_at = 3
    gap, sample = read(raw(8, status=0x480), items=[one])
    assert isinstance(gap, DriverNotice)
    assert (gap.kind, gap.signal, gap.since, gap.read_at) == ("gap", "x", 3, 5)
    assert sample.overflow
    assert sample.quality is Quality.GOOD
    assert sample.status == "Good 0x00000480"


def test_a_type_that_changes_under_way_is_told_once():
    one = item(type="int")
    found = read(raw("a", STRING), raw("b", STRING), raw(5), items=[one])
    assert [getattr(reading, "kind", reading) for reading in found[:1]] == ["signal_error"]
    bad = found[1:3]
    assert all(reading.quality is Quality.BAD and reading.value is None for reading in bad)
    assert found[3].value == 5


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_no_value(value):
    (sample,) = read(raw(value, DOUBLE))
    assert (sample.quality, sample.value) == (Quality.BAD, None)


def test_the_initial_mark_stays_until_a_value_is_usable():
    one = item(fresh=True)
    first, second, third = read(raw(0, status=0x80320000), raw(1), raw(2), items=[one])
    assert [first.initial, second.initial, third.initial] == [True, True, False]


def test_values_of_a_server_that_does_not_run_are_void():
    (sample,) = read(raw(6), state=6)
    assert (sample.quality, sample.value) == (Quality.BAD, None)
    assert sample.status == "server state CommunicationFault"


def test_values_of_unknown_handles_are_left_out():
    assert read(raw(1, handle=99)) == []


def test_a_full_queue_without_a_mark_is_suspected_but_a_queue_of_one_is_not():
    items = {1: item(queue_size=3), 2: item("counter", 2, queue_size=1)}
    values_ = [raw(n) for n in range(3)] + [raw(1, handle=2)]
    notices = batches.full_queues(values_, items, read_at=5)
    assert [getattr(notice, "signal", "") for notice in notices] == ["x"]
    assert batches.full_queues(values_[1:], items, read_at=5) == []


def test_a_whole_number_may_stand_for_a_float_but_not_the_other_way():
    assert values.meaning(raw(3), "float").value == 3.0
    assert isinstance(values.meaning(raw(3), "float").value, float)
    assert values.meaning(raw(3.0, DOUBLE), "int").misfit


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_short_decimals_are_the_same_32_bit_number(value):
    short: Any = values.scalar(raw(value, FLOAT))
    assert values._F32.pack(short + 0.0) == values._F32.pack(value + 0.0)  # -0 and 0 are one
    assert len(repr(short)) <= len(repr(value))


@pytest.mark.parametrize(
    ("value", "kind", "fine"),
    [
        (255, 3, True),
        (256, 3, False),
        (True, 3, False),
        (1, 1, False),
        (False, 1, True),
        (1, FLOAT, True),
        (1e39, FLOAT, False),
        (1e39, DOUBLE, True),
        (10**400, DOUBLE, False),
        (math.nan, DOUBLE, False),
        ("7", INT, False),
        ("7", STRING, True),
        (7, STRING, False),
        (None, STRING, False),
        ("x", 22, False),
    ],
)
def test_what_may_be_written(value, kind, fine):
    assert (values.fits(value, kind) == "") is fine


def test_severities():
    assert values.quality_of(0x00EB0000) is Quality.GOOD
    assert values.quality_of(0x40950000) is Quality.UNCERTAIN
    assert values.quality_of(0x80000000) is Quality.BAD
    assert values.quality_of(0xC0000000) is Quality.BAD
    assert values.status_text(0x80310000) == "BadNoCommunication"


def test_an_unreadable_certificate_has_no_thumbprint():
    assert thumbprint_of(b"") == ""
    assert thumbprint_of(Path(__file__).read_bytes()) == ""
