"""A hello: who speaks, with which journal, and how far central has it."""

from __future__ import annotations

from lineside.central.ingest.storage import (
    BootRecord,
    EdgeRecord,
    Gap,
    LaneState,
    StorageTransaction,
)
from lineside.contracts.clock import US_PER_SECOND, Microseconds
from lineside.contracts.codec import GENESIS_HASH
from lineside.contracts.envelope import Hello
from lineside.contracts.errors import InvalidMessageError

ID_LENGTH_MAX = 64
TWO_AGENTS_FOR = 120 * US_PER_SECOND
"""So long after a fenced agent has spoken its winner hears of it."""
EPOCHS_MAX = 1_000
NUMBER_MAX = 1 << 62
PRUNED = "pruned by the edge before it was sent"
REPLACED = "the journal that held it was replaced before it was sent"


def greet(
    work: StorageTransaction, record: EdgeRecord, hello: Hello, now: Microseconds
) -> list[LaneState] | None:
    """Take a hello.

    Returns:
        States of the sealed epochs of which something is missing here, of telemetry and of facts in
        that order (the answer for facts opens the session).
        Nothing: the hello is an old one that was delayed on the way. None: this run of the agent is
        fenced, because another one speaks for the same edge.

    Raises:
        InvalidMessageError: Its numbers are none.
    """
    _check(hello)
    verdict = _may_speak(work, record, hello, now)
    if verdict != "speaks":
        return None if verdict == "fenced" else []
    wanted = _wanted_of_sealed(work, hello, now)
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
    return [*wanted, telemetry, facts]


def two_agents(work: StorageTransaction, hello: Hello) -> bool:
    """Whether a fenced agent has spoken under the same name a moment ago."""
    return work.fenced_since(hello.edge, hello.sent_at - TWO_AGENTS_FOR)


def _check(hello: Hello) -> None:
    for text in (hello.epoch, hello.boot):
        if not _is_id(text):
            raise InvalidMessageError("A hello whose epoch or boot is no id.")
    numbers = (hello.head_seq, hello.oldest_seq - 1, hello.cursor, hello.sent_at)
    if any(not 0 <= number < NUMBER_MAX for number in numbers):
        raise InvalidMessageError("A hello with impossible numbers.")
    if hello.oldest_seq > hello.head_seq + 1:
        raise InvalidMessageError("A hello whose oldest fact is beyond its last one.")
    if len(hello.sealed) > EPOCHS_MAX:
        raise InvalidMessageError(f"A hello with more than {EPOCHS_MAX} sealed runs.")
    for run in hello.sealed:
        if not _is_id(run.epoch) or not 1 <= run.first_seq <= run.last_seq < NUMBER_MAX:
            raise InvalidMessageError("A hello with an impossible sealed run.")
    if not hello.desired_hash.isascii() or "\x00" in hello.desired_hash:
        raise InvalidMessageError("A hello whose content hash is none.")


def _is_id(text: str) -> bool:
    return 0 < len(text) <= ID_LENGTH_MAX and text.isalnum() and text.isascii()


def _wanted_of_sealed(work: StorageTransaction, hello: Hello, now: Microseconds) -> list[LaneState]:
    """Sealed epochs of which the edge still has what this database lost in a restore.

    Of each epoch the first run that is not here wholly; once it is, the next hello brings the next.
    """
    wanted: dict[str, LaneState] = {}
    for run in hello.sealed:
        if run.epoch in wanted or run.epoch == hello.epoch:
            continue
        state = work.lane(hello.edge, "facts", run.epoch)
        if state is None:
            if len(work.lanes(hello.edge, "facts")) >= EPOCHS_MAX:
                continue
            first = run.first_seq == 1
            state = LaneState(
                hello.edge, "facts", run.epoch, run.first_seq - 1, GENESIS_HASH if first else None
            )
            state.closed = True
        elif state.durable_through >= run.last_seq:
            continue
        elif run.first_seq > state.durable_through + 1:
            _declare(work, state, run.first_seq - 1, now, PRUNED)
            state.durable_through, state.head_hash = run.first_seq - 1, b""
        state.reported_head = max(state.reported_head, run.last_seq)
        work.save_lane(state, now)
        wanted[run.epoch] = state
    return list(wanted.values())


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
        boot.last_sent_at = max(boot.last_sent_at, hello.sent_at)
        work.save_boot(boot)
        return "fenced"
    elif record.boot != hello.boot:
        newcomer = work.boot(hello.edge, record.boot)
        if _is_late(work, hello, boot, newcomer):
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


def _is_late(
    work: StorageTransaction, hello: Hello, boot: BootRecord, newcomer: BootRecord | None
) -> bool:
    """Whether a hello of a run that was taken over from was delayed or doubled on the way.

    It is older than the newcomer's first. Where the newcomer's clock is behind the older run's (its
    battery is dead), times say nothing: then it is late when it knows no fact beyond the reported.
    """
    if hello.sent_at <= boot.last_sent_at or newcomer is None:
        return hello.sent_at <= boot.last_sent_at
    if newcomer.first_sent_at >= boot.last_sent_at:
        return hello.sent_at <= newcomer.first_sent_at
    facts = work.lane(hello.edge, "facts", hello.epoch)
    return facts is not None and hello.head_seq <= facts.reported_head


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
            # What the edge still has of it comes after this hello; only the rest is lost.
            has = [run.last_seq for run in hello.sealed if run.epoch == other.epoch]
            after = max(other.durable_through, *has) if has else other.durable_through
            if other.reported_head > after:
                _declare(work, other, other.reported_head, now, REPLACED, after=after)
    first = hello.oldest_seq == 1
    return LaneState(
        hello.edge, "facts", hello.epoch, hello.oldest_seq - 1, GENESIS_HASH if first else None
    )


def _declare(
    work: StorageTransaction,
    state: LaneState,
    through: int,
    now: Microseconds,
    why: str,
    *,
    after: int | None = None,
) -> None:
    """Write down that nobody has what comes after the stored facts (or `after`) to `through`."""
    first = (state.durable_through if after is None else after) + 1
    work.declare(Gap(state.edge, state.lane, state.epoch, first, through, why, now))
