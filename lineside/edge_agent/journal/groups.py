"""Appends to commit groups: what is chained and sent together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Literal

from lineside.contracts.codec import SCHEMA, chain_hash, encode_events
from lineside.contracts.events import Event
from lineside.edge_agent.journal.errors import JournalUsageError
from lineside.edge_agent.journal.records import Appended

Lane = Literal["facts", "telemetry"]

GROUP_EVENTS_MAX = 200
GROUP_BYTES_MAX = 256 * 1024
# A group is never split, so an act must fit into one message even where nothing can be compressed.
ACT_EVENTS_MAX = 500
ACT_BYTES_MAX = 768 * 1024


@dataclass(slots=True)
class Pending:
    """An append that waits for the writer; `size` is the sum of its events in bytes."""

    lane: Lane
    events: list[bytes]
    baselines: dict[str, bytes]
    act: str
    answer: bytes | None
    wait: bool
    size: int
    future: Future[Appended] = field(default_factory=Future[Appended])


@dataclass(frozen=True, slots=True)
class NewGroup:
    """A commit group that is about to be written."""

    first_seq: int
    events: list[bytes]
    previous: bytes
    hash: bytes

    @property
    def last_seq(self) -> int:
        """Sequence number of its last event."""
        return self.first_seq + len(self.events) - 1

    @property
    def row(self) -> tuple[int, int, int, bytes, bytes]:
        """Its row in `event_group`, but for the time of the commit."""
        return (self.first_seq, self.last_seq, SCHEMA, self.previous, self.hash)


def pending(
    events: Sequence[Event],
    *,
    baselines: Mapping[str, bytes],
    lane: Lane,
    wait: bool,
    answer: bytes | None,
) -> Pending:
    """Check and encode an append.

    Raises:
        JournalUsageError: Several acts at once, an act whose size is not its number of events, an
            act that is too large, or an answer without an act.
        InvalidMessageError: An event is larger than the codec allows.
    """
    acts = {event.act.id: event.act for event in events if event.act is not None}
    if len(acts) > 1:
        raise JournalUsageError(
            f"An append carries the events of one act, not of {len(acts)}.",
            hint="Append each act by itself.",
        )
    encoded = encode_events(events)
    act = ""
    if acts:
        (act,) = acts
        members = [event.act for event in events if event.act is not None]
        if any(member.size != len(members) for member in members):
            raise JournalUsageError(
                f"Act {act} has {len(members)} events and says {members[0].size}.",
                hint="Set Act.size to the number of its events in this append.",
            )
        if len(encoded) > ACT_EVENTS_MAX or sum(map(len, encoded)) > ACT_BYTES_MAX:
            raise JournalUsageError(
                f"Act {act} is larger than {ACT_EVENTS_MAX} events or {ACT_BYTES_MAX:,} bytes.",
                hint="Book it in several acts.",
            )
    elif answer is not None:
        raise JournalUsageError("An answer is stored for an act, and these events have none.")
    if lane == "telemetry" and (acts or baselines):
        raise JournalUsageError("Acts and baselines belong to lane facts.")
    return Pending(
        lane=lane,
        events=encoded,
        baselines=dict(baselines),
        act=act,
        answer=answer,
        wait=wait,
        size=sum(map(len, encoded)),
    )


def form_groups(appends: Iterable[Pending], *, head: int, head_hash: bytes) -> list[NewGroup]:
    """Number and chain the events of appends of lane facts.

    Args:
        appends: In order. The events of an act stay in one group.
        head: Last sequence number so far.
        head_hash: Hash of the last group so far.

    Returns:
        Groups of at most 200 events and 256 KiB, unless one act alone is larger.
    """
    groups: list[NewGroup] = []
    collected: list[bytes] = []
    size = 0

    def close() -> None:
        nonlocal head, head_hash, collected, size
        if collected:
            hashed = chain_hash(head_hash, collected)
            groups.append(NewGroup(head + 1, collected, head_hash, hashed))
            head, head_hash = head + len(collected), hashed
        collected, size = [], 0

    for append in appends:
        fits = (
            len(collected) + len(append.events) <= GROUP_EVENTS_MAX
            and size + append.size <= GROUP_BYTES_MAX
        )
        # Without an act each event may stand alone; where all fit, nobody needs to look at each.
        whole = append.act or fits
        for portion in [append.events] if whole else [[event] for event in append.events]:
            bytes_more = append.size if whole else len(portion[0])
            if collected and (
                len(collected) + len(portion) > GROUP_EVENTS_MAX
                or size + bytes_more > GROUP_BYTES_MAX
            ):
                close()
            collected.extend(portion)
            size += bytes_more
    close()
    return groups
