"""Publish requests, acknowledgements and holes, against a server played by the test."""

import asyncio
from typing import Any

import pytest
from asyncua import ua as typed_ua
from asyncua.ua.ua_binary import struct_to_binary

from lineside.contracts.errors import DriverUnavailableError
from lineside.drivers.opcua.decoding import Notification, RawValue
from lineside.drivers.opcua.faults import SubscriptionGoneError
from lineside.drivers.opcua.publishing import SEQUENCE_MAX, Publishing, following, missing
from lineside.drivers.opcua.services import RevisedSubscription

ua: Any = typed_ua  # its annotations do not fit its own use
SUBSCRIPTION = RevisedSubscription(id=3, publishing_ms=20, lifetime_s=60, keep_alive_s=0.1)


class Server:
    """Answers Publish requests when the test says so."""

    def __init__(self):
        self.waiting = []
        self.acknowledged = []
        self.kept = {}
        self.asked_again = []

    def publish(self, subscription, sequences):
        assert subscription == 3
        self.acknowledged += sequences
        future = asyncio.get_running_loop().create_future()
        self.waiting.append(future)
        return future

    async def republish(self, subscription, sequence):
        assert subscription == 3
        self.asked_again.append(sequence)
        return self.kept.get(sequence)

    async def send(self, sequence, *, values=1, result=0, error=None):
        answer = ua.PublishResponse()
        answer.ResponseHeader.ServiceResult = ua.StatusCode(result)
        answer.Parameters.SubscriptionId = 3
        message = answer.Parameters.NotificationMessage
        message.SequenceNumber = sequence
        if values:
            change = ua.DataChangeNotification()
            change.MonitoredItems = [
                ua.MonitoredItemNotification(
                    1, ua.DataValue(ua.Variant(sequence, ua.VariantType.UInt32))
                )
            ]
            message.NotificationData = [change]
        future = self.waiting.pop(0)
        if error:
            future.set_exception(error)
        else:
            future.set_result(struct_to_binary(answer))
        await asyncio.sleep(0)


def kept(sequence):
    return Notification(sequence=sequence, values=[RawValue(1, sequence, 7, 0, None, None)])


@pytest.fixture
def server():
    return Server()


@pytest.fixture
async def publishing(server):
    made = Publishing(server, SUBSCRIPTION, requests=3, timeout_s=0.1)
    made.ask()
    yield made
    made.close()


async def taken(publishing):
    message = await publishing.take()
    return None if message is None else message.sequence


async def test_a_message_is_acknowledged_when_the_consumer_comes_back(publishing, server):
    await server.send(1)
    assert await taken(publishing) == 1
    publishing.ask()
    assert server.acknowledged == []
    publishing.done()
    publishing.ask()
    assert server.acknowledged == [1]
    assert publishing.last == 1


async def test_a_consumer_that_stands_still_is_sent_no_more_than_the_limit(publishing, server):
    assert len(server.waiting) == 3
    for sequence in (1, 2, 3):
        await server.send(sequence)
        publishing.ask()
    assert server.waiting == []
    assert await taken(publishing) == 1
    publishing.ask()
    assert server.waiting == []
    publishing.done()
    publishing.ask()
    assert len(server.waiting) == 1


async def test_a_keep_alive_uses_no_number_up(publishing, server):
    await server.send(1, values=0)
    await server.send(1, values=0)
    assert await taken(publishing) is None
    await server.send(1)
    assert await taken(publishing) == 1
    assert server.asked_again == []


async def test_a_hole_is_filled_by_asking_again(publishing, server):
    server.kept = {1: kept(1), 2: kept(2)}
    await server.send(3)
    assert [await taken(publishing) for _ in range(3)] == [1, 2, 3]
    publishing.done()
    assert publishing.last == 3


async def test_a_hole_that_cannot_be_filled_is_told_with_the_next_message(publishing, server):
    server.kept = {2: kept(2)}
    await server.send(4)
    messages = [await publishing.take() for _ in range(2)]
    assert [(message.sequence, message.missed) for message in messages] == [(2, 1), (4, 1)]
    assert server.asked_again == [1, 2, 3]


async def test_a_keep_alive_shows_holes_too(publishing, server):
    server.kept = {1: kept(1)}
    await server.send(3, values=0)
    first, second = await publishing.take(), await publishing.take()
    assert (first.sequence, first.missed) == (1, 0)
    assert (second.keep_alive, second.missed) == (True, 1)
    publishing.done()
    publishing.ask()
    assert 3 not in server.acknowledged
    await server.send(3)
    assert await taken(publishing) == 3


async def test_a_message_that_comes_twice_is_taken_once(publishing, server):
    await server.send(1)
    assert await taken(publishing) == 1
    await server.send(1)
    assert await taken(publishing) is None


async def test_a_huge_hole_is_not_asked_for_one_by_one(publishing, server):
    await server.send(1_000_000)
    message = await publishing.take()
    assert message.missed == 999_999
    assert len(server.asked_again) <= 200


async def test_numbers_go_on_at_one(server):
    publishing = Publishing(server, SUBSCRIPTION, requests=2, timeout_s=0.1, last=SEQUENCE_MAX - 1)
    publishing.ask()
    await server.send(SEQUENCE_MAX)
    await server.send(1)
    assert [await taken(publishing), await taken(publishing)] == [SEQUENCE_MAX, 1]
    assert server.asked_again == []
    publishing.close()
    assert following(SEQUENCE_MAX) == 1
    assert missing(SEQUENCE_MAX, 2) == 2
    assert missing(2, SEQUENCE_MAX) == -2


async def test_taking_up_fetches_what_was_sent_into_the_void(server):
    server.kept = {11: kept(11), 12: kept(12)}
    publishing = Publishing(server, SUBSCRIPTION, requests=2, timeout_s=0.1, last=10)
    assert await publishing.catch_up() == 2
    publishing.ask()
    await server.send(13)
    assert [await taken(publishing) for _ in range(3)] == [11, 12, 13]
    publishing.close()


async def test_a_server_that_wants_fewer_requests_gets_fewer(publishing, server):
    await server.send(0, values=0, result=0x80780000)
    assert await taken(publishing) is None
    publishing.ask()
    assert len(server.waiting) == 2


async def test_a_timed_out_request_is_sent_again(publishing, server):
    await server.send(0, values=0, result=0x800A0000)
    assert await taken(publishing) is None
    assert len(server.waiting) == 3


async def test_a_subscription_that_is_gone_cannot_be_taken_up(publishing, server):
    await server.send(0, values=0, result=0x80790000)
    with pytest.raises(SubscriptionGoneError, match="BadNoSubscription"):
        await publishing.take()


async def test_a_lost_connection_may_be_taken_up(publishing, server):
    await server.send(1, error=ConnectionError("connection lost"))
    with pytest.raises(DriverUnavailableError) as caught:
        await publishing.take()
    assert not isinstance(caught.value, SubscriptionGoneError)


async def test_silence_is_judged_only_while_the_server_may_speak(publishing, server):
    publishing.check_silence()
    await asyncio.sleep(0.3)
    with pytest.raises(DriverUnavailableError, match="keep-alive"):
        publishing.check_silence()
    for sequence in (1, 2, 3):
        await server.send(sequence)
    await asyncio.sleep(0.3)
    publishing.check_silence()  # all answered: the consumer is slow, not the server
