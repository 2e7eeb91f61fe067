"""Queues of monitored items as the standard wants them (OPC 10000-4, section 5.13.1.5)."""
# pyright: basic
# (the library is partly untyped)

from __future__ import annotations

from dataclasses import replace
from types import MethodType
from typing import Any

from asyncua import ua as typed_ua
from asyncua.server.subscription_service import SubscriptionService

ua: Any = typed_ua  # its annotations do not fit its own use

OVERFLOW = 0x0480
"""Info type DataValue, overflow bit."""


class MarkingSubscriptions(SubscriptionService):
    """Subscriptions that say what they lose."""

    async def create_subscription(self, *args: Any, **named: Any) -> Any:  # noqa: ANN401
        """As the library does, with our queue."""
        result = await super().create_subscription(*args, **named)
        subscription = self.subscriptions[result.SubscriptionId]
        subscription._enqueue_event = MethodType(_enqueue, subscription)  # noqa: SLF001 - no public way
        return result

    async def create_monitored_items(self, params: Any) -> Any:  # noqa: ANN401
        """As the library does, granting the sampling interval that was asked for."""
        results = await super().create_monitored_items(params)
        for wanted, result in zip(params.ItemsToCreate, results, strict=True):
            if wanted.RequestedParameters.SamplingInterval >= 0:
                result.RevisedSamplingInterval = wanted.RequestedParameters.SamplingInterval
        return results


async def _enqueue(
    subscription: Any,  # noqa: ANN401
    item: int,
    event: Any,  # noqa: ANN401
    size: int,
    queues: dict[int, list[Any]],
) -> None:
    queue = queues.setdefault(item, [])
    queue.append(event)
    if size > 1 and len(queue) > size:
        queue.pop(0)
        status = ua.StatusCode((queue[0].Value.StatusCode or ua.StatusCode()).value | OVERFLOW)
        queue[0] = ua.MonitoredItemNotification(
            queue[0].ClientHandle, replace(queue[0].Value, StatusCode=status)
        )
    elif size == 1 and len(queue) > 1:
        queue.pop(0)
    await subscription._trigger_publish()  # noqa: SLF001
