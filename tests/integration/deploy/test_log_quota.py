"""A fault that repeats itself fills no disk with words and no day with restarts."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

UNIT = Path(__file__).resolve().parents[3] / "deploy" / "edge" / "lineside-edge.service"


def settings(section: str) -> dict[str, str]:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # pyright: ignore[reportAttributeAccessIssue]
    unit.read_string(UNIT.read_text(encoding="utf-8"))
    return dict(unit[section])


@pytest.mark.fault("F-15")
def test_the_edge_may_log_a_bounded_number_of_lines_and_start_a_bounded_number_of_times():
    """At 300 bytes a line the log of a day stays below a gigabyte whatever happens."""
    service, start = settings("Service"), settings("Unit")
    interval_s = int(service["LogRateLimitIntervalSec"].removesuffix("s"))
    lines_a_day = int(service["LogRateLimitBurst"]) * 86_400 // interval_s
    assert lines_a_day * 300 < 1_000_000_000
    assert (start["StartLimitBurst"], start["StartLimitIntervalSec"]) == ("10", "300")
    assert int(service["WatchdogSec"]) <= 60
