"""Facts of sealed epochs that a restored central has lost, sent again before all newer ones.

Central names in its answer to a hello what it misses of a sealed epoch. One run is sent at a time,
oldest first; when it has arrived, the edge says hello again and hears whether there is more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lineside.contracts.envelope import BATCH_EVENTS_MAX, Ack, SealedRun
from lineside.edge_agent.journal import records
from lineside.edge_agent.journal.records import StoredGroup
from lineside.edge_agent.sync.flight import NEVER
from lineside.edge_agent.sync.source import FactSource


@dataclass(slots=True)
class _Run:
    epoch: str
    last: int
    durable: int
    sent: int


class Backfill:
    """What central wants of sealed epochs.

    Attributes:
        missing: How many runs the last answer to a hello said to be missing.
    """

    def __init__(self, source: FactSource) -> None:
        self._source = source
        self._known: list[records.SealedRun] = []
        self._given_up: set[str] = set()
        self._runs: dict[str, _Run] = {}
        self._refused_at: dict[str, int] = {}
        self.missing = 0

    @property
    def active(self) -> bool:
        """Whether something of a sealed epoch is still to be sent or acknowledged."""
        return bool(self._runs)

    @property
    def awaited(self) -> bool:
        """Whether newer facts have to wait."""
        return self.active or self.missing > 0

    @property
    def complete_through(self) -> int:
        """The fact up to which nothing of sealed epochs is missing at central."""
        everything = 0 if self.missing else NEVER
        return min((run.durable for run in self._runs.values()), default=everything)

    def offered(self, known: Sequence[records.SealedRun]) -> tuple[SealedRun, ...]:
        """What a hello says: everything here but what central has in another form."""
        self._known = [run for run in known if run.epoch not in self._given_up]
        return tuple(
            SealedRun(epoch=run.epoch, first_seq=run.first_seq, last_seq=run.last_seq)
            for run in self._known
        )

    def knows(self, epoch: str) -> bool:
        """Whether it is a sealed epoch of this journal."""
        return any(run.epoch == epoch for run in self._known)

    def wanted(self, ack: Ack) -> None:
        """Central has a sealed epoch only so far."""
        for run in self._known:
            here = run.first_seq - 1 <= ack.durable_through < run.last_seq
            if run.epoch == ack.epoch and here:
                through = ack.durable_through
                running = self._runs.get(run.epoch)
                if running is None or through < running.durable:
                    self._runs[run.epoch] = _Run(run.epoch, run.last_seq, through, through)
                else:
                    running.durable, running.sent = through, max(running.sent, through)
                return

    def rewind(self) -> None:
        """What is on its way is in doubt."""
        for run in self._runs.values():
            run.sent = run.durable

    def next_groups(self, bytes_max: int) -> tuple[str, list[StoredGroup]]:
        """Epoch and groups of the next batch; no groups: everything is on its way."""
        run = next(iter(self._runs.values()), None)
        if run is None or run.sent >= run.last:
            return "", []
        groups = self._source.groups(run.sent, BATCH_EVENTS_MAX, bytes_max, "facts")
        groups = [group for group in groups if group.last_seq <= run.last]
        if not groups or groups[0].first_seq > run.sent + 1:
            del self._runs[run.epoch]  # no longer here as it was offered; the next hello tells
            return "", []
        run.sent = groups[-1].last_seq
        return run.epoch, groups

    def acknowledged(self, ack: Ack) -> str:
        """Take an answer about a sealed epoch.

        Returns:
            `more`; `done`: say hello again, there may be another run; `again`: what was sent must
            be sent again; `differs`: central has other facts under these numbers, and nothing more
            of the epoch is offered.
        """
        run = self._runs.get(ack.epoch)
        if run is None:
            return "more"
        if ack.problem in ("fork", "chain"):
            # `chain` may only mean that this central has not heard of the epoch: it hears of it
            # with the next hello, and refuses it again where it really has another chain.
            differs = ack.problem == "fork" or self._refused_at.get(run.epoch) == run.durable
            self._refused_at[run.epoch] = run.durable
            del self._runs[run.epoch]
            if differs:
                self._given_up.add(run.epoch)
            return "differs" if differs else "done"
        run.durable = max(run.durable, min(ack.durable_through, run.last))
        if run.durable >= run.last:
            del self._runs[run.epoch]
            return "done"
        if ack.problem:
            run.sent = run.durable
            return "again"
        run.sent = max(run.sent, run.durable)
        return "more"
