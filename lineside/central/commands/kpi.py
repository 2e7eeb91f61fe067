"""`lineside-central kpi verify`: figures recomputed from raw events, by other code."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field

from sqlalchemy import select

from lineside.central.commands.database import add_config_argument, opened
from lineside.central.errors import InvalidInputError
from lineside.central.kit.unit_of_work import UnitOfWork
from lineside.central.mes.figures.answers import kpi_row
from lineside.central.mes.figures.kpi import KpiQuestion, groups
from lineside.central.mes.figures.verify import differences, raw_events, verify
from lineside.central.mes.master_data.entities import Station
from lineside.central.mes.master_data.service import current_calendar
from lineside.contracts.calendar import shifts_overlapping
from lineside.contracts.clock import US_PER_SECOND, Microseconds, parse_rfc3339

WEEK_US = 7 * 24 * 3600 * US_PER_SECOND


@dataclass(slots=True)
class Outcome:
    """What a verification found."""

    compared: int = 0
    different: list[str] = field(default_factory=list[str])
    left_out: dict[str, str] = field(default_factory=dict[str, str])


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage]
) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "kpi",
        help="recompute figures from raw events and compare",
        description="Computes the KPI elements of every station and shift again, from raw "
        "events and by other code, and compares them with what central answers.",
        epilog="example: lineside-central kpi verify --from 2026-11-23T00:00:00Z",
    )
    acts = parser.add_subparsers(dest="act", required=True)
    check = acts.add_parser("verify", help="compare; exit status 1 when something differs")
    check.add_argument("--from", dest="start", help="RFC 3339; default: a week ago")
    check.add_argument("--to", dest="end", help="RFC 3339; default: now")
    check.add_argument("--json", action="store_true", help="print JSON")
    add_config_argument(check)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Verify and report."""
    with opened(args.config) as database, database.act() as work:
        end = _moment(args.end, work.now())
        outcome = compare(work, start=_moment(args.start, end - WEEK_US), end=end)
    if args.json:
        found = {
            "compared": outcome.compared,
            "different": outcome.different,
            "left_out": outcome.left_out,
        }
        sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
    else:
        for line in outcome.different:
            sys.stdout.write(line + "\n")
        for station, why in outcome.left_out.items():
            sys.stdout.write(f"{station}: not compared, {why}\n")
        sys.stdout.write(
            f"{outcome.compared} station shifts compared, {len(outcome.different)} differences.\n"
        )
    return 1 if outcome.different else 0


def _moment(text: str | None, default: Microseconds) -> Microseconds:
    if text is None:
        return default
    try:
        return parse_rfc3339(text)
    except ValueError as problem:
        raise InvalidInputError(
            f"{text!r} is no time.", hint="Write it as 2026-11-24T08:00:00Z."
        ) from problem


def compare(work: UnitOfWork, *, start: Microseconds, end: Microseconds) -> Outcome:
    """Compare every station and shift in `[start, end)`.

    Raises:
        InvalidInputError: There is no calendar, so there are no shifts to compare.
    """
    calendar = current_calendar(work)
    if calendar is None:
        raise InvalidInputError("There is no calendar yet.", hint="Enter the shifts first.")
    outcome = Outcome()
    frame = raw_events(work.connection, end)
    for station in work.session.scalars(select(Station.id).order_by(Station.id)):
        for shift in shifts_overlapping(calendar, start, end):
            low, high = max(start, shift.start_us), min(end, shift.end_us)
            again = verify(frame, calendar, station, shift, low, high)
            if again.unknown_to_us:
                outcome.left_out[station] = again.unknown_to_us
                break
            question = KpiQuestion(
                start=low, end=high, by=("machine", "shift", "day"), station=station
            )
            key = f"{station} / {shift.id} / {shift.date.isoformat()}"
            for group in groups(work.connection, calendar, question):
                row = kpi_row(group)
                if row.key != key:
                    continue  # another shift that overlaps this one
                told = {name: value or 0.0 for name, value in row.elements.items()}
                outcome.compared += 1
                outcome.different += [
                    f"{key}: {line}" for line in differences(again.elements, told)
                ]
    return outcome
