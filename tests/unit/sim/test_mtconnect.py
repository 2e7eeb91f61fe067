import gzip
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lineside.contracts.clock import from_datetime
from lineside.sim.mtconnect import (
    Observation,
    Stream,
    read_stream,
    seconds_by_value,
    tool_sequence,
)
from lineside.sim.mtconnect_figures import compare, counter

SHARED = Path(
    os.environ.get("LINESIDE_SHARED", Path(__file__).resolve().parents[3].parent / "shared")
)
TESTBED = SHARED / "data" / "nist-sms-testbed"


def write(path, text):
    path.write_bytes(gzip.compress(text.encode()))
    return path


def test_lines_that_were_cut_short_are_counted_not_guessed(tmp_path):
    text = (
        "2017-02-01T15:10:39.7187500Z|Program_Status|ACTIVE\n"
        "2017-02-01T15:10:39.9000000Z|Block_Number|\n"
        "2017\n"
        "2017-02-01T15:10:40Z|Tool_suffix|\n"
        "2017-02-01T15:10:41Z|system_cond|Warning|406|||MEMORY PROTECT\n"
    )
    stream = read_stream(write(tmp_path / "a.txt.gz", text))
    assert [number for number, _ in stream.malformed] == [2, 3]
    assert [one.value for one in stream.observations] == [
        "ACTIVE",
        "",
        "Warning|406|||MEMORY PROTECT",
    ]
    assert stream.name == "a.txt"


def test_a_value_holds_until_the_next_one():
    seen = [
        Observation(at=at, item="p", value=value)
        for at, value in ((2_000_000, "A"), (5_000_000, "B"))
    ]
    assert seconds_by_value(seen, "p", start=0, end=9_000_000) == {
        "A": 3.0,
        "B": 4.0,
        "UNKNOWN": 2.0,
    }


def test_tools_are_told_once_and_zero_is_none():
    assert tool_sequence(["7.000000", "7", "0", "7", "15"]) == [7, 15]


@pytest.mark.skipif(not TESTBED.exists(), reason="no recorded streams beside the project")
def test_recorded_streams_give_the_published_seconds():
    expected = json.loads((TESTBED / "expected.json").read_text())["operations"]
    for name, figures in list(expected.items())[::9]:
        stream = read_stream(TESTBED / "streams" / f"{name}.gz")
        assert len(stream.malformed) == figures["malformed_lines"]
        first, last = stream.observations[0].at, stream.observations[-1].at
        found = seconds_by_value(stream.observations, "Program_Status", start=first, end=last)
        for status, seconds in figures["seconds_by_program_status"].items():
            assert abs(found.get(status, 0) - seconds) <= 0.001 + 1e-9


def test_a_second_counter_is_compared_value_by_value():
    at = from_datetime(datetime(2016, 11, 7, tzinfo=UTC))
    values = [(0, "UNAVAILABLE"), (10, "100"), (11, "101"), (13, "UNAVAILABLE"), (20, "101")]
    day = Stream(
        name="Mazak.txt",
        observations=tuple(
            Observation(at=at + second * 1_000_000, item=item, value=value)
            for second, item, value in sorted(
                [*((second, "cut_time", value) for second, value in values), (30, "x", "")]
            )
        ),
        lines=6,
        malformed=(),
    )
    booked = {"UNAVAILABLE": 17.0, "100": 1.0, "101": 12.0}
    found = counter(day, "cut_time", booked)
    assert found == {"first": 100, "last": 101, "increase": 1, "values_differ": 0}
    assert counter(day, "cut_time", booked | {"100": 2.0})["values_differ"] == 1
    assert counter(day, "cut_time", {"UNAVAILABLE": 30.0}) == {"values_differ": 3}

    def differences(**counters):
        expected = {"operations": {}, "machine_days": {"d": {"counters_s": {"cut_time": found}}}}
        shown = {"operations": {}, "machine_days": {"d": {"counters_s": counters}}}
        return compare(expected, shown)

    assert differences(cut_time=found) == []
    assert len(differences(cut_time=found | {"increase": 2})) == 1
    assert len(differences(cut_time=found | {"values_differ": 4})) == 1
    assert len(differences()) == 3
