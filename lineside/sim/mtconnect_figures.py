"""What central says of the played recordings, in the shape of their `expected.json`."""

from __future__ import annotations

from typing import Any, cast

from lineside.contracts.clock import US_PER_SECOND, Microseconds, format_rfc3339
from lineside.sim.central_client import Central
from lineside.sim.mtconnect import UNAVAILABLE, Stream, seconds_by_value
from lineside.sim.mtconnect_files import SECOND_COUNTERS
from lineside.sim.replay_mtconnect import Piece

Json = dict[str, Any]
DAY_US = 86_400 * US_PER_SECOND
TOLERANCE_S = 0.001 + 1e-9


def day_start(day: Stream) -> Microseconds:
    """00:00 UTC of the day that the file ends on."""
    last = day.observations[-1].at
    return last - last % DAY_US


def operation(central: Central, piece: Piece) -> Json:
    """One operation of a unit's history."""
    answer = central.get("/api/v1/trace/units", serial=piece.serial, item=piece.part)
    operations: list[Json] = answer["history"]["made_from"]["nodes"][0]["operations"]
    found = [one for one in operations if one["operation"] == piece.operation]
    if len(found) != 1 or found[0]["signals"] is None:
        return {"attempts": len(found)}
    signals: Json = found[0]["signals"]
    seconds = {name: float(value) for name, value in signals["seconds_by_status"].items()}
    return {
        "malformed_lines": len(piece.stream.malformed),
        "observations": len(piece.stream.observations),
        "seconds_by_program_status": seconds,
        "tool_sequence": [int(tool) for tool in signals["tools"]],
        "programs": signals["programs"],
    }


def machine_day(central: Central, day: Stream, station: str) -> Json:
    """One day of a machine."""
    start, end = day_start(day), day.observations[-1].at
    span = {"from": format_rfc3339(start), "to": format_rfc3339(end)}
    answer = central.get("/api/v1/mes/machine-days", station=station, **span)
    seconds: Json = answer["seconds"]
    out: Json = {
        f"seconds_by_{role}": {name: float(value) for name, value in seconds[role].items()}
        for role in ("execution", "mode", "estop")
    }
    out["programs"] = answer["programs"]
    out["counters_s"] = {
        item: counter(day, item, {name: float(value) for name, value in seconds[item].items()})
        for item in SECOND_COUNTERS
        if item in seconds
    }
    out["fault_warning_events"] = {
        _titled(name.rpartition(".")[2]): count for name, count in answer["alarms_by"].items()
    }
    return out


def counter(day: Stream, item: str, seconds: dict[str, float]) -> Json:
    """A second counter of a machine, read back: what it showed first and last, and its increase.

    Args:
        day: The recording.
        item: Which counter.
        seconds: What central answers: value to how long the counter showed it.

    Returns:
        Also how many of its values central holds shorter or longer than they were recorded:
        `values_differ` has to be 0, so that not one value in between is lost or doubled.
    """
    faces = [float(value) for value in seconds if value not in {UNAVAILABLE, "UNKNOWN"}]
    start, end = day_start(day), day.observations[-1].at
    recorded = seconds_by_value(day.observations, item, start=start, end=end)
    differ = sum(
        abs(seconds.get(value, 0.0) - recorded.get(value, 0.0)) > TOLERANCE_S
        for value in {*seconds, *recorded}
    )
    if not faces:
        return {"values_differ": differ}
    return {
        "first": min(faces),
        "last": max(faces),
        "increase": max(faces) - min(faces),
        "values_differ": differ,
    }


def _titled(name: str) -> str:
    condition, _, severity = name.partition("|")
    return f"{condition}|{severity.title()}"


def compare(expected: Json, found: Json) -> list[str]:
    """Every figure that differs; seconds within a millisecond."""
    lines: list[str] = []
    for group in ("operations", "machine_days"):
        for name, figures in found[group].items():
            wanted: Json = expected[group][name]
            for key, value in figures.items():
                if key == "counters_s":
                    lines += _counters(name, wanted.get(key, {}), value)
                elif not _same(wanted.get(key), value):
                    lines.append(f"{name}: {key} is {value}, expected {wanted.get(key)}")
    return lines


def _counters(day: str, wanted: Json, found: Json) -> list[str]:
    """Second counters, where somebody says what is expected of them."""
    lines: list[str] = []
    for item, expected in wanted.items():
        shown: Json = found.get(item, {})
        lines += [
            f"{day}: {item} {key} is {shown.get(key)}, expected {expected[key]}"
            for key in ("first", "last", "increase")
            if not _same(expected[key], shown.get(key))
        ]
        if shown.get("values_differ"):
            lines.append(
                f"{day}: {shown['values_differ']} values of {item} are not as long as recorded"
            )
    return lines


def _same(wanted: object, found: object) -> bool:
    if isinstance(wanted, dict) and isinstance(found, dict):
        one, other = cast("Json", wanted), cast("Json", found)
        return all(_same(one.get(key, 0), other.get(key, 0)) for key in {*one, *other})
    if isinstance(wanted, int | float) and isinstance(found, int | float):
        return abs(wanted - found) <= TOLERANCE_S
    return wanted == found
