"""The uplink's timers, window and watermarks, one step at a time."""

import random
from typing import Any

import pytest

from lineside.contracts.clock import US_PER_SECOND, ManualClock
from lineside.contracts.envelope import Ack, Batch, Hello, pack, unpack
from lineside.contracts.errors import InvalidMessageError
from lineside.edge_agent.sync.actions import Notice, Publish, Remember
from lineside.edge_agent.sync.backoff import Backoff
from lineside.edge_agent.sync.uplink import NEVER, Uplink

from .memory_journal import MemoryJournal, event_bytes


class Stand:
    def __init__(self, groups: int = 0, size: int = 500):
        self.clock = ManualClock(1_700_000_000_000_000)
        self.journal = MemoryJournal()
        for number in range(groups):
            self.journal.append_raw(*([event_bytes(str(number))] * size))
        self.uplink = Uplink(
            "edge-1",
            self.journal,
            clock=self.clock,
            desired=lambda: (7, "hash"),
            software="1.2",
            chance=random.Random(1),
        )

    def ack(self, through: int, *, welcome: bool = False, **changes) -> bytes:
        values: dict[str, Any] = {"incarnation": "1-aa", "epoch": self.journal.epoch} | changes
        hashed = self.journal.hash_at(through).hex()
        return pack(
            Ack(
                edge="edge-1",
                lane="facts",
                durable_through=through,
                backed_up_through=0,
                server_at=1,
                welcome=welcome,
                head_hash=hashed,
                **values,
            )
        )

    def welcome(self, through: int = 0, **changes):
        self.uplink.connected()
        return self.uplink.received(
            "v1/edge-1/down/welcome", self.ack(through, welcome=True, **changes)
        )

    def hear(self, through: int, **changes):
        return self.uplink.received("v1/edge-1/down/ack", self.ack(through, **changes))

    def wait(self, seconds: float):
        self.clock.advance(round(seconds * US_PER_SECOND))
        return self.uplink.tick()


def batches(actions) -> list[Batch]:
    return [
        unpack(action.payload, Batch)
        for action in actions
        if isinstance(action, Publish) and action.topic.endswith("/facts")
    ]


def hellos(actions) -> list[Hello]:
    return [
        unpack(action.payload, Hello)
        for action in actions
        if isinstance(action, Publish) and action.topic.endswith("/hello")
    ]


def firsts(actions) -> list[int]:
    return [batch.groups[0].first_seq for batch in batches(actions)]


def notices(actions) -> dict[str, str]:
    return {action.code: action.text for action in actions if isinstance(action, Notice)}


def test_a_hello_says_who_and_where_and_nothing_is_sent_before_the_answer():
    stand = Stand(groups=2, size=3)

    (hello,) = hellos(stand.uplink.connected())

    assert (hello.head_seq, hello.oldest_seq, hello.cursor) == (6, 1, 7)
    assert hello.head_hash == stand.journal.hash_at(6).hex()
    assert hello.software == "1.2"
    assert stand.uplink.head_moved() == []


def test_at_most_four_batches_are_in_flight():
    stand = Stand(groups=10)

    assert firsts(stand.welcome()) == [1, 501, 1_001, 1_501]
    assert firsts(stand.uplink.head_moved()) == []
    assert firsts(stand.hear(1_000)) == [2_001, 2_501]
    assert firsts(stand.hear(1_000)) == []


@pytest.mark.fault("F-35")
def test_what_is_not_acknowledged_in_time_is_sent_again_after_a_pause():
    stand = Stand(groups=2)
    stand.welcome()

    assert firsts(stand.wait(9)) == []
    again = stand.wait(1.1) + stand.wait(3)

    assert firsts(again) == [1, 501]


def test_a_gap_or_a_refusal_goes_back_to_what_central_expects():
    stand = Stand(groups=3)
    stand.welcome()
    stand.hear(500)

    actions = stand.hear(500, problem="gap") + stand.wait(5)

    assert firsts(actions) == [501, 1_001]
    assert "gap" in notices(actions)["sync.refused"]


@pytest.mark.fault("F-38")
def test_watermarks_never_fall_by_a_late_answer_and_never_pass_what_was_sent():
    stand = Stand(groups=2)
    stand.welcome()
    stand.hear(1_000)

    assert not any(isinstance(action, Remember) for action in stand.hear(500))
    assert not any(isinstance(action, Remember) for action in stand.hear(5_000))
    assert stand.uplink.durable_through == 1_000


@pytest.mark.parametrize(
    "changes", [{"incarnation": "0-aa"}, {"incarnation": "2-bb"}, {"epoch": "old"}]
)
def test_an_answer_of_another_life_says_nothing(changes):
    stand = Stand(groups=1)
    stand.welcome()

    assert not any(isinstance(a, Remember) for a in stand.hear(500, **changes))
    assert stand.uplink.durable_through == 0


def test_an_answer_about_another_chain_says_nothing():
    stand = Stand(groups=1)
    stand.welcome()
    late = Stand(groups=1, size=500)
    late.journal.facts.clear()
    late.journal.append_raw(*([event_bytes("another life")] * 500))
    late.journal.epoch = stand.journal.epoch

    stand.uplink.received("v1/edge-1/down/ack", late.ack(500))

    assert stand.uplink.durable_through == 0


def test_hello_is_said_every_thirty_seconds():
    stand = Stand()
    stand.welcome()
    stand.wait(20)

    assert len(hellos(stand.wait(11))) == 1
    assert hellos(stand.wait(20)) == []
    assert len(hellos(stand.wait(11))) == 1


@pytest.mark.fault("F-43")
def test_three_silences_are_said_to_people_and_an_answer_settles_it():
    stand = Stand()
    stand.uplink.connected()
    said: dict[str, str] = {}
    for _ in range(60):
        said |= notices(stand.wait(2))

    assert "does not answer" in said["sync.no_answer"]
    answered = stand.uplink.received("v1/edge-1/down/welcome", stand.ack(0, welcome=True))
    assert notices(answered)["sync.no_answer"] == ""


def test_after_a_break_everything_in_doubt_is_sent_again():
    stand = Stand(groups=3)
    stand.welcome()
    stand.hear(500)
    stand.uplink.disconnected()

    assert stand.uplink.wake_at == NEVER
    assert stand.wait(60) == []
    assert firsts(stand.welcome(500)) == [501, 1_001]


def test_a_central_that_restarted_is_greeted_within_a_second_and_gets_the_rest_again():
    stand = Stand(groups=2)
    stand.welcome()
    stand.hear(0, problem="restarted", incarnation="9-zz")

    assert len(hellos(stand.wait(1))) == 1
    again = stand.uplink.received("v1/edge-1/down/welcome", stand.ack(500, welcome=True))
    assert firsts(again) == [501]


@pytest.mark.parametrize("topic", ["v1/edge-2/down/ack", "v1/edge-1/down/desired", "x"])
def test_other_topics_are_refused(topic):
    stand = Stand()

    with pytest.raises(InvalidMessageError):
        stand.uplink.received(topic, stand.ack(0))


@pytest.mark.parametrize("payload", [b"", b"rubbish", b"\x28\xb5\x2f\xfd"])
def test_rubbish_is_refused(payload):
    stand = Stand()

    with pytest.raises(InvalidMessageError):
        stand.uplink.received("v1/edge-1/down/ack", payload)


@pytest.mark.fault("F-37")
def test_pauses_grow_to_their_cap_and_start_over():
    backoff = Backoff(base_s=1, cap_s=30, chance=random.Random(3))
    pauses = [backoff.next_s() for _ in range(200)]

    assert all(0 <= pause <= 30 for pause in pauses)
    assert pauses[0] <= 1
    assert max(pauses[20:]) > 20
    backoff.reset()
    assert backoff.next_s() <= 1


@pytest.mark.fault("F-41")
def test_no_more_is_on_its_way_than_central_lets():
    stand = Stand(groups=10)
    stand.welcome(credit=2)

    assert len(stand.uplink._flight) == 2
    assert firsts(stand.hear(500, credit=1)) == []
    assert firsts(stand.hear(1_000, credit=4)) == [1_001, 1_501, 2_001, 2_501]


@pytest.mark.fault("F-49")
def test_a_busy_central_is_left_alone_for_as_long_as_it_asks_and_people_hear_of_it():
    stand = Stand(groups=2)
    stand.welcome()

    said = notices(stand.hear(0, problem="busy", epoch="", retry_after_s=20))
    assert "busy" in said["sync.busy"]
    assert firsts(stand.wait(19.9)) == []
    assert firsts(stand.wait(10.2)) == [1, 501]
    assert notices(stand.hear(500))["sync.busy"] == ""


def test_a_busy_answer_of_another_central_is_not_obeyed():
    stand = Stand(groups=2)
    stand.welcome()

    stand.hear(0, problem="busy", epoch="", retry_after_s=200, incarnation="9-zz")

    assert firsts(stand.hear(500) + stand.uplink.head_moved()) == []
    assert stand.uplink._paused_until == 0
