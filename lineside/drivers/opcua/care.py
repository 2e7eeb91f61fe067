"""What is looked after beside the subscription: server state, read-back of values, refused signals.

A socket that looks connected proves nothing, and a subscription may skip values that a read would
show. So the server's status is read every few seconds, and all values every minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lineside.contracts.errors import DriverUnavailableError
from lineside.drivers.opcua.batches import RUNNING, STATES
from lineside.drivers.opcua.config import OpcUaSettings
from lineside.drivers.opcua.decoding import RawValue
from lineside.drivers.opcua.faults import SubscriptionGoneError
from lineside.drivers.opcua.items import Item, find, watch
from lineside.drivers.opcua.publishing import Publishing
from lineside.drivers.opcua.services import VALUE, RevisedSubscription, ServerStatus, Services

_SHUTDOWN = 4
_SLOW_MS = 5000  # signals sampled more rarely are not audited: the read would always be newer
_SETTLE_CYCLES = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """A value that was read back and that the subscription has not told.

    Attributes:
        item: The signal.
        raw: As read.
        heard: `item.heard` before the read; if it has moved on, the subscription has told it.
        gap: The subscription should have told it.
    """

    item: Item
    raw: RawValue
    heard: int
    gap: bool


class Care:
    """Looks after one connection until it fails.

    Attributes:
        state: State of the server as last read.
        findings: Values for the consumer; not added to until they are taken.
        failure: Why the connection cannot go on.
    """

    def __init__(
        self,
        services: Services,
        settings: OpcUaSettings,
        *,
        status: ServerStatus,
        subscription: RevisedSubscription,
        items: Sequence[Item],
        publishing: Publishing,
        wake: Callable[[], None],
    ) -> None:
        self._services, self._settings, self._status = services, settings, status
        self._subscription, self._items = subscription, items
        self._publishing, self._wake = publishing, wake
        self._attention = asyncio.Event()
        self._read_all = self._stopping = False
        self.state = status.state
        self.findings: list[Finding] = []
        self.failure: BaseException | None = None
        self._task = asyncio.create_task(self._run())

    def read_back(self) -> None:
        """Read all values once, because messages were lost."""
        self._read_all = True
        self._attention.set()

    async def stop(self) -> None:
        """Stop looking."""
        self._stopping = True
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            await self._look_after()
        except BaseException as error:
            if self._stopping:
                raise
            self.failure = error  # raised again in the consumer's task
            if isinstance(error, asyncio.CancelledError):
                self.failure = DriverUnavailableError("The health check was broken off.")
            self._wake()

    async def _look_after(self) -> None:
        settings, now = self._settings, asyncio.get_running_loop().time
        audited = retried = now()
        while True:
            try:
                async with asyncio.timeout(settings.health_every_s):
                    await self._attention.wait()
            except TimeoutError:
                self._judge(await self._services.server_status())
            self._attention.clear()
            if self.state != RUNNING or self.findings:
                continue
            if self._read_all:
                self._read_all = False
                await self._compare(self._watched(), everything=True)
            if settings.audit_every_s and now() - audited >= settings.audit_every_s:
                audited = now()
                await self._compare(self._audited(), everything=False)
            if now() - retried >= settings.retry_signals_s:
                retried = now()
                await self._retry()

    def _judge(self, status: ServerStatus) -> None:
        if status.started_at != self._status.started_at:
            raise SubscriptionGoneError("The server has started anew.")
        if status.namespaces != self._status.namespaces:
            raise SubscriptionGoneError(
                "The server's namespaces have changed (a download?), all nodes are looked up anew."
            )
        if status.state == _SHUTDOWN:
            raise DriverUnavailableError("The server shuts down.")
        if status.state == self.state:
            return
        if status.state == RUNNING:
            self._read_all = True
            self._attention.set()
        self.state = status.state
        self._wake()

    def _watched(self) -> list[Item]:
        return [item for item in self._items if not item.problem]

    def _audited(self) -> list[Item]:
        return [
            item
            for item in self._watched()
            if item.signal.deadband is None
            and item.signal.deadband_percent is None
            and item.sampling_ms <= _SLOW_MS
        ]

    async def _compare(self, items: Sequence[Item], *, everything: bool) -> None:
        """Read values, give the subscription time to tell them, keep what it did not tell."""
        heard = [item.heard for item in items]
        values = await self._services.read([(item.node, VALUE) for item in items], timestamps=True)
        found = [
            Finding(item, raw, before, not everything)
            for item, raw, before in zip(items, values, heard, strict=True)
            if everything or (item.last is not None and _differ(item.last, raw))
        ]
        if not found:
            return
        await asyncio.sleep(self._settle_s(found))
        if (
            everything or self._publishing.quiet
        ):  # else the consumer is behind, which proves nothing
            self.findings = [one for one in found if one.item.heard == one.heard]
            self._wake()

    def _settle_s(self, found: Sequence[Finding]) -> float:
        sampling_ms = max(min(one.item.sampling_ms, _SLOW_MS) for one in found)
        return (_SETTLE_CYCLES * self._subscription.publishing_ms + sampling_ms) / 1000

    async def _retry(self) -> None:
        """Signals that the server refused may exist by now."""
        refused = [item for item in self._items if item.problem]
        if refused:
            await find(self._services, refused, self._status.namespaces)
            await watch(self._services, self._subscription.id, refused)


def _differ(told: RawValue, read: RawValue) -> bool:
    same_status = told.status >> 30 == read.status >> 30
    bad = bool(read.status >> 31)
    same_value = repr(told.value) == repr(read.value)  # also where it is "not a number"
    return not (same_status and (same_value or bad))


def state_name(state: int) -> str:
    """A server state in words."""
    return STATES.get(state, str(state))
