"""Recorded streams of machine controllers in the form of an MTConnect adapter.

A line is `timestamp|data item|value`, a condition `timestamp|data item|level|native code|||text`;
times are
UTC. Figures computed here serve the comparison only; edge and central compute theirs from what
arrived.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lineside.contracts.clock import Microseconds, from_datetime

_STAMP = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?Z")
_PARTS_MIN = 3
UNAVAILABLE = "UNAVAILABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One value of one data item.

    Attributes:
        at: Microseconds UTC; finer digits are rounded.
        value: Text as recorded; a condition keeps its further fields, joined by `|`.
    """

    at: Microseconds
    item: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One file.

    Attributes:
        observations: Sorted by time, ties in file order.
        lines: Lines in the file.
        malformed: (line number, text) of lines that could not be read: cut short in the source.
    """

    name: str
    observations: tuple[Observation, ...]
    lines: int
    malformed: tuple[tuple[int, str], ...]


def read_stream(path: Path) -> Stream:
    """A stream file, plain or gzipped; lines that are cut short are counted, never guessed."""
    if path.suffix == ".gz":
        text = gzip.decompress(path.read_bytes()).decode("utf-8", errors="replace")
    else:
        text = path.read_text(encoding="utf-8", errors="replace")
    lines = text.splitlines()
    found: list[Observation] = []
    malformed: list[tuple[int, str]] = []
    for number, line in enumerate(lines, start=1):
        following = lines[number] if number < len(lines) else "|"
        observation = _observation(line, following)
        if observation is None:
            malformed.append((number, line))
        else:
            found.append(observation)
    found.sort(key=lambda one: one.at)
    return Stream(
        name=path.name.removesuffix(".gz"),
        observations=tuple(found),
        lines=len(lines),
        malformed=tuple(malformed),
    )


def _observation(line: str, following: str) -> Observation | None:
    """The observation of a line; None when it is cut short.

    A value may be empty, unless the next line is a fragment without fields: then the line was cut
    in two.
    """
    parts = line.split("|", 2)
    stamp = _STAMP.fullmatch(parts[0])
    if len(parts) < _PARTS_MIN or stamp is None or not parts[1]:
        return None
    if not parts[2] and "|" not in following:
        return None
    whole = from_datetime(datetime.fromisoformat(stamp[1]).replace(tzinfo=UTC))
    nanoseconds = int((stamp[2] or "").ljust(9, "0"))
    return Observation(at=whole + round(nanoseconds / 1000), item=parts[1], value=parts[2])


def seconds_by_value(
    observations: Iterable[Observation],
    item: str,
    *,
    start: Microseconds,
    end: Microseconds,
    before: str = "UNKNOWN",
) -> dict[str, float]:
    """Seconds that each value of an item held between two instants, to the millisecond.

    Args:
        observations: Sorted by time.
        item: Which.
        start: Microseconds UTC.
        end: Microseconds UTC.
        before: Value before the first observation, if none was made before `start`.
    """
    sums: dict[str, Microseconds] = {}
    value, since = before, start
    for one in observations:
        if one.item != item or one.at >= end:
            continue
        if one.at > start:
            sums[value] = sums.get(value, 0) + one.at - since
            since = one.at
        value = one.value
    sums[value] = sums.get(value, 0) + end - since
    return {name: round(total / 1e6, 3) for name, total in sorted(sums.items()) if total}


def tool_sequence(values: Sequence[str]) -> list[int]:
    """Tool numbers in order; zeros dropped, then repeats next to each other merged."""
    out: list[int] = []
    for value in values:
        tool = int(float(value))
        if tool and (not out or out[-1] != tool):
            out.append(tool)
    return out
