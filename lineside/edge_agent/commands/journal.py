"""`lineside-edge journal`: look at a journal, verify its chain, write it out."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

from lineside.contracts.clock import format_rfc3339, sleep_blocking
from lineside.contracts.errors import LinesideError
from lineside.edge_agent.journal.reading import JournalReader
from lineside.edge_agent.journal.receipt import receipt
from lineside.edge_agent.journal.records import StoredEvent

READ_EVENTS = 1_000
FOLLOW_EVERY_S = 0.5

_EXAMPLE = """examples:
  lineside-edge journal tail --lines 20 --follow
  lineside-edge journal verify data/journal.db --json
  lineside-edge journal export data/journal.db --output facts.jsonl
  lineside-edge journal receipt

All four only read; the agent may run meanwhile."""


def add_parser(
    subparsers: argparse._SubParsersAction[argparse.ArgumentParser],  # pyright: ignore[reportPrivateUsage]
) -> None:
    """Add the command `journal` to the program's commands."""
    parser = subparsers.add_parser(
        "journal",
        help="look at the journal, verify its chain, write it out",
        description="Look at a journal. The agent may run meanwhile.",
        epilog=_EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    acts = parser.add_subparsers(dest="journal_act", required=True, metavar="ACT")
    tail = acts.add_parser(
        "tail",
        help="print the last events",
        epilog="example: lineside-edge journal tail --lines 20 --follow",
    )
    tail.add_argument("--lines", type=_count, default=10, metavar="N", help="how many (default 10)")
    tail.add_argument("--follow", action="store_true", help="go on with what is appended")
    verify = acts.add_parser(
        "verify",
        help="recompute the hash chain of all facts",
        epilog="example: lineside-edge journal verify data/journal.db --json",
    )
    export = acts.add_parser(
        "export",
        help="write all events as JSON lines",
        epilog="example: lineside-edge journal export --output facts.jsonl",
    )
    delivery = acts.add_parser(
        "receipt",
        help="say how far central has what was recorded",
        epilog="example: lineside-edge journal receipt data/journal.db",
    )
    export.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")
    export.add_argument("--after", type=int, default=0, metavar="SEQ", help="begin after SEQ")
    for act in (tail, verify, export, delivery):
        act.add_argument(
            "file",
            nargs="?",
            type=Path,
            default=Path("data/journal.db"),
            help="the journal's file (default data/journal.db)",
        )
        act.add_argument("--json", action="store_true", help="print JSON")
    for act in (tail, export):
        act.add_argument("--lane", choices=("facts", "telemetry"), default="facts")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Do what was asked.

    Returns:
        0; 1 when the chain is broken.

    Raises:
        JournalError: There is no such journal.
    """
    reader = JournalReader(args.file)
    try:
        if args.journal_act == "verify":
            return _verify(reader, as_json=args.json)
        if args.journal_act == "export":
            return _export(reader, args)
        if args.journal_act == "receipt":
            return _receipt(reader, as_json=args.json)
        return _tail(reader, args)
    except KeyboardInterrupt:
        return 0
    finally:
        reader.close()


def _tail(reader: JournalReader, args: argparse.Namespace) -> int:
    after = max(0, reader.head(args.lane) - args.lines)
    while True:
        for stored in _all(reader, after, args.lane):
            line = json.dumps(_document(reader, stored)) if args.json else _line(stored)
            print(line, flush=args.follow)
            after = stored.seq
        if not args.follow:
            return 0
        sleep_blocking(FOLLOW_EVERY_S)


def _verify(reader: JournalReader, *, as_json: bool) -> int:
    problems = [{"seq": seq, "problem": why} for seq, why in reader.verify()]
    answer = {
        "journal": str(reader.path),
        "epochs": [{"id": epoch.id, "base": epoch.base} for epoch in reader.epochs()],
        "oldest": reader.oldest(),
        "head": reader.head(),
        "head_hash": reader.hash_at(reader.head()).hex(),
        "ok": not problems,
        "problems": problems,
    }
    if as_json:
        print(json.dumps(answer))
    else:
        for problem in problems:
            print(f"event {problem['seq']}: {problem['problem']}", file=sys.stderr)
        if not problems:
            print(f"Facts {answer['oldest']} to {answer['head']} are as they were committed.")
    return 1 if problems else 0


def _receipt(reader: JournalReader, *, as_json: bool) -> int:
    found = receipt(reader)
    if as_json:
        print(json.dumps({**asdict(found), "text": asdict(found.sentence)}))
    else:
        print(found.sentence.en)
    return 0


def _export(reader: JournalReader, args: argparse.Namespace) -> int:
    def write(target: TextIO) -> int:
        count = 0
        for stored in _all(reader, args.after, args.lane):
            target.write(json.dumps(_document(reader, stored)) + "\n")
            count += 1
        return count

    if args.output is None:
        write(sys.stdout)
        return 0
    with args.output.open("w", encoding="utf-8") as target:
        count = write(target)
    if args.json:
        print(json.dumps({"file": str(args.output), "events": count}))
    else:
        print(f"{count} events written to {args.output}.")
    return 0


def _all(reader: JournalReader, after: int, lane: str) -> Iterator[StoredEvent]:
    while events := reader.read(after, READ_EVENTS, "facts" if lane == "facts" else "telemetry"):
        yield from events
        after = events[-1].seq


def _document(reader: JournalReader, stored: StoredEvent) -> dict[str, object]:
    """An event with its identity; bytes that are no JSON are shown as text."""
    epochs = [epoch.id for epoch in reader.epochs() if epoch.base < stored.seq]
    try:
        event: object = json.loads(stored.data)
    except (ValueError, RecursionError):
        event = stored.data.decode(errors="replace")
    return {
        "seq": stored.seq,
        "epoch": epochs[-1] if epochs else "",
        "schema": stored.schema,
        "event": event,
    }


def _line(stored: StoredEvent) -> str:
    try:
        event = stored.event
    except LinesideError as problem:
        return f"{stored.seq:>9}  not readable: {problem}"
    kind = event.__struct_config__.tag
    at = format_rfc3339(event.occurred_at)
    return f"{stored.seq:>9}  {at:<27}  {event.station or '-':<16}  {kind}"


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        message = "not below 0"
        raise argparse.ArgumentTypeError(message)
    return number
