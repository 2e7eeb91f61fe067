"""Reads the signals of one OPC UA server through a subscription, and writes the few that may be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lineside.contracts.clock import US_PER_SECOND, Clock, Microseconds
from lineside.contracts.errors import (
    DriverConfigurationError,
    DriverError,
    DriverTrustError,
    DriverUnavailableError,
)
from lineside.contracts.samples import DriverNotice, Reading, SignalValue
from lineside.drivers.opcua import batches, decoding
from lineside.drivers.opcua.batches import RUNNING
from lineside.drivers.opcua.care import Care, state_name
from lineside.drivers.opcua.channel import Channel, SessionToken, open_channel
from lineside.drivers.opcua.config import OpcUaSettings, parse
from lineside.drivers.opcua.decoding import Notification
from lineside.drivers.opcua.faults import SubscriptionGoneError
from lineside.drivers.opcua.items import Item, find, watch
from lineside.drivers.opcua.publishing import Publishing
from lineside.drivers.opcua.services import RevisedSubscription, ServerStatus, Services
from lineside.drivers.opcua.values import fits, overflowed, status_text

_SHUTDOWN = 4
_NAMED_MAX = 5
_PATIENCE_MIN_S = 0.01
_NOT_OURS_TO_WRITE = {
    "BadTypeMismatch",
    "BadOutOfRange",
    "BadNotWritable",
    "BadUserAccessDenied",
    "BadNodeIdUnknown",
    "BadNodeIdInvalid",
    "BadWriteNotSupported",
}


def build(settings: Mapping[str, Any], *, clock: Clock, file: str) -> OpcUaDriver:
    """Make the driver of one server; nothing is opened yet.

    Args:
        settings: The device's table, as `sample.toml` shows.
        clock: Time for `read_at` and for judging certificates; answers are awaited in real time.
        file: Configuration file, for error texts; paths are relative to its folder.

    Raises:
        ConfigurationError: A key or value is wrong.
    """
    return OpcUaDriver(parse(settings, file=file), clock)


@dataclass(slots=True)
class _Connection:
    """Everything that ends with a connection."""

    channel: Channel
    services: Services
    subscription: RevisedSubscription
    publishing: Publishing
    care: Care


@dataclass(frozen=True, slots=True)
class _LostConnection:
    """What is needed to take up where a lost connection left off (Part 4, section 6.7)."""

    token: SessionToken
    subscription: RevisedSubscription
    last: int
    until: float  # seconds of the event loop's clock; then the server has forgotten it


def _can_be_taken_up(error: BaseException | None) -> bool:
    """Whether a connection that ended so may be taken up again: the wire broke, not the server."""
    return isinstance(error, DriverUnavailableError) and not isinstance(
        error, SubscriptionGoneError
    )


class OpcUaDriver:
    """Reads one server.

    The same object connects again after `close`: it then takes up session and subscription where
    the server still has them, and nothing that the server kept is lost; otherwise it says `gap`,
    and `restarted` where the server began anew.
    """

    def __init__(self, settings: OpcUaSettings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._items = [
            Item(signal=signal, handle=number) for number, signal in enumerate(settings.signals, 1)
        ]
        self._by_handle = {item.handle: item for item in self._items}
        self._by_name = {item.signal.name: item for item in self._items}
        self._connection: _Connection | None = None
        self._lost: _LostConnection | None = None
        self._status: ServerStatus | None = None
        self._wake = asyncio.Event()
        self._opening: list[Reading] = []
        self._told_state = RUNNING
        self._heard_at: Microseconds | None = None
        self._marks_overflow = False
        self._failure: DriverError | None = None

    async def connect(self) -> None:
        """Open channel, session and subscription, and check every configured signal.

        Raises:
            DriverUnavailableError: The server does not answer; try again later.
            DriverConfigurationError: It answers, but has none of the signals.
            DriverTrustError: One of both sides refuses the other; a person must act.
        """
        await self.close()
        self._failure = None
        lost = self._lost
        if lost is not None and asyncio.get_running_loop().time() > lost.until:
            lost = self._lost = None
        try:
            token = None if lost is None else lost.token
            channel = await open_channel(self._settings, clock=self._clock, resume=token)
        except DriverTrustError:
            self._lost = None
            raise
        try:
            await self._settle_in(channel, lost)
        except BaseException as error:
            if lost is not None and _can_be_taken_up(error):
                self._lost = replace(lost, token=channel.token)
            else:
                self._lost = None
            await channel.close(end_session=self._lost is None)
            raise
        self._lost = None

    async def _settle_in(self, channel: Channel, lost: _LostConnection | None) -> None:
        services = Services(channel, self._settings)
        status = await services.server_status()
        if status.state == _SHUTDOWN:
            raise DriverUnavailableError(f"{self._settings.endpoint} shuts down.")
        before, self._status = self._status, status
        restarted = before is not None and before.started_at != status.started_at
        same = before is not None and not restarted and before.namespaces == status.namespaces
        publishing = await self._take_up(services, channel, lost) if lost and same else None
        if publishing is not None and lost is not None:
            subscription = lost.subscription
            self._opening = [self._notice("connected", f"Connection taken up, {channel.about}.")]
        else:
            subscription = await self._begin(services, status)
            publishing = self._publishing(services, subscription, last=0)
            self._opening = self._opening_words(channel, restarted=restarted)
        publishing.wake = self._wake.set
        care = Care(
            services,
            self._settings,
            status=status,
            subscription=subscription,
            items=self._items,
            publishing=publishing,
            wake=self._wake.set,
        )
        self._told_state = RUNNING
        self._connection = _Connection(channel, services, subscription, publishing, care)

    def _publishing(
        self, services: Services, subscription: RevisedSubscription, *, last: int
    ) -> Publishing:
        return Publishing(
            services,
            subscription,
            requests=self._settings.publish_requests,
            timeout_s=self._settings.timeout_s,
            last=last,
        )

    async def _take_up(
        self, services: Services, channel: Channel, lost: _LostConnection
    ) -> Publishing | None:
        """Go on with the subscription of a lost connection; None where the server lost it, too."""
        if not channel.resumed and not await services.transfer(lost.subscription.id):
            return None
        publishing = self._publishing(services, lost.subscription, last=lost.last)
        try:
            await publishing.catch_up()
        except SubscriptionGoneError:
            return None
        return publishing

    async def _begin(self, services: Services, status: ServerStatus) -> RevisedSubscription:
        await services.learn_limits()
        await find(services, self._items, status.namespaces)
        self._refuse_if_nothing_is_left()
        subscription = await services.create_subscription()
        await watch(services, subscription.id, self._items)
        self._refuse_if_nothing_is_left()
        return subscription

    def _refuse_if_nothing_is_left(self) -> None:
        if any(not item.problem for item in self._items):
            return
        problems = [f"{item.signal.name}: {item.problem}" for item in self._items[:_NAMED_MAX]]
        raise DriverConfigurationError(
            f"{self._settings.endpoint} has none of the {len(self._items)} signals"
            f" ({'; '.join(problems)}).",
            hint="Correct the nodes; `lineside-edge probe opcua` shows what the server has.",
        )

    def _opening_words(self, channel: Channel, *, restarted: bool) -> list[Reading]:
        usable = sum(not item.problem for item in self._items)
        words: list[Reading] = [
            self._notice(
                "connected", f"{channel.about}, {usable} of {len(self._items)} signals are read."
            )
        ]
        if restarted:
            words.append(self._notice("restarted", "The server has started anew."))
        if self._heard_at is not None:
            words.append(
                self._notice(
                    "gap", "What changed while there was no connection is not known.", gap=True
                )
            )
        now = self._clock.now()
        words += [
            batches.signal_error(item, problem, now)
            for item in self._items
            for problem in (item.problem, item.warning)
            if problem
        ]
        return words

    def _notice(self, kind: str, detail: str, *, gap: bool = False) -> DriverNotice:
        since = self._heard_at if gap else None
        return DriverNotice(kind=kind, detail=detail, read_at=self._clock.now(), since=since)

    async def readings(self) -> AsyncIterator[Sequence[Reading]]:
        """Yield the values of each message of the server, until it is lost.

        Asking for the next batch says that the last one is safe: only then is it acknowledged.

        Raises:
            DriverUnavailableError: The server is lost.
        """
        connection = self._connected()
        try:
            opening, self._opening = self._opening, []
            if opening:
                yield opening
            while True:
                connection.publishing.done()
                batch = await self._next(connection)
                if batch:
                    yield batch
        except DriverError as error:
            self._failure = error
            raise

    async def _next(self, connection: _Connection) -> list[Reading]:
        publishing, care = connection.publishing, connection.care
        while True:
            self._wake.clear()
            if care.failure is not None:
                raise care.failure
            publishing.ask()
            if care.state != self._told_state:
                self._told_state = care.state
                if care.state != RUNNING:
                    return batches.void(self._items, read_at=self._clock.now(), state=care.state)
            message = await publishing.take()
            if message is not None:
                return self._batch(message, care)
            silent_s = asyncio.get_running_loop().time() - publishing.heard_at
            heard_at = self._clock.now() - round(silent_s * US_PER_SECOND)
            self._heard_at = max(heard_at, self._heard_at or heard_at)
            if care.findings:
                return self._found(care)
            publishing.check_silence()
            try:
                async with asyncio.timeout(max(publishing.patience_s(), _PATIENCE_MIN_S)):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _batch(self, message: Notification, care: Care) -> list[Reading]:
        values, now = message.values, self._clock.now()
        before: list[Reading] = []
        if message.missed:
            before.append(
                self._notice("gap", f"{message.missed} messages of the server are lost.", gap=True)
            )
            care.read_back()
        if not self._marks_overflow and len(values) > 1:
            self._marks_overflow = any(overflowed(raw.status) for raw in values)
            if not self._marks_overflow:
                before += batches.full_queues(values, self._by_handle, read_at=now)
        self._heard_at = now
        return before + batches.readings(
            values,
            self._by_handle,
            read_at=now,
            sequence=message.sequence,
            state=care.state,
        )

    def _found(self, care: Care) -> list[Reading]:
        """What was read back, except where the subscription has told it meanwhile."""
        found, care.findings = care.findings, []
        batch: list[Reading] = []
        for one in found:
            if one.item.heard == one.heard:
                batch += batches.untold(one.item, one.raw, read_at=self._clock.now(), gap=one.gap)
        return batch

    async def write(self, signal: str, value: SignalValue) -> None:
        """Write one signal that the configuration declares writable.

        Raises:
            DriverConfigurationError: Unknown, not writable, or the value does not fit its type.
            DriverUnavailableError: The server did not confirm the write.
        """
        item = self._by_name.get(signal)
        if item is None or not item.signal.writable:
            raise DriverConfigurationError(
                f"{signal} is not writable.",
                hint="Set writable = true for it, if it really may be.",
            )
        connection = self._connected()
        if item.node is None or item.kind == decoding.NULL:
            raise DriverConfigurationError(
                f"{signal} cannot be written: {item.problem or 'its type is not known'}.",
                hint="Correct its node; `lineside-edge probe opcua` shows what the server has.",
            )
        wrong = fits(value, item.kind)
        if wrong:
            raise DriverConfigurationError(f"{signal} takes {wrong}, not {value!r}.")
        status = await connection.services.write(item.node, value, item.kind)
        if status >> 30 == 0:
            return
        name = status_text(status)
        if name.split(" ")[0] in _NOT_OURS_TO_WRITE:
            raise DriverConfigurationError(
                f"The server refuses to write {signal}: {name}.",
                hint="Allow writing this variable at the server, for our user.",
            )
        raise DriverUnavailableError(f"The server did not confirm writing {signal}: {name}.")

    async def close(self) -> None:
        """Let go of the server; safe to call twice and after errors.

        After a lost connection the server keeps session and subscription for the next `connect`.
        """
        connection, self._connection = self._connection, None
        if connection is None:
            return
        publishing = connection.publishing
        resumable = publishing.heard and _can_be_taken_up(self._failure)
        if resumable:
            self._lost = _LostConnection(
                token=connection.channel.token,
                subscription=connection.subscription,
                last=publishing.last,
                until=asyncio.get_running_loop().time() + self._settings.session_timeout_s,
            )
        await connection.care.stop()
        publishing.close()
        await connection.channel.close(end_session=not resumable)

    def _connected(self) -> _Connection:
        if self._connection is None:
            raise DriverUnavailableError(f"{self._settings.endpoint} is not connected.")
        return self._connection

    def __repr__(self) -> str:
        """Endpoint and state, without secrets."""
        state = "closed"
        if self._connection is not None:
            state = state_name(self._connection.care.state)
        return f"OpcUaDriver({self._settings.endpoint}, {state})"
