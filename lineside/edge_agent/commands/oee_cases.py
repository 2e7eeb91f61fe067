"""The vector format `lineside-oee/1` of the OEE sheet, read strictly: cases, events, queries.

What the format marks as optional may be absent, unknown keys are ignored, and everything else that
is missing or of another kind is refused with the case and the key.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, TypeVar

from lineside.contracts.calendar import wall_time, zone_of
from lineside.contracts.clock import Microseconds, parse_rfc3339
from lineside.contracts.commands import Calendar, PlannedStop, ShiftRule
from lineside.contracts.errors import InvalidMessageError, LinesideError
from lineside.contracts.events import Event
from lineside.edge_agent.commands.oee_events import CaseTables, CounterSpec, event_of

DEFAULT_UNIT = "U1"
FORMAT = "the format lineside-oee/1"
T = TypeVar("T")


class CaseFileError(InvalidMessageError):
    """A file of cases that cannot be computed; the message names the case and the key."""

    code = "oee.case_file"


@dataclass(frozen=True, slots=True)
class Query:
    """One question of a case; which attributes count depends on `kind`."""

    id: str
    kind: str
    unit: str = DEFAULT_UNIT
    shift: str = ""
    day: date = date.min
    as_of: Microseconds = 0
    clip: tuple[Microseconds, Microseconds] | None = None
    of: tuple[str, ...] = ()
    order: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One case: a calendar, what happened, and what is asked."""

    id: str
    calendar: Calendar
    events: list[Event]
    queries: list[Query]


@dataclass(frozen=True, slots=True)
class CapabilityCase:
    """Samples and limits of one capability study."""

    id: str
    kind: str
    samples: list[list[Decimal]]
    usl: Decimal | None
    lsl: Decimal | None


class Fields:
    """One JSON object of a case, which knows where it stands."""

    def __init__(self, found: object, *, case: str, at: str = "") -> None:
        self.case, self.at = case, at
        if not isinstance(found, dict):
            self.refuse("", found, "an object")
        self.found: dict[str, Any] = found

    def refuse(self, key: str, found: object, expected: str) -> NoReturn:
        """Say what is wrong where."""
        place = ".".join(part for part in (self.at, key) if part) or "the whole case"
        shown = "missing" if found is None else f"{found!r}"[:80]
        raise CaseFileError(
            f"Case {self.case}: {place} is {shown}, expected {expected}.",
            hint=f"Correct it; the keys are those of {FORMAT}.",
        )

    def get(self, key: str, expected: str, read: Callable[[Any], T]) -> T:
        """A required value; `read` raises on what is no such value."""
        if key not in self.found:
            self.refuse(key, None, expected)
        try:
            return read(self.found[key])
        except CaseFileError:
            raise
        except (LinesideError, ValueError, TypeError, KeyError, InvalidOperation):
            self.refuse(key, self.found[key], expected)

    def optional(self, key: str, default: T, expected: str, read: Callable[[Any], T]) -> T:
        """A value that may be absent."""
        return self.get(key, expected, read) if self.found.get(key) is not None else default

    def text(self, key: str) -> str:
        """A required text that is not empty."""
        return self.get(key, "a text", _text)

    def time(self, key: str) -> Microseconds:
        """A required time stamp."""
        return self.get(key, "a time such as 2026-03-02T05:00:00Z", _time)

    def amount(self, key: str) -> Decimal:
        """A required number, or decimal text."""
        return self.get(key, "a number", _decimal)

    def whole(self, key: str, least: int = 0) -> int:
        """A required whole number."""
        return self.get(key, f"a whole number of at least {least}", lambda v: _whole(v, least))

    def one_of(self, key: str, choices: tuple[str, ...]) -> str:
        """A required word out of several."""
        return self.get(key, f"one of {', '.join(choices)}", lambda v: _choice(v, choices))

    def objects(self, key: str, *, required: bool = True) -> list[Fields]:
        """A list of objects."""
        if not required and self.found.get(key) is None:
            return []
        found = self.get(key, "a list", _list)
        return [
            Fields(each, case=self.case, at=f"{self._under(key)}[{index}]")
            for index, each in enumerate(found)
        ]

    def table(self, key: str) -> dict[str, Fields]:
        """An object of objects; empty where it is absent."""
        found = self.optional(key, {}, "an object", _dict)
        return {
            name: Fields(each, case=self.case, at=f"{self._under(key)}.{name}")
            for name, each in found.items()
        }

    def _under(self, key: str) -> str:
        return f"{self.at}.{key}" if self.at else key


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError
    return value


def _time(value: object) -> Microseconds:
    return parse_rfc3339(_text(value))


def _day(value: object) -> date:
    return date.fromisoformat(_text(value))


def _decimal(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        raise TypeError
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError
    return number


def _positive(value: object) -> Decimal:
    number = _decimal(value)
    if number < 0:
        raise ValueError
    return number


def _whole(value: object, least: int) -> int:
    number = _decimal(value)
    if number != number.to_integral_value() or number < least:
        raise ValueError
    return int(number)


def _choice(value: object, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise ValueError
    return str(value)


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value  # pyright: ignore[reportUnknownVariableType] - JSON


def _dict(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return value  # pyright: ignore[reportUnknownVariableType] - JSON


def _texts(value: object) -> tuple[str, ...]:
    return tuple(_text(each) for each in _list(value))


def _wall(value: object) -> str:
    wall_time(_text(value))
    return str(value)


def _zone(value: object) -> str:
    return zone_of(_text(value)).key


def read_cases(text: str) -> tuple[list[Case], list[CapabilityCase]]:
    """Cases and capability cases of a document, a list, or a single case.

    Raises:
        CaseFileError: Not JSON, or a case that is broken.
    """
    try:
        document: object = json.loads(text, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError) as problem:
        raise CaseFileError(
            f"The file is not JSON: {problem}.", hint=f"It must be in {FORMAT}."
        ) from problem
    found = _found(document)
    cases: list[Case] = []
    studies: list[CapabilityCase] = []
    for number, each in enumerate(found, start=1):
        fields = Fields(each, case=f"number {number}")
        fields.case = fields.text("id")
        if "samples" in fields.found:
            studies.append(_study(fields))
        else:
            cases.append(_case(fields))
    return cases, studies


def _found(document: object) -> list[Any]:
    """The cases of a document, of a list, or the only one; capability cases among or after them."""
    if isinstance(document, list):
        return _list(document)  # pyright: ignore[reportUnknownArgumentType] - JSON
    if not isinstance(document, dict):
        raise CaseFileError("The file holds no cases.", hint=f"It must be in {FORMAT}.")
    if "cases" not in document and "capability_cases" not in document:
        return [document]  # pyright: ignore[reportUnknownVariableType] - JSON
    whole = Fields(document, case="(document)")  # pyright: ignore[reportUnknownArgumentType]
    return [
        *whole.optional("cases", [], "a list", _list),
        *whole.optional("capability_cases", [], "a list", _list),
    ]


def _no_number(text: str) -> NoReturn:
    message = f"{text} is no number"
    raise ValueError(message)


def _case(case: Fields) -> Case:
    tables = CaseTables(
        ideal_cycles={
            name: product.get("ideal_cycle_s", "a decimal number from 0", _positive)
            for name, product in case.table("products").items()
        },
        counters={
            name: CounterSpec(
                role=counter.one_of("role", ("produced", "scrap", "rework")),
                modulus=1 << counter.whole("bits", 1),
                max_per_min=counter.get("max_per_min", "a decimal number from 0", _positive),
            )
            for name, counter in case.table("counters").items()
        },
    )
    calendar = _calendar(case)
    events = [event_of(each, tables) for each in case.objects("events")]
    queries = [_query(each) for each in case.objects("queries")]
    _check(case, queries, {rule.id for rule in calendar.shifts})
    return Case(case.found["id"], calendar, events, queries)


def _calendar(case: Fields) -> Calendar:
    config = Fields(case.found.get("config") or {}, case=case.case, at="config")
    return Calendar(
        time_zone=case.get("time_zone", "an IANA time zone", _zone),
        micro_stop_threshold_s=config.optional(
            "micro_stop_threshold_s", Decimal(120), "a number from 0", _positive
        ),
        micro_stop_policy=config.optional(
            "micro_stop_policy",
            "availability",
            "availability or performance",
            lambda value: _choice(value, ("availability", "performance")),
        ),
        shifts=tuple(
            ShiftRule(
                id=name,
                local_start=shift.get("local_start", "HH:MM", _wall),
                local_end=shift.get("local_end", "HH:MM", _wall),
                breaks=tuple(
                    (pause.get("local_start", "HH:MM", _wall), pause.whole("duration_min"))
                    for pause in shift.objects("breaks", required=False)
                ),
            )
            for name, shift in case.table("shifts").items()
        ),
        planned_stops=tuple(
            PlannedStop(
                start=stop.time("start"),
                end=stop.time("end"),
                reason=stop.optional("reason", "", "a text", str),
                station=stop.optional("unit", DEFAULT_UNIT, "a text", _text),
            )
            for stop in case.objects("planned_downtime", required=False)
        ),
    )


def _query(query: Fields) -> Query:
    name = query.text("id")
    kind = query.one_of("type", ("window", "aggregate", "order"))
    if kind == "aggregate":
        return Query(name, kind, of=query.get("of", "a list of query ids", _texts))
    if kind == "order":
        return Query(
            name,
            kind,
            order=query.text("order"),
            of=query.get("windows", "a list of query ids", _texts),
            as_of=query.time("as_of"),
        )
    clip = None
    if query.found.get("clip") is not None:
        bounds = Fields(query.found["clip"], case=query.case, at=f"{query.at}.clip")
        clip = (bounds.time("start"), bounds.time("end"))
    return Query(
        name,
        kind,
        unit=query.optional("unit", DEFAULT_UNIT, "a text", _text),
        shift=query.text("shift"),
        day=query.get("date", "a date such as 2026-03-02", _day),
        as_of=query.time("as_of"),
        clip=clip,
    )


def _check(case: Fields, queries: list[Query], shifts: set[str]) -> None:
    """Names that one part of a case gives to another."""
    windows = {query.id for query in queries if query.kind == "window"}
    for index, query in enumerate(queries):
        place = f"queries[{index}]"
        if query.kind == "window" and query.shift not in shifts:
            case.refuse(f"{place}.shift", query.shift, f"one of {', '.join(sorted(shifts))}")
        for name in query.of:
            if name not in windows:
                key = "of" if query.kind == "aggregate" else "windows"
                case.refuse(f"{place}.{key}", name, "ids of window queries of the case")


def _study(case: Fields) -> CapabilityCase:
    kind = case.one_of("kind", ("machine", "process"))
    samples = case.get(
        "samples",
        "a list of lists of numbers",
        lambda groups: [[_decimal(value) for value in _list(group)] for group in _list(groups)],
    )
    if not samples or not all(samples):
        case.refuse("samples", case.found["samples"], "at least one number in each list")
    if kind == "machine" and len(samples) != 1:
        case.refuse("samples", case.found["samples"], "one list for a machine")
    if len({len(group) for group in samples}) != 1:
        case.refuse("samples", case.found["samples"], "lists of equal length")
    return CapabilityCase(
        case.found["id"],
        kind,
        samples,
        usl=case.optional("usl", None, "a number or null", _decimal),
        lsl=case.optional("lsl", None, "a number or null", _decimal),
    )
