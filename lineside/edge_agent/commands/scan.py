r"""`lineside-edge scan`: read raw scans from standard input and say what they are."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import date
from typing import BinaryIO

from lineside.contracts.clock import SystemClock, to_datetime
from lineside.contracts.scancode import (
    GS,
    BadEscapeError,
    DigitalLink,
    Element,
    ElementString,
    Failure,
    Gtin,
    ScanResult,
    escape,
    explain_failure,
    parse,
    to_json,
    unescape,
)

LINE_LONGEST = 65_536
"""Bytes of one input line; more is no scan."""

_EXAMPLE = r"""example:
  printf '%s\n' ']C1010950600013435210LOT-42\x1d1727033121SN0001' | lineside-edge scan --json

Each input line is one scan; control characters and backslash are written as \xNN (backslash: \x5c).
Each output line is one result, in the order of the input."""


class _LineTooLongError(BadEscapeError):
    """An input line that cannot be one scan."""


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage]
) -> None:
    """Add the command `scan` to the program's commands."""
    parser = subparsers.add_parser(
        "scan",
        help="read raw scans from standard input and say what they are",
        description="Read raw scans from standard input, one a line, by the rules of GS1.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON line for each scan")
    parser.add_argument(
        "--reference-date",
        type=_reference_date,
        metavar="YYYY-MM-DD",
        help="decides the century of two-digit years (default: today, UTC)",
    )
    parser.add_argument(
        "--separators",
        type=_separators,
        default=frozenset(GS),
        metavar="CHARACTERS",
        help=r"characters that end a field, e.g. '\x1d|' (default: \x1d)",
    )
    parser.add_argument(
        "--allow-hri",
        action="store_true",
        help="also read bracketed text such as (01)09506000134352, as a person types it",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Answer scan by scan until the input ends.

    Returns:
        0, or 2 when a line was not in the form of the command; the other lines are answered.
    """
    reference: date = args.reference_date or to_datetime(SystemClock().now()).date()
    status = 0
    for number, line in enumerate(_lines(sys.stdin.buffer), start=1):
        try:
            scan = _scan(line)
        except BadEscapeError as problem:
            print(f"lineside-edge scan: line {number}: {problem}", file=sys.stderr, flush=True)
            status = 2
            continue
        result = parse(
            scan,
            separators=args.separators,
            reference_date=reference,
            allow_hri=args.allow_hri,
        )
        shown = json.dumps(to_json(result)) if args.json else describe(result)
        print(shown, flush=True)
    return status


def describe(result: ScanResult) -> str:
    """The result as one line for a person, nothing in it unprintable."""
    head = f"{result.symbology or '-'}  "
    if isinstance(result, Failure):
        explanation = explain_failure(result)
        at = "" if result.pos is None else f" at character {result.pos + 1}"
        return f"{head}refused {result.code}{at}: {explanation.what.en} {explanation.action.en}"
    if isinstance(result, Gtin):
        add_on = f", add-on {result.add_on}" if result.add_on else ""
        return f"{head}{result.format} {result.gtin14}{add_on}"
    if isinstance(result, ElementString | DigitalLink):
        fields = "  ".join(_field(element) for element in result.elements)
        missing = "".join(
            f"  [{violation.ai} {violation.rule} {violation.pattern}]"
            for violation in result.violations
        )
        at = f"link at {result.domain}: " if isinstance(result, DigitalLink) else ""
        return f"{head}{at}{fields}{missing}"
    return f"{head}not GS1: {escape(result.data.encode('latin-1'))}"


def _field(element: Element) -> str:
    day = element.date.isoformat() if element.date is not None else element.datetime
    if not day and element.decimal is not None:
        day = f"{element.decimal:f}"
    return f"({element.ai}) {element.value}" + (f" = {day}" if day else "")


def _lines(source: BinaryIO) -> Iterator[bytes | None]:
    """Input lines without their ends, None for one that is too long.

    Cut at LF only, because scans hold characters that count as line breaks in text.
    """
    while line := source.readline(LINE_LONGEST + 1):
        if line.endswith(b"\n") or len(line) <= LINE_LONGEST:
            yield line.removesuffix(b"\n").removesuffix(b"\r")
            continue
        while line and not line.endswith(b"\n"):
            line = source.readline(LINE_LONGEST)
        yield None


def _scan(line: bytes | None) -> str:
    if line is None:
        raise _LineTooLongError(
            f"The line has more than {LINE_LONGEST} bytes.", hint="Give one scan a line."
        )
    return unescape(line.decode("latin-1")).decode("latin-1")


def _reference_date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as problem:
        message = f"{text!r} is not a date such as 2026-11-23"
        raise argparse.ArgumentTypeError(message) from problem


def _separators(text: str) -> frozenset[str]:
    try:
        found = frozenset(unescape(text).decode("latin-1"))
    except BadEscapeError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from problem
    if not found:
        message = "name at least one character"
        raise argparse.ArgumentTypeError(message)
    return found
