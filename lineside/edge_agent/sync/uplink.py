"""Facts to central, in order and each once: a machine without threads, sockets or files.

It is told what happened (connected, a message, time passed, the journal grew) and answers with
actions. Only an acknowledgement that central sends after its commit moves a watermark; what the
broker says means nothing here. Everything after the watermark is sent again whenever there is
doubt; central ignores what it has.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Sequence

from lineside.contracts import topics
from lineside.contracts.clock import US_PER_SECOND, Clock, Microseconds
from lineside.contracts.envelope import (
    BATCH_EVENTS_MAX,
    CREDIT_BATCHES,
    Ack,
    unpack,
)
from lineside.contracts.errors import InvalidMessageError
from lineside.edge_agent.journal.groups import Lane
from lineside.edge_agent.journal.records import SealedRun, StoredGroup
from lineside.edge_agent.sync import said
from lineside.edge_agent.sync.actions import Action, OpenEpoch, Publish, Remember
from lineside.edge_agent.sync.backfill import Backfill
from lineside.edge_agent.sync.backoff import Backoff
from lineside.edge_agent.sync.flight import NEVER, Flight
from lineside.edge_agent.sync.source import (
    FactSource,
    batch_message,
    compare_incarnations,
    foreign_chain,
    hello_message,
)

WINDOW_BATCHES = CREDIT_BATCHES
BATCH_BYTES = 700 * 1024
HELLO_EVERY = 30 * US_PER_SECOND
WELCOME_WITHIN = 10 * US_PER_SECOND
ACK_WITHIN = 10 * US_PER_SECOND
RETRY_PAUSE_MAX_S = 60.0
SILENT_AFTER = 3
GREET_WITHIN_S = 1.0


class Uplink:
    """One edge's uplink. Call from one thread; carry out the actions in order."""

    def __init__(
        self,
        edge: str,
        source: FactSource,
        *,
        clock: Clock,
        desired: Callable[[], tuple[int, str]],
        software: str = "",
        chance: random.Random | None = None,
        sealed: Callable[[], Sequence[SealedRun]] = tuple,
    ) -> None:
        self._edge, self._source, self._clock = edge, source, clock
        self._desired, self._software = desired, software
        self._boot = secrets.token_hex(8)
        self._chance = chance or random.Random()  # noqa: S311 - spreads load, guards nothing
        self._retry = Backoff(cap_s=RETRY_PAUSE_MAX_S, chance=self._chance)
        known = source.watermarks()
        self._durable: dict[Lane, int] = {
            "facts": max(known.durable_through, source.epoch_base),
            "telemetry": known.telemetry_through,
        }
        self._backed_up = known.backed_up_through
        self._incarnation = known.incarnation
        self._sent: dict[Lane, int] = dict(self._durable)
        self._sealed, self._backfill = sealed, Backfill(source)
        self._flight, self._credit = Flight(), CREDIT_BATCHES
        self.connected_now = False
        self.welcomed = False
        self._probing = False
        self._opening = False
        self._silent = self.central_at = 0
        self._hello_at = NEVER
        self._paused_until = 0
        self._say = said.Said().say

    @property
    def durable_through(self) -> int:
        """Last fact that central has committed, as far as this edge knows."""
        return self._durable["facts"]

    @property
    def wake_at(self) -> Microseconds:
        """When `tick` wants to be called next, monotonic microseconds."""
        if not self.connected_now:
            return NEVER
        oldest = self._flight.oldest_at + ACK_WITHIN
        paused = self._paused_until if self._paused_until > self._clock.monotonic() else NEVER
        return min(self._hello_at, oldest, paused)

    # --- what happened ---

    def connected(self) -> list[Action]:
        """The connection stands: say hello, send nothing before the answer."""
        self.connected_now, self.welcomed = True, False
        self._rewind()
        return [self._hello(WELCOME_WITHIN)]

    def disconnected(self) -> list[Action]:
        """The connection is gone; whatever was in flight is in doubt."""
        self.connected_now = self.welcomed = False
        self._hello_at = NEVER
        self._rewind()
        return []

    def head_moved(self) -> list[Action]:
        """The journal has more."""
        return self._fill()

    def epoch_opened(self) -> list[Action]:
        """The new epoch is committed: start over with it."""
        self._probing = self._opening = self.welcomed = False
        self._durable["facts"] = self._source.epoch_base
        self._backed_up = min(self._backed_up, self._source.epoch_base)
        self._rewind()
        return [self._hello(WELCOME_WITHIN)] if self.connected_now else []

    def greet(self) -> list[Action]:
        """Say hello now: something of the desired state is missing here."""
        return [self._hello(HELLO_EVERY if self.welcomed else WELCOME_WITHIN)]

    def tick(self) -> list[Action]:
        """Time passed."""
        if not self.connected_now:
            return []
        now = self._clock.monotonic()
        actions: list[Action] = []
        if now >= self._hello_at:
            if not self.welcomed:
                actions += self._count_silence()
            actions.append(self._hello(HELLO_EVERY if self.welcomed else WELCOME_WITHIN))
        if now >= self._flight.oldest_at + ACK_WITHIN:
            actions += self._count_silence()
            self._rewind()
            self._pause()
        return actions + self._fill()

    def received(self, topic: str, payload: bytes) -> list[Action]:
        """A message on `down/welcome` or `down/ack`.

        Raises:
            InvalidMessageError: Not an acknowledgement for this edge; the connection goes on.
        """
        if topic not in (topics.down(self._edge, "welcome"), topics.down(self._edge, "ack")):
            raise InvalidMessageError(f"{topic[:200]!r} is not for this uplink.")
        ack = unpack(payload, Ack)
        if ack.edge != self._edge:
            raise InvalidMessageError(f"An acknowledgement for {ack.edge[:64]!r}.")
        if ack.lane not in ("facts", "telemetry"):
            raise InvalidMessageError(f"An acknowledgement for lane {ack.lane[:64]!r}.")
        self.central_at = ack.server_at
        if self._opening:
            return []
        if ack.problem == "restarted":
            return self._greet_again()
        if ack.problem == "busy":
            return self._wait(ack)
        if ack.epoch != self._source.epoch:
            return self._of_sealed(ack)
        return self._welcome(ack) if ack.welcome else self._acknowledged(ack, ack.lane)

    # --- answers ---

    def _welcome(self, ack: Ack) -> list[Action]:
        verdict = compare_incarnations(self._incarnation, ack.incarnation)
        if verdict == "foreign":
            self.welcomed = False
            text = said.old_central(ack.incarnation, self._incarnation)
            return self._say("sync.old_central", text)
        if ack.lane == "telemetry":  # comes before the answer for facts, which opens the session
            known = 0 if verdict == "newer" else self._durable["telemetry"]
            self._durable["telemetry"] = max(known, ack.durable_through)
            return []
        actions = self._say("sync.old_central", "")
        if verdict == "newer":
            lost = range(ack.durable_through + 1, self._durable["facts"] + 1)
            if lost:
                text = said.central_lost(lost.start, lost.stop - 1)
                actions += self._say("sync.central_lost_events", text)
            self._incarnation = ack.incarnation
        if ack.problem == "fenced":
            return actions + self._fence()
        two_agents = said.TWO_AGENTS if ack.notice == "two_agents" else ""
        actions += self._say("sync.two_agents", two_agents)
        actions += self._say("sync.fenced", "") + self._answered(ack)
        self._backfill.missing = ack.sealed_missing
        again, self.welcomed = self.welcomed, True
        self._hello_at = self._clock.monotonic() + HELLO_EVERY
        if self._probing:
            return actions + self._fill()
        if self._foreign(ack):
            # Central is ahead of this journal, or on another branch: find the last common group.
            self._probing = True
            self._rewind()
            return actions + self._probe_or_open()
        if not again or ack.durable_through < self._durable["facts"]:
            self._durable["facts"] = ack.durable_through
            self._rewind()
        self._settle("facts", ack.durable_through)
        self._backed_up = min(ack.backed_up_through, ack.durable_through)
        return [*actions, self._remember(), *self._fill()]

    def _greet_again(self) -> list[Action]:
        """Central is back: what was in flight is in doubt. All edges hear it; not all at once."""
        self.welcomed, self._paused_until = False, 0
        self._rewind()
        pause = round(self._chance.uniform(0, GREET_WITHIN_S) * US_PER_SECOND)
        self._hello_at = min(self._hello_at, self._clock.monotonic() + pause)
        return []

    def _wait(self, ack: Ack) -> list[Action]:
        """Central cannot take anything now; what was sent is sent again later."""
        if ack.incarnation != self._incarnation:
            return []
        self._silent = 0
        self._rewind()
        pause_s = self._chance.uniform(1.0, 1.5) * max(1, ack.retry_after_s)
        until = self._clock.monotonic() + round(pause_s * US_PER_SECOND)
        self._paused_until = max(self._paused_until, until)
        return self._say("sync.busy", said.BUSY)

    def _of_sealed(self, ack: Ack) -> list[Action]:
        """An answer about an epoch that is sealed here."""
        if not self._backfill.knows(ack.epoch) or ack.lane != "facts":
            return []
        if ack.welcome:
            if compare_incarnations(self._incarnation, ack.incarnation) != "foreign":
                self._backfill.wanted(ack)
            return self._fill()
        if not self.welcomed or ack.incarnation != self._incarnation:
            return []
        actions = self._answered(ack)
        verdict = self._backfill.acknowledged(ack)
        self._flight.settle("sealed", ack.durable_through)
        if verdict == "again":
            self._rewind()
            self._pause()
        if verdict in ("done", "differs"):
            self._rewind()
            self.welcomed = False  # the answer to a hello says whether there is more of it
            actions.append(self._hello(WELCOME_WITHIN))
        if verdict == "differs":
            actions += self._say("sync.sealed_differs", said.sealed_differs(ack.epoch))
        return actions + self._fill()

    def _foreign(self, ack: Ack) -> bool:
        return foreign_chain(self._source, ack.durable_through, ack.head_hash)

    def _not_ours(self, ack: Ack, lane: Lane) -> bool:
        if ack.durable_through > self._source.head(lane):
            return True
        return lane == "facts" and self._foreign(ack)

    def _acknowledged(self, ack: Ack, lane: Lane) -> list[Action]:
        if not self.welcomed or ack.incarnation != self._incarnation:
            return []  # from before a restart of either side
        actions = self._answered(ack)
        if self._probing and lane == "facts":
            return actions + self._probed(ack)
        if ack.problem == "fenced":
            return actions + self._fence()
        moved = ack.durable_through > self._durable[lane]
        if moved and self._not_ours(ack, lane):
            return actions  # about another chain: from before a restore, or forged
        if moved:
            self._settle(lane, ack.durable_through)
            self._retry.reset()
            self._paused_until = 0
            actions += self._say("sync.refused", "")
        if lane == "facts":
            backed_up = min(ack.backed_up_through, self._durable["facts"])
            moved = moved or backed_up > self._backed_up
            self._backed_up = max(self._backed_up, backed_up)
        if moved:
            actions.append(self._remember())
        if ack.problem in ("fork", "chain"):
            self.welcomed = False  # the answer to a hello says on which branch central is
            return [*actions, self._hello(WELCOME_WITHIN)]
        if ack.problem and not moved:
            actions += self._say(
                "sync.refused", f"Central does not take lane {lane}: {ack.problem}."
            )
            self._rewind()
            self._pause()
        return actions + self._fill()

    def _probed(self, ack: Ack) -> list[Action]:
        if ack.agreed_hash and ack.agreed_hash != self._source.hash_at(ack.agreed_through).hex():
            return []  # a late answer about another chain
        self._flight.clear()
        self._durable["facts"] = max(ack.agreed_through, self._durable["facts"])
        self._sent["facts"] = self._durable["facts"]
        if ack.problem == "fork":
            return self._open()
        return self._probe_or_open()

    def _probe_or_open(self) -> list[Action]:
        if self._durable["facts"] >= self._source.head("facts"):
            return self._open()
        return self._fill()

    def _open(self) -> list[Action]:
        self._opening = True
        base = self._durable["facts"]
        return [*self._say("sync.restored_here", said.restored_here(base)), OpenEpoch(base)]

    # --- sending ---

    def _fill(self) -> list[Action]:
        if not self.welcomed or self._opening or self._clock.monotonic() < self._paused_until:
            return []
        actions: list[Action] = []
        window = 1 if self._probing else self._credit
        while self._backfill.active and len(self._flight) < window:
            epoch, groups = self._backfill.next_groups(BATCH_BYTES)
            if not groups:
                break
            self._flight.add("sealed", groups[-1].last_seq, self._clock.monotonic())
            actions.append(batch_message(self._edge, "facts", epoch, groups))
        if self._backfill.awaited:
            return actions  # what is older comes first, so that a backup of newer holds it, too
        lanes: tuple[Lane, ...] = ("facts",) if self._probing else ("facts", "telemetry")
        for lane in lanes:
            while len(self._flight) < window and self._sent[lane] < self._source.head(lane):
                groups = self._source.groups(self._sent[lane], BATCH_EVENTS_MAX, BATCH_BYTES, lane)
                if not groups:
                    break
                actions.append(self._batch(lane, groups))
            if lane == "facts" and self._sent["facts"] < self._source.head("facts"):
                break  # telemetry waits until the facts are on their way
        return actions

    def _batch(self, lane: Lane, groups: list[StoredGroup]) -> Publish:
        self._sent[lane] = groups[-1].last_seq
        self._flight.add(lane, groups[-1].last_seq, self._clock.monotonic())
        return batch_message(self._edge, lane, self._source.epoch, groups)

    def _hello(self, next_within: Microseconds) -> Publish:
        now = self._clock.monotonic()
        pause = self._retry.next_s() if next_within == WELCOME_WITHIN and self._silent else 0
        self._hello_at = now + next_within + round(pause * US_PER_SECOND)
        return hello_message(
            self._edge,
            self._source,
            desired=self._desired(),
            boot=self._boot,
            sent_at=self._clock.now(),
            software=self._software,
            sealed=self._backfill.offered(self._sealed()),
        )

    def _settle(self, lane: Lane, through: int) -> None:
        self._durable[lane] = max(self._durable[lane], through)
        self._sent[lane] = max(self._sent[lane], self._durable[lane])
        self._flight.settle(lane, through)

    def _rewind(self) -> None:
        self._flight.clear()
        self._sent = dict(self._durable)
        self._backfill.rewind()

    def _pause(self) -> None:
        pause = round(self._retry.next_s() * US_PER_SECOND)
        self._paused_until = self._clock.monotonic() + pause

    def _remember(self) -> Remember:
        return Remember(
            {
                "durable_through": self._durable["facts"],
                "backed_up_through": min(self._backed_up, self._backfill.complete_through),
                "telemetry_through": self._durable["telemetry"],
                "incarnation": self._incarnation,
            }
        )

    def _count_silence(self) -> list[Action]:
        self._silent += 1
        if self._silent < SILENT_AFTER:
            return []
        return self._say("sync.no_answer", said.NO_ANSWER)

    def _answered(self, ack: Ack) -> list[Action]:
        self._silent = 0
        self._credit = max(1, min(CREDIT_BATCHES, ack.credit))
        return self._say("sync.no_answer", "") + self._say("sync.busy", "")

    def _fence(self) -> list[Action]:
        self.welcomed = False
        self._rewind()
        return self._say("sync.fenced", said.FENCED)
