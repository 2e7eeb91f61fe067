"""A hello: who speaks, with which journal, and how far central has it."""

from __future__ import annotations

from lineside.central.ingest.storage import (
    BootRecord,
    EdgeRecord,
    Gap,
    LaneState,
    StorageTransaction,
)
from lineside.contracts.clock import Microseconds
from lineside.contracts.codec import GENESIS_HASH
from lineside.contracts.envelope import Hello
from lineside.contracts.errors import InvalidMessageError

ID_LENGTH_MAX = 64
EPOCHS_MAX = 1_000
NUMBER_MAX = 1 << 62
PRUNED = "pruned by the edge before it was sent"
REPLACED = "the journal that held it was replaced before it was sent"


def greet(
    work: StorageTransaction, record: EdgeRecord, hello: Hello, now: Microseconds
) -> list[LaneState] | None:
    """Take a hello.

    Returns:
        State of telemetry and of facts in that order (the answer for facts opens the session).
        Nothing: the hello is an old one that was delayed on the way. None: this run of the agent is
        fenced, because another one speaks for the same edge.

    Raises:
        InvalidMessageError: Its numbers are none.
    """
    _check(hello)
    verdict = _may_speak(work, record, hello, now)
    if verdict != "speaks":
        return None if verdict == "fenced" else []
    facts = work.lane(hello.edge, "facts", hello.epoch)
    if facts is None:
        facts = _open_epoch(work, hello, now)
    elif hello.oldest_seq > facts.durable_through + 1:
        _declare(work, facts, hello.oldest_seq - 1, now, PRUNED)
        facts.durable_through, facts.head_hash = hello.oldest_seq - 1, b""
    facts.reported_head = max(facts.reported_head, hello.head_seq)
    work.save_lane(facts, now)
    telemetry = work.lane(hello.edge, "telemetry", hello.epoch)
    if telemetry is None:
        telemetry = LaneState(hello.edge, "telemetry", hello.epoch, 0, None)
        work.save_lane(telemetry, now)
    record.epoch, record.software = hello.epoch, hello.software[:200].replace("\x00", "")
    record.cursor, record.desired_hash = hello.cursor, hello.desired_hash[:64]
    record.heard_at, record.clock_offset = now, now - hello.sent_at
    work.save_edge(record)
    return [telemetry, facts]


def _check(hello: Hello) -> None:
    for text in (hello.epoch, hello.boot):
        if not 0 < len(text) <= ID_LENGTH_MAX or not text.isalnum() or not text.isascii():
            raise InvalidMessageError("A hello whose epoch or boot is no id.")
    numbers = (hello.head_seq, hello.oldest_seq - 1, hello.cursor, hello.sent_at)
    if any(not 0 <= number < NUMBER_MAX for number in numbers):
        raise InvalidMessageError("A hello with impossible numbers.")
    if hello.oldest_seq > hello.head_seq + 1:
        raise InvalidMessageError("A hello whose oldest fact is beyond its last one.")
    if not hello.desired_hash.isascii() or "\x00" in hello.desired_hash:
        raise InvalidMessageError("A hello whose content hash is none.")


def _may_speak(
    work: StorageTransaction, record: EdgeRecord, hello: Hello, now: Microseconds
) -> str:
    """Whether this run of the agent `speaks` for the edge, is `fenced`, or the hello is `stale`.

    A new run takes over from the one before: agents are restarted. When a run comes back after it
    was taken over from, two agents are alive under one name, and the newcomer is fenced.
    """
    boot = work.boot(hello.edge, hello.boot)
    if boot is None:
        boot = BootRecord(hello.edge, hello.boot, hello.sent_at, hello.sent_at)
        record.boot = hello.boot
    elif boot.fenced:
        return "fenced"
    elif record.boot != hello.boot:
        newcomer = work.boot(hello.edge, record.boot)
        # A hello that was delayed or doubled on the way is older than the newcomer's first.
        stale = hello.sent_at <= boot.last_sent_at or (
            newcomer is not None and hello.sent_at <= newcomer.first_sent_at
        )
        if stale:
            return "stale"
        if newcomer is not None:
            newcomer.fenced = True
            work.save_boot(newcomer)
        record.boot = hello.boot
        work.refuse(
            hello.edge,
            "ingest.two_agents",
            f"Two agents run under the name {hello.edge}; run {newcomer.boot if newcomer else '?'}"
            " is fenced. Find the copy, switch it off, and enrol the right one again.",
            now,
        )
    boot.last_sent_at = max(boot.last_sent_at, hello.sent_at)
    work.save_boot(boot)
    return "speaks"


def _open_epoch(work: StorageTransaction, hello: Hello, now: Microseconds) -> LaneState:
    """A journal that central has not seen: an edge's first, a new one, or one that was restored."""
    others = work.lanes(hello.edge, "facts")
    if len(others) >= EPOCHS_MAX:
        raise InvalidMessageError(
            f"Edge {hello.edge} has opened {EPOCHS_MAX} journals.",
            hint="Look at that edge: its journal does not last.",
        )
    for other in others:
        if not other.closed:
            other.closed = True
            work.save_lane(other, now)
            if other.reported_head > other.durable_through:
                _declare(work, other, other.reported_head, now, REPLACED)
    first = hello.oldest_seq == 1
    return LaneState(
        hello.edge, "facts", hello.epoch, hello.oldest_seq - 1, GENESIS_HASH if first else None
    )


def _declare(
    work: StorageTransaction, state: LaneState, through: int, now: Microseconds, why: str
) -> None:
    """Write down that nobody has what comes after the stored facts, up to `through`."""
    first = state.durable_through + 1
    work.declare(Gap(state.edge, state.lane, state.epoch, first, through, why, now))
