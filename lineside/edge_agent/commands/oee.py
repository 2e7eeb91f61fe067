"""`lineside-edge oee`: the KPIs of cases in the vector format, through journal and projection.

There is no evaluator of its own here: each case's events are appended to a temporary journal, the
live projection follows it, and is asked.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from lineside.contracts.clock import ManualClock, Microseconds
from lineside.contracts.errors import LinesideError
from lineside.contracts.events import Event
from lineside.contracts.kpi import (
    Job,
    Window,
    WindowResult,
    aggregate,
    machine_capability,
    process_capability,
)
from lineside.edge_agent.commands.oee_cases import (
    CapabilityCase,
    Case,
    CaseFileError,
    read_cases,
)
from lineside.edge_agent.journal.medium import Medium
from lineside.edge_agent.journal.store import Journal
from lineside.edge_agent.projections.oee import OeeProjection

FILE_BYTES_MAX = 256 * 1024 * 1024
READ_EVENTS = 1000

_EXAMPLE = """example:
  lineside-edge oee shift.json --json
  lineside-edge oee - --json < shift.json

FILE holds a document with "cases", a list of cases, or one case; - means standard input."""


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage]
) -> None:
    """Add the command `oee` to the program's commands."""
    parser = subparsers.add_parser(
        "oee",
        help="compute OEE and its relatives from a file of machine events",
        description="Compute the KPIs of cases in the vector format of the OEE sheet.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", help="cases as JSON, or - for standard input")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compute a file and print the results.

    Returns:
        0; 1 when the file cannot be read or computed.
    """
    try:
        results = evaluate(_read(args.file))
    except LinesideError as problem:
        print(f"lineside-edge oee: {problem}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(results, indent=2, ensure_ascii=False))
    else:
        for result in results:
            print("\n".join(_described(result)))
    return 0


def _read(name: str) -> str:
    try:
        with sys.stdin.buffer if name == "-" else Path(name).open("rb") as source:
            data = source.read(FILE_BYTES_MAX + 1)
    except OSError as problem:
        raise CaseFileError(
            f"{name} cannot be read: {problem.strerror or problem}.", hint="Check the file's name."
        ) from problem
    if len(data) > FILE_BYTES_MAX:
        raise CaseFileError(f"{name} is larger than {FILE_BYTES_MAX:,} bytes.", hint="Split it.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise CaseFileError(f"{name} is not UTF-8: {problem}.", hint="Save it as UTF-8.") from (
            problem
        )


def evaluate(text: str) -> list[dict[str, Any]]:
    """The results of a file: `{"id", "results"}` in the order of the cases, capability cases last.

    Raises:
        CaseFileError: The file is broken; the message names case and key.
    """
    cases, studies = read_cases(text)
    with tempfile.TemporaryDirectory(prefix="lineside-oee-") as folder:
        results = [
            {"id": case.id, "results": _case_results(case, Path(folder) / f"{number}.db")}
            for number, case in enumerate(cases)
        ]
    return results + [{"id": study.id, "results": _capability(study)} for study in studies]


def _case_results(case: Case, path: Path) -> dict[str, Any]:
    projection = OeeProjection(calendar=case.calendar, keep_us=None)
    with Journal.open(
        path, clock=ManualClock(), ballast_bytes=0, examine=lambda _: Medium()
    ) as journal:
        _append(journal, case.events)
        _follow(journal, projection)
    windows: dict[str, tuple[Window, Microseconds, WindowResult]] = {}
    for query in case.queries:
        if query.kind == "window":
            window = projection.shift_window(query.unit, query.shift, query.day, clip=query.clip)
            result = projection.result(window, as_of=query.as_of)
            windows[query.id] = (window, query.as_of, result)
    results: dict[str, Any] = {}
    for query in case.queries:
        if query.kind == "window":
            results[query.id] = windows[query.id][2].to_json()
        elif query.kind == "aggregate":
            results[query.id] = aggregate([windows[name][2] for name in query.of]).pooled_json()
        else:
            asked = [windows[name][:2] for name in query.of]
            order = projection.order(Job(query.order), asked, as_of=query.as_of)
            results[query.id] = order.to_json()
    return results


def _append(journal: Journal, events: list[Event]) -> None:
    """In order of arrival; the journal takes each act once (R3)."""
    plain: list[Event] = []
    answers: list[Any] = []
    for event in events:
        if event.act is None:
            plain.append(event)
            continue
        if plain:
            answers.append(journal.append(plain, wait=False))
            plain = []
        answers.append(journal.append([event], wait=False))
    answers.append(journal.append(plain, wait=True))
    for answer in answers:
        answer.result()


def _follow(journal: Journal, projection: OeeProjection) -> None:
    """Everything in the journal, by cursor."""
    cursor = 0
    while stored := journal.read(cursor, READ_EVENTS):
        for each in stored:
            projection.apply(each)
        cursor = stored[-1].seq


def _capability(study: CapabilityCase) -> dict[str, float | None]:
    if study.kind == "machine":
        return machine_capability(study.samples[0], usl=study.usl, lsl=study.lsl).to_json()
    return process_capability(study.samples, usl=study.usl, lsl=study.lsl).to_json()


def _described(result: dict[str, Any]) -> list[str]:
    """One case as lines for a person: ratios in percent, null as a dash."""
    lines = [str(result["id"])]
    answers: dict[str, Any] = result["results"]
    for name, answer in answers.items():
        if isinstance(answer, float) or answer is None:
            lines.append(f"  {name}: {'-' if answer is None else answer}")
            continue
        kpis: dict[str, Any] = answer["kpis"]
        shown = "  ".join(f"{key} {_shown(key, kpi)}" for key, kpi in kpis.items())
        lines.append(f"  {name}: {shown}")
    return lines


def _shown(key: str, kpi: dict[str, Any] | None) -> str:
    if kpi is None:
        return "-"
    if key.endswith(("_s", "_per_h")):
        return f"{kpi['value']:g}"
    return f"{100 * kpi['value']:.1f} %"
