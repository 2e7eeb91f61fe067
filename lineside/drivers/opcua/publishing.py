"""Publish requests: some under way, none more than the consumer keeps up with.

A message is acknowledged after the consumer has asked for the next one, so that what was not yet
persisted can be asked for again after a lost connection. When the consumer stands still, no more
messages are asked for: the server's own queues fill, and it marks what they lose.

Source: OPC 10000-4, sections 5.14.5 and 5.14.6; 6.7 for what is asked for again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from lineside.contracts.errors import DriverUnavailableError, InvalidMessageError
from lineside.drivers.opcua import decoding
from lineside.drivers.opcua.decoding import Notification
from lineside.drivers.opcua.faults import SubscriptionGoneError, status_name, translate
from lineside.drivers.opcua.services import RevisedSubscription, Services

SEQUENCE_MAX = 0xFFFF_FFFF
_REPUBLISH_MAX = 200  # messages asked for again; more are a gap
_BAD_TIMEOUT = 0x800A_0000
_BAD_TOO_MANY_PUBLISH = 0x8078_0000


def following(sequence: int) -> int:
    """The next sequence number: 1 comes after the largest, 0 is never used."""
    return sequence + 1 if sequence < SEQUENCE_MAX else 1


def missing(expected: int, found: int) -> int:
    """How many messages lie between, negative when `found` is an old one."""
    ahead = found - expected
    if ahead > SEQUENCE_MAX // 2:  # expected wrapped, found is from before
        return ahead - SEQUENCE_MAX
    if ahead < -(SEQUENCE_MAX // 2):
        return ahead + SEQUENCE_MAX
    return ahead


class Publishing:
    """The messages of one subscription, in order and without holes, or with holes that are told.

    Attributes:
        last: Sequence number of the last message that the consumer is done with.
        heard: The server has answered at least one request.
        heard_at: When it did so last, on the event loop's clock in seconds.
        wake: Called when an answer arrives.
    """

    def __init__(
        self,
        services: Services,
        subscription: RevisedSubscription,
        *,
        requests: int,
        timeout_s: float,
        last: int = 0,
    ) -> None:
        self._services, self._subscription = services, subscription
        self._requests = requests
        # In doubt after a keep-alive and a cycle, and the way there and back.
        self._silence_s = subscription.keep_alive_s + subscription.publishing_ms / 1000 + timeout_s
        self._arrived: deque[asyncio.Future[Any]] = deque(maxlen=requests + 1)
        self._under_way: set[asyncio.Future[Any]] = set()
        self._in_hand: int | None = None
        self._acknowledge: list[int] = []
        self._expected = following(last)
        self._again: deque[Notification] = deque()
        self.heard_at = 0.0
        self.last = last
        self.heard = False
        self.wake: Callable[[], None] = lambda: None

    @property
    def quiet(self) -> bool:
        """Nothing waits for the consumer, and the server could speak if it had something to say."""
        return not self._arrived and not self._again and bool(self._under_way)

    def done(self) -> None:
        """The consumer is done with the message that it had; it may be acknowledged."""
        if self._in_hand is not None:
            self.last = self._in_hand
            self._acknowledge.append(self._in_hand)
            self._in_hand = None

    def ask(self) -> None:
        """Send Publish requests up to the limit.

        Raises:
            DriverUnavailableError: The connection is lost.
        """
        busy = len(self._arrived) + (self._in_hand is not None)
        if not self._under_way:
            self.heard_at = asyncio.get_running_loop().time()
        while len(self._under_way) + busy < self._requests:
            acknowledge, self._acknowledge = self._acknowledge, []
            future = self._services.publish(self._subscription.id, acknowledge)
            self._under_way.add(future)
            future.add_done_callback(self._arrive)

    def _arrive(self, future: asyncio.Future[Any]) -> None:
        self._under_way.discard(future)
        if future.cancelled():
            return
        error = future.exception()  # looked at here, told in `take`
        if error is None:
            self.heard, self.heard_at = True, asyncio.get_running_loop().time()
        self._arrived.append(future)
        self.wake()

    def patience_s(self) -> float:
        """Seconds until silence means that the subscription is dead."""
        return self.heard_at + self._silence_s - asyncio.get_running_loop().time()

    def check_silence(self) -> None:
        """Judge the time since the server spoke last.

        Raises:
            DriverUnavailableError: It should have spoken by now; a socket that looks connected is
                no proof of anything.
        """
        if self._under_way and not self._arrived and self.patience_s() <= 0:
            raise DriverUnavailableError(
                f"The server sent neither values nor a keep-alive for {self._silence_s:.1f} s."
            )

    async def take(self) -> Notification | None:
        """The next message with content; None when there is none now.

        `missed` says whether messages before it are lost for good.

        Raises:
            DriverUnavailableError: Connection, session or subscription are gone.
        """
        while True:
            if self._again:
                return self._hand_over(self._again.popleft())
            if not self._arrived:
                return None
            message = self._read(self._arrived.popleft())
            if message is None:
                self.ask()
                continue
            hole = missing(self._expected, message.sequence)
            if hole > 0:
                await self._ask_again(hole, message)
            elif message.keep_alive or hole < 0:  # a sign of life, or one that we have had
                self.ask()
            else:
                self._expected = following(message.sequence)
                return self._hand_over(message)

    async def catch_up(self) -> int:
        """After taking up a subscription: ask for all that was sent and not heard.

        Returns:
            How many messages came again.
        """
        while len(self._again) < _REPUBLISH_MAX:
            message = await self._services.republish(self._subscription.id, self._expected)
            if message is None:
                break
            self._again.append(message)
            self._expected = following(message.sequence)
        return len(self._again)

    def _hand_over(self, message: Notification) -> Notification:
        self._in_hand = None if message.keep_alive else message.sequence
        return message

    async def _ask_again(self, hole: int, message: Notification) -> None:
        """Fill a hole as far as the server can; what it cannot is marked on the next message."""
        lost = max(0, hole - _REPUBLISH_MAX)
        sequence = self._expected
        for _ in range(min(hole, _REPUBLISH_MAX)):
            again = await self._services.republish(self._subscription.id, sequence)
            if again is None:
                lost += 1
            else:
                again.missed, lost = lost, 0
                self._again.append(again)
            sequence = following(sequence)
        message.missed = lost
        if lost or not message.keep_alive:
            self._again.append(message)
        self._expected = message.sequence if message.keep_alive else following(message.sequence)

    def _read(self, future: asyncio.Future[Any]) -> Notification | None:
        """One answer; None when it only means that another request is needed."""
        error = future.exception()
        if error is not None:
            raise translate(error, "waiting for values") from error
        try:
            message = decoding.publish_response(bytes(future.result()))
        except InvalidMessageError as problem:
            raise DriverUnavailableError(str(problem)) from problem
        result = message.service_result
        if result == _BAD_TIMEOUT:
            return None
        if result == _BAD_TOO_MANY_PUBLISH:
            self._requests = max(1, len(self._under_way))
            return None
        if result:
            raise SubscriptionGoneError(
                f"The server answers {status_name(result)} to our request for values."
            )
        if message.subscription != self._subscription.id:
            return None
        if message.status_change is not None and message.status_change & 0x8000_0000:
            raise SubscriptionGoneError(
                f"The server ended the subscription: {status_name(message.status_change)}."
            )
        return message

    def close(self) -> None:
        """Forget what is under way; what was not handed over stays unacknowledged at the server."""
        for future in self._under_way:
            future.remove_done_callback(self._arrive)
            future.cancel()
        self._under_way.clear()
        self._arrived.clear()
        self._again.clear()
