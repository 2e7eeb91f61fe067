"""Uplink, downlink, journal and wire put together in an event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import structlog

from lineside.contracts import topics
from lineside.contracts.clock import US_PER_SECOND, Clock, Microseconds
from lineside.contracts.envelope import Live, pack
from lineside.contracts.errors import LinesideError
from lineside.contracts.events import Event, IntentionApplied, Source
from lineside.edge_agent.journal.errors import JournalBusyError, JournalFullError
from lineside.edge_agent.journal.groups import Lane
from lineside.edge_agent.journal.store import Journal
from lineside.edge_agent.sync import said
from lineside.edge_agent.sync.actions import Action, Notice, OpenEpoch, Publish, Remember
from lineside.edge_agent.sync.desired_store import Applied, DesiredStore
from lineside.edge_agent.sync.downlink import Downlink
from lineside.edge_agent.sync.mqtt import Broker, MqttLink
from lineside.edge_agent.sync.trouble import unreachable
from lineside.edge_agent.sync.uplink import Uplink

INBOX_MAX = 1_000
IDLE_S = 1.0
UNREACHABLE = "sync.unreachable"
BROKER_OPEN = "sync.broker_open"

NoticeListener = Callable[[str, str], None]
log = structlog.get_logger("edge.sync")


class SyncService:
    """Runs one edge's sync until it is cancelled.

    Args:
        edge: This edge's id, from its certificate.
        broker: Where to connect.
        journal: The open journal.
        desired: The open local copies.
        clock: Business time of what is recorded; timers use its monotonic side.
        software: Version, as told to central.
        on_notice: Called with (code, text); an empty text settles the matter.
        on_time: Told what time central says that it is, with each of its answers.
        unsure: Whether the clock is in doubt; what is recorded then is marked.
    """

    def __init__(
        self,
        edge: str,
        broker: Broker,
        *,
        journal: Journal,
        desired: DesiredStore,
        clock: Clock,
        software: str = "",
        on_notice: NoticeListener | None = None,
        on_time: Callable[[Microseconds], None] = lambda _: None,
        unsure: Callable[[], bool] = lambda: False,
    ) -> None:
        self._edge, self._journal, self._desired, self._clock = edge, journal, desired, clock
        self._broker = broker
        self._on_notice, self._on_time, self._unsure = on_notice, on_time, unsure
        self.downlink = Downlink(
            edge, desired, clock=clock, greet=self._greet, report=self._wake_reports
        )
        self.uplink = Uplink(
            edge,
            journal,
            clock=clock,
            desired=self.downlink.state,
            software=software,
            sealed=journal.reader.sealed,
        )
        self._inbox: deque[tuple[str, str, bytes]] = deque()
        self._changed = asyncio.Event()
        self._reports = True
        self._greet_wanted = False
        self._epoch_base: int | None = None
        self._unremembered: dict[str, int | str] = {}
        self._remembering: Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._must_guard = broker.must_guard
        self._link = MqttLink(
            edge,
            broker,
            clock=clock,
            on_connected=lambda: self._post("connected"),
            on_disconnected=lambda why: self._post("disconnected", why),
            on_message=lambda topic, payload: self._post("message", topic, payload),
            on_refused=lambda what: self._post("refused", what),
            on_open=lambda what: self._post("open", what),
        )
        self._say = said.Said().say

    @property
    def connected(self) -> bool:
        """Whether central has answered on this connection."""
        return self.uplink.welcomed

    async def run(self) -> None:
        """Keep facts rising and desired state descending; ends by cancellation."""
        self._loop = asyncio.get_running_loop()
        self._journal.on_commit(self._committed)
        self._link.start()
        try:
            while True:
                await self._step()
        finally:
            self._loop = None
            await asyncio.to_thread(self._link.stop)

    def publish_live(self, stations: dict[str, dict[str, str]]) -> bool:
        """Send the newest state of the stations; lost without harm. False: nobody to send it to."""
        if not self.uplink.welcomed:
            return False
        live = Live(
            edge=self._edge,
            sent_at=self._clock.now(),
            head_seq=self._journal.head("facts"),
            stations=stations,
        )
        return self._link.publish(topics.up(self._edge, "live"), pack(live), 0)

    async def _step(self) -> None:
        wake_in = (self.uplink.wake_at - self._clock.monotonic()) / US_PER_SECOND
        if not self._inbox:
            # Not `wait_for`: in Python 3.11 it swallows a cancellation that meets a wake-up.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(max(wake_in, 0.0), IDLE_S)):
                    await self._changed.wait()
        self._changed.clear()
        while self._inbox:
            await self._carry_out(self._take(*self._inbox.popleft()))
        if self._greet_wanted and self.uplink.connected_now:
            self._greet_wanted = False
            await self._carry_out(self.uplink.greet())
        await self._open_epoch()
        await self._carry_out(self.uplink.tick())
        self._remember()
        if self._reports:
            await self._record_applied()

    def _take(self, what: str, topic: str, payload: bytes) -> Sequence[Action]:
        if what == "connected":
            log.info("sync_connected")
            return [*self._say(UNREACHABLE, ""), *self.uplink.connected()]
        if what == "disconnected":
            log.info("sync_disconnected", why=topic)
            self.downlink.disconnected()
            trouble = unreachable(self._broker.host, self._broker.port, topic)
            said_of_it = self._say(UNREACHABLE, trouble) if trouble else []
            return [*said_of_it, *self.uplink.disconnected()]
        if what == "refused":
            return self._say("sync.broker_refuses", said.broker_refuses(topic))
        if what == "open":
            return self._say(BROKER_OPEN, said.broker_open(topic, used=not self._must_guard))
        try:
            if topic == topics.down(self._edge, "desired"):
                if self.uplink.welcomed:  # else of a central that this edge does not know
                    self.downlink.received(topic, payload)
                return []
            heard = topic == topics.down(self._edge, "ack")  # what is sent reaches central
            settled = self._say("sync.broker_refuses", "") if heard else []
            if heard and self._must_guard:
                settled = [*settled, *self._say(BROKER_OPEN, "")]
            actions = self.uplink.received(topic, payload)
            if self.uplink.welcomed:  # a central that this edge does not know says no time either
                self._on_time(self.uplink.central_at)
        except LinesideError as problem:
            log.warning("sync_message_refused", topic=topic[:200], why=str(problem))
            return []
        return [*settled, *actions]

    async def _carry_out(self, actions: Sequence[Action]) -> None:
        for action in actions:
            match action:
                case Publish():
                    self._link.publish(action.topic, action.payload, action.qos)
                case Remember():
                    self._unremembered.update(action.changes)
                case OpenEpoch():
                    self._unremembered.clear()  # of the epoch that is sealed
                    self._epoch_base = action.base
                    await self._open_epoch()
                case Notice():
                    log.warning("sync_notice", code=action.code, text=action.text)
                    if self._on_notice is not None:
                        self._on_notice(action.code, action.text)

    async def _open_epoch(self) -> None:
        """Open the epoch that is wanted, if any; a full disk puts it off, nothing is sent until."""
        if self._epoch_base is None:
            return
        try:
            await asyncio.wrap_future(self._journal.begin_epoch(self._epoch_base))
        except JournalFullError as problem:
            log.warning("sync_epoch_waits", why=str(problem))
            return
        self._epoch_base = None
        await self._carry_out(self.uplink.epoch_opened())

    def _remember(self) -> None:
        """Write watermarks behind what was sent: one that is lost only makes us send again."""
        if self._unremembered and (self._remembering is None or self._remembering.done()):
            self._remembering = self._journal.set_watermarks(**self._unremembered)
            self._unremembered.clear()

    async def _record_applied(self) -> None:
        """Record what the store has applied; a crash in between records it again, once more."""
        while waiting := self._desired.unreported():
            now = self._clock.now()
            flags = ("clock_unsure",) if self._unsure() else ()
            events = [_applied_event(applied, now, flags) for applied in waiting]
            try:
                await self._journal.append_async(events)
                self._desired.reported(waiting[-1].number)
            except (JournalFullError, JournalBusyError) as problem:
                log.warning("sync_reports_wait", why=str(problem))
                return  # tried again with the next step; a full disk stops nothing
        self._reports = False

    def _greet(self) -> None:
        self._greet_wanted = True

    def _wake_reports(self) -> None:
        self._reports = True

    def _committed(self, _: Lane, __: int) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._changed.set)

    def _post(self, what: str, topic: str = "", payload: bytes = b"") -> None:
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        if what == "message" and len(self._inbox) >= INBOX_MAX:
            log.warning("sync_inbox_full", topic=topic[:200])  # asked for again by the timers
            return
        self._inbox.append((what, topic, payload))
        loop.call_soon_threadsafe(self._changed.set)


def _applied_event(applied: Applied, now: int, flags: tuple[str, ...]) -> Event:
    return IntentionApplied(
        flags=flags,
        occurred_at=now,
        recorded_at=now,
        source=Source.SYSTEM,
        kind=applied.kind,
        id=applied.id,
        revision=applied.revision,
        refused=applied.refused,
    )
