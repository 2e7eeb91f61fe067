"""Another configuration while the agent runs: checked, staged, tried, kept or taken back.

A configuration comes from central (`EdgeConfiguration`) or from a person on this computer (a
request file in the data folder). Either way it is first checked, then staged in the journal, then
put in part by part, and it counts only once every device that answered before, and every one that
is new or changed, has answered. Otherwise the one before is put back, with the reason. What is
known at a power cut is in `config.standing`. An agent that starts begins with what proved itself
last, and tries what was on trial anew: a power cut says nothing against it. It does so only once
more, since it may be what ended the agent.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import msgspec
import structlog

from lineside.contracts.clock import US_PER_SECOND
from lineside.contracts.commands import AnyDocument, EdgeConfiguration
from lineside.contracts.errors import ConfigurationError
from lineside.contracts.events import Event
from lineside.drivers.base import Driver
from lineside.edge_agent.acquisition.connectors import Connectors
from lineside.edge_agent.config import Configuration, shop, standing
from lineside.edge_agent.config.difference import Difference, difference
from lineside.edge_agent.config.outcomes import (
    TRIAL_MAX_S,
    TRIAL_MIN_S,
    applied,
    hash_of,
    parsed,
    reverted,
    running_record,
    same,
    taken_record,
    wanted_by,
)
from lineside.edge_agent.config.standing import NOTHING, Request, Running, Staged, TakenBack
from lineside.edge_agent.host import PlantClock
from lineside.edge_agent.journal.errors import JournalBusyError, JournalError, JournalFullError
from lineside.edge_agent.journal.store import Journal
from lineside.edge_agent.projections.orders import OrdersProjection
from lineside.edge_agent.recorder import Recorder
from lineside.edge_agent.sync.desired_store import DesiredStore
from lineside.edge_agent.terminal import views
from lineside.edge_agent.terminal.configuration_notices import configuration_notices
from lineside.edge_agent.terminal.left_behind import left_behind

LOOK_EVERY_S = 1.0
POLL_S = 0.2
QUIET_US = 2 * US_PER_SECOND
TRIES_MAX = 2
REQUEST_BYTES_MAX = 4 * 1024 * 1024
ENDED = "The agent ended twice while it was on trial."
log = structlog.get_logger("edge.configuration")


class Reconfiguration:
    """Follows what is wanted, one configuration after the other."""

    def __init__(
        self,
        own: Configuration,
        config: Configuration,
        *,
        journal: Journal,
        recorder: Recorder,
        desired: DesiredStore,
        connectors: Connectors,
        orders: OrdersProjection,
        clock: PlantClock,
        use: Callable[[Configuration], None],
        notice: Callable[[str, str], None],
    ) -> None:
        """Nothing is tried yet.

        Args:
            own: The edge's own file, as it was read at the start.
            config: What runs.
            journal: Keeps what is known.
            recorder: For facts.
            desired: What central wants.
            connectors: What reads.
            orders: What stands at stations that are taken out.
            clock: Business time; the trial is measured in real time.
            use: Everybody else shall go on with this configuration.
            notice: Told (code, text) of what health must say; an empty text settles it.
        """
        self._own, self.config = own, config
        self._journal, self._recorder, self._desired = journal, recorder, desired
        self._connectors, self._orders, self._clock = connectors, orders, clock
        self._use, self._notice = use, notice
        self._request = own.data_dir / standing.REQUEST_FILE
        self._news = asyncio.Event()
        self._known: Running | None = None
        self._taken: TakenBack | None = None
        self._read_marks()
        desired.judge("configuration", self.why_not)
        desired.on_change(self._desired_changed)

    # --- what others ask

    def why_not(self, document: AnyDocument) -> str:
        """Why a document of central cannot be used; empty: it can be tried."""
        if not isinstance(document, EdgeConfiguration):
            return "it is no configuration"
        try:
            self._check(wanted_by(document))
        except ConfigurationError as problem:
            return str(problem)
        return ""

    def notices(self) -> tuple[views.Notice, ...]:
        """What a terminal says about it now."""
        return configuration_notices(self._known, self._taken, self._clock.now())

    # --- running

    async def run(self) -> None:
        """Try what is wanted until cancelled.

        Raises:
            JournalFailedError: Nothing can be recorded any more.
        """
        while True:
            self._news.clear()
            wanted = await asyncio.to_thread(self._asked_here) or self._wanted()
            if wanted is not None:
                await self.attempt(wanted)
                continue
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def attempt(self, wanted: Staged) -> None:
        """Try a configuration, and keep it or take it back.

        Raises:
            JournalError: Nothing can be recorded; what proved itself last is begun with again.
        """
        try:
            checked, drivers = await asyncio.to_thread(self._check, wanted)
        except ConfigurationError as problem:
            await self._take_back(wanted, "check", str(problem))
            return
        before = standing.staged(self._journal.baselines())
        again = before is not None and same(before, wanted)
        tries = before.tries + 1 if before is not None and again else 1
        if tries > TRIES_MAX:
            await self._take_back(wanted, "trial", ENDED)
            return
        staged = msgspec.structs.replace(wanted, tries=tries)
        await self._record([], {standing.STAGED: standing.written(staged)})
        log.info("configuration_on_trial", version=wanted.version, content_hash=wanted.content_hash)
        await self._try_out(staged, checked, drivers)

    async def _try_out(
        self, staged: Staged, checked: Configuration, drivers: Mapping[str, Driver]
    ) -> None:
        found = difference(self.config, checked)
        devices = self._connectors.devices
        must = {name for name, device in devices.items() if device.connected}
        must = {*must, *found.devices.touched} - {*found.devices.removed}
        before = self.config
        kept: dict[str, bytes] = {}

        async def settle(foreign: frozenset[str]) -> Mapping[str, bytes]:
            marks = self._journal.baselines()
            kept.update({name: marks[name] for name in foreign if marks.get(name)})
            with_marks = msgspec.structs.replace(staged, marks=kept)
            changes = {standing.STAGED: standing.written(with_marks)}
            await self._record([], {**changes, **dict.fromkeys(foreign, NOTHING)})
            return {name: value for name, value in marks.items() if name not in foreign}

        try:
            await self._exchange(found, checked, drivers, settle)
        except JournalError:
            raise
        except Exception as fault:
            # Half of each runs now: the agent ends, and begins whole with the one before.
            log.exception("configuration_fault", version=staged.version)
            await self._take_back(staged, "apply", f"{type(fault).__name__}: {fault}")
            raise
        missing = await self._trial(must, staged.trial_s)
        if not missing:
            await self._keep(staged, checked, found)
            return

        async def restore(_: frozenset[str]) -> Mapping[str, bytes]:
            await self._record([], kept)
            return self._journal.baselines()

        back = shop.build_drivers(before, self._clock)
        await self._exchange(difference(checked, before), before, back, restore)
        reason = f"{', '.join(missing)} did not answer within {staged.trial_s} s."
        await self._take_back(staged, "trial", reason, missing)

    async def _exchange(
        self,
        found: Difference,
        config: Configuration,
        drivers: Mapping[str, Driver],
        settle: Callable[[frozenset[str]], Awaitable[Mapping[str, bytes]]],
    ) -> None:
        touched = (*found.devices.changed, *found.devices.added)

        async def settled(foreign: frozenset[str]) -> Mapping[str, bytes]:
            marks = await settle(foreign)
            self.config = config
            self._use(config)  # the terminals must know a station before its first fact
            return marks

        await self._connectors.exchange(
            found,
            config.stations,
            {name: drivers[name] for name in touched},
            settle=settled,
        )

    async def _trial(self, must: set[str], trial_s: int) -> tuple[str, ...]:
        """Which devices have not come back when time is over."""
        until = self._clock.monotonic() + trial_s * US_PER_SECOND
        while missing := self._connectors.missing(must, quiet_us=QUIET_US):
            if self._clock.monotonic() >= until:
                return missing
            await self._clock.sleep(POLL_S)
        return ()

    async def _keep(self, staged: Staged, checked: Configuration, found: Difference) -> None:
        now = self._clock.now()
        beside = await asyncio.to_thread(hash_of, Path(self._own.file), self._own.content_hash)
        record = running_record(
            checked,
            beside=beside,
            at=now,
            aside=staged.aside,
            request=staged.request,
            exchanged=True,
        )
        events: list[Event] = []
        for station in found.stations.removed:
            events += left_behind(station, self._orders.station(station), now)
        stations = tuple(sorted({*found.stations.touched, *found.interpreted}))
        events.append(applied(checked, now, devices=found.devices.touched, stations=stations))
        await self._record(
            events,
            {
                standing.HASH: checked.content_hash.encode(),
                standing.RUNNING: standing.written(record),
                standing.STAGED: NOTHING,
                standing.TAKEN_BACK: NOTHING,
            },
        )
        log.info("configuration_applied", version=checked.version)
        await self._settled(staged)

    async def _take_back(
        self, wanted: Staged, stage: str, reason: str, devices: Sequence[str] = ()
    ) -> None:
        now = self._clock.now()
        taken = taken_record(wanted, stage, reason, now, devices, before=self._taken)
        await self._record(
            [reverted(taken, self.config, now)],
            {standing.STAGED: NOTHING, standing.TAKEN_BACK: standing.written(taken)},
        )
        log.warning("configuration_taken_back", version=wanted.version, stage=stage, why=reason)
        await self._settled(wanted)

    async def _settled(self, wanted: Staged) -> None:
        if wanted.request:
            await asyncio.to_thread(self._request.unlink, missing_ok=True)
        self._read_marks()
        taken = self._taken
        self._notice("configuration.taken_back", "" if taken is None else taken.reason)
        self._use(self.config)

    def _read_marks(self) -> None:
        marks = self._journal.baselines()
        self._known, self._taken = standing.running(marks), standing.taken_back(marks)

    async def _record(self, events: Sequence[Event], marks: Mapping[str, bytes]) -> None:
        while True:
            try:
                await self._recorder.record(events, baselines=marks)
            except (JournalFullError, JournalBusyError):
                await self._clock.sleep(LOOK_EVERY_S)
            else:
                return

    # --- what is wanted

    def _desired_changed(self, keys: set[tuple[str, str]]) -> None:
        if any(kind == "configuration" for kind, _ in keys):
            self._news.set()

    def _wanted(self) -> Staged | None:
        """What central wants and this edge has neither kept nor taken back nor set aside."""
        self._read_marks()
        document = self._desired.latest(EdgeConfiguration, "edge")
        if document is None:
            return None
        mark = (document.version, document.content_hash)
        known, taken = self._known, self._taken
        judged = [taken.central] if taken is not None else []
        if known is not None:
            runs = known.origin == "central"
            judged += [known.aside, (known.version, known.content_hash) if runs else known.aside]
        return None if mark in judged else wanted_by(document)

    def _asked_here(self) -> Staged | None:
        """What a person on this computer wants."""
        try:
            with self._request.open("rb") as file:
                asked = msgspec.json.decode(file.read(REQUEST_BYTES_MAX), type=Request)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as problem:
            log.warning("configuration_request_unreadable", why=str(problem))
            self._request.unlink(missing_ok=True)
            return None
        answers = (self._known, self._taken)
        if any(one is not None and one.request == asked.id for one in answers):
            self._request.unlink(missing_ok=True)  # answered before a power cut
            return None
        document = self._desired.latest(EdgeConfiguration, "edge")
        return Staged(
            content_hash=hashlib.sha256(asked.text.encode()).hexdigest(),
            text=asked.text,
            origin="file",
            trial_s=min(max(asked.trial_s, TRIAL_MIN_S), TRIAL_MAX_S),
            request=asked.id,
            aside=(document.version, document.content_hash) if document is not None else (0, ""),
        )

    def _check(self, wanted: Staged) -> tuple[Configuration, dict[str, Driver]]:
        checked = parsed(self._own, wanted)
        return checked, shop.build_drivers(checked, self._clock)
