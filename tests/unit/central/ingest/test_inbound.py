"""What central refuses at the door, and what it takes all the same."""

import msgspec
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from lineside.central.ingest.inbound import Inbound
from lineside.central.ingest.memory_store import MemoryEventStore
from lineside.contracts.clock import ManualClock
from lineside.contracts.codec import GENESIS_HASH, chain_hash, encode_event
from lineside.contracts.envelope import Ack, Batch, Group, Hello, Live, pack, unpack
from lineside.contracts.events import SignedOn

EPOCH = "abcdef0123456789"


def event_bytes(text: str) -> bytes:
    return encode_event(SignedOn(occurred_at=5, recorded_at=6, reason=text, station="press-1"))


def group(
    first: int, events: list[bytes], previous: bytes = GENESIS_HASH, schema: int = 1
) -> Group:
    return Group(
        first_seq=first,
        schema=schema,
        previous=previous.hex(),
        hash=chain_hash(previous, events).hex(),
        events=tuple(msgspec.Raw(event) for event in events),
    )


def batch(*groups: Group, edge: str = "edge-1", lane: str = "facts") -> Batch:
    return Batch(edge=edge, lane=lane, epoch=EPOCH, groups=groups)


def hello(**changes) -> Hello:
    return msgspec.structs.replace(
        Hello(
            edge="edge-1",
            epoch=EPOCH,
            head_seq=0,
            head_hash=GENESIS_HASH.hex(),
            oldest_seq=1,
            cursor=0,
            desired_hash="",
            boot="b00",
            sent_at=1_000,
        ),
        **changes,
    )


class Central:
    def __init__(self):
        self.store = MemoryEventStore("1-abcd")
        self.store.enrol("edge-1")
        self.inbound = Inbound(self.store, clock=ManualClock(2_000))

    def tell(self, topic: str, payload: bytes) -> list[Ack]:
        return [unpack(data, Ack) for _, data in self.inbound.receive([(topic, payload)])]

    def greet(self, **changes) -> list[Ack]:
        return self.tell("v1/edge-1/up/hello", pack(hello(**changes)))

    def send(self, *groups: Group) -> Ack:
        (ack,) = self.tell("v1/edge-1/up/facts", pack(batch(*groups)))
        return ack

    @property
    def stored(self) -> list[bytes]:
        return [event.data for event in self.store.contents.events]

    @property
    def refusals(self) -> set[str]:
        return {code for _, code in self.store.contents.refusals}


@pytest.fixture
def central() -> Central:
    central = Central()
    central.greet()
    return central


def test_a_hello_is_answered_with_how_far_each_lane_is_stored(central):
    telemetry, facts = central.greet()

    assert (telemetry.lane, facts.lane) == ("telemetry", "facts")
    assert facts.welcome
    assert (facts.durable_through, facts.expected) == (0, 1)
    assert facts.incarnation == "1-abcd"


def test_a_batch_is_stored_as_it_came_and_acknowledged(central):
    events = [event_bytes("a"), event_bytes("b")]

    ack = central.send(group(1, events))

    assert (ack.durable_through, ack.problem) == (2, "")
    assert central.stored == events
    stored = central.store.contents.events[0]
    assert (stored.type, stored.station, stored.occurred_at) == ("signed_on", "press-1", 5)
    assert stored.received_at == 2_000


@pytest.mark.fault("F-38")
@pytest.mark.fault("F-47")
def test_the_same_batch_again_changes_nothing(central):
    first = group(1, [event_bytes("a")])
    central.send(first)

    ack = central.send(first)

    assert (ack.durable_through, ack.problem) == (1, "")
    assert len(central.stored) == 1


def test_a_batch_that_overlaps_adds_only_what_is_new(central):
    first = group(1, [event_bytes("a")])
    second = group(2, [event_bytes("b")], bytes.fromhex(first.hash))
    central.send(first)

    assert central.send(first, second).durable_through == 2
    assert central.stored == [event_bytes("a"), event_bytes("b")]


def test_a_gap_is_not_taken_and_says_what_is_expected(central):
    ack = central.send(group(4, [event_bytes("d")]))

    assert (ack.problem, ack.expected) == ("gap", 1)
    assert central.stored == []


@pytest.mark.fault("F-59")
def test_other_events_under_a_known_number_are_a_fork(central):
    central.send(group(1, [event_bytes("a")]))

    ack = central.send(group(1, [event_bytes("x")]))

    assert ack.problem == "fork"
    assert central.stored == [event_bytes("a")]


def test_a_group_that_does_not_follow_the_chain_is_refused(central):
    central.send(group(1, [event_bytes("a")]))

    ack = central.send(group(2, [event_bytes("b")], bytes(32)))

    assert (ack.problem, ack.durable_through) == ("chain", 1)
    assert "ingest.chain" in central.refusals


@pytest.mark.fault("F-39")
def test_a_group_whose_hash_is_not_that_of_its_events_is_refused(central):
    good = group(1, [event_bytes("a")])

    ack = central.send(msgspec.structs.replace(good, events=(msgspec.Raw(event_bytes("x")),)))

    assert ack.problem == "invalid"
    assert central.stored == []


def test_an_edge_that_is_not_enrolled_is_refused_without_an_answer(central):
    assert central.tell("v1/stranger/up/hello", pack(hello(edge="stranger"))) == []
    central.store.contents.edges["edge-1"].revoked = True
    assert central.greet() == []

    assert "ingest.not_enrolled" in central.refusals


@pytest.mark.fault("F-71")
def test_an_envelope_in_another_name_than_its_topic_is_refused(central):
    central.store.enrol("edge-2")

    assert central.tell("v1/edge-2/up/facts", pack(batch(group(1, [event_bytes("a")])))) == []
    assert central.tell("v1/edge-2/up/hello", pack(hello())) == []
    assert central.stored == []
    assert "message.invalid" in central.refusals


def test_a_lane_on_the_topic_of_another_is_refused(central):
    assert central.tell("v1/edge-1/up/telemetry", pack(batch(group(1, [event_bytes("a")])))) == []


@pytest.mark.parametrize(
    "topic",
    ["v1/edge-1/down/ack", "v2/edge-1/up/facts", "v1/edge-1/up/facts/x", "v1/#/up/facts", "", "x"],
)
def test_a_foreign_topic_is_refused(central, topic):
    assert central.tell(topic, pack(hello())) == []
    assert central.refusals


def test_bytes_that_are_cut_short_or_no_message_are_refused(central):
    whole = pack(batch(group(1, [event_bytes("a")])))
    for payload in (b"", b"{}", whole[:-3], whole[: len(whole) // 2], b"\x00" * 1_000_000):
        assert central.tell("v1/edge-1/up/facts", payload) == []
    assert central.stored == []


@pytest.mark.fault("F-39")
def test_a_bomb_is_refused_before_it_is_unpacked(central):
    bomb = zstandard.ZstdCompressor().compress(b" " * 64 * 1024 * 1024)

    assert central.tell("v1/edge-1/up/facts", bomb) == []
    assert "message.invalid" in central.refusals


def test_another_protocol_version_is_refused_by_name(central):
    message = msgspec.structs.replace(batch(group(1, [event_bytes("a")])), protocol=2)

    assert central.tell("v1/edge-1/up/facts", pack(message)) == []
    assert "message.unsupported_version" in central.refusals


@pytest.mark.parametrize(
    "changed",
    [
        {"first_seq": 0},
        {"first_seq": 1 << 63},
        {"schema": 0},
        {"schema": 1 << 20},
        {"hash": "zz"},
        {"previous": "AB" * 32},
        {"events": ()},
        {"events": tuple([msgspec.Raw(b"{}")] * 501)},
    ],
)
def test_impossible_groups_are_refused(central, changed):
    ack = central.send(msgspec.structs.replace(group(1, [event_bytes("a")]), **changed))

    assert ack.problem == "invalid"
    assert central.stored == []


@pytest.mark.fault("F-52")
@pytest.mark.fault("F-62")
@pytest.mark.parametrize(
    ("data", "schema", "code"),
    [
        (b'{"type":"of_the_future","station":"s","occurred_at":7}', 1, "message.invalid"),
        (b'{"type":"signed_on","occurred_at":7}', 99, "message.unsupported_version"),
        (b"[1,2]", 1, "message.invalid"),
        (
            b'{"type":"of\\u0000the future","occurred_at":99999999999999999999999}',
            1,
            "message.invalid",
        ),
    ],
)
def test_an_event_that_central_cannot_read_is_stored_acknowledged_and_marked(
    central, data, schema, code
):
    ack = central.send(group(1, [data], schema=schema))

    (stored,) = central.store.contents.events
    assert (ack.durable_through, ack.problem) == (1, "")
    assert stored.data == data
    assert stored.unreadable is not None
    assert stored.unreadable[0] == code
    assert "\x00" not in stored.type


def test_a_batch_of_an_unknown_journal_makes_the_edge_say_hello():
    central = Central()

    assert central.send(group(1, [event_bytes("a")])).problem == "chain"


@pytest.mark.parametrize(
    "changed",
    [
        {"epoch": ""},
        {"epoch": "x" * 65},
        {"epoch": "a\x00b"},
        {"boot": ""},
        {"head_seq": -1},
        {"oldest_seq": 0},
        {"oldest_seq": 9, "head_seq": 3},
        {"cursor": 1 << 63},
        {"sent_at": -5},
    ],
)
def test_a_hello_with_impossible_values_is_refused(central, changed):
    assert central.greet(**changed) == []
    assert "message.invalid" in central.refusals


def test_of_live_states_the_newest_is_kept_and_none_is_a_fact():
    store = MemoryEventStore()
    store.enrol("edge-1")
    inbound = Inbound(store, clock=ManualClock())
    for state in ("run", "stop"):
        live = Live(edge="edge-1", sent_at=1, head_seq=3, stations={"press-1": {"state": state}})
        assert inbound.receive([("v1/edge-1/up/live", pack(live))]) == []

    assert store.contents.live["edge-1"].stations == {"press-1": {"state": "stop"}}
    assert store.contents.events == []


@pytest.mark.fault("F-71")
@pytest.mark.parametrize(
    "changed",
    [
        {"head_seq": -1},
        {"sent_at": 1 << 63},
        {"stations": {f"s{number}": {} for number in range(300)}},
        {"stations": {"s": {f"f{number}": "" for number in range(30)}}},
        {"stations": {"s": {"state": "x" * 600}}},
        {"stations": {"s": {"state": "\x00"}}},
    ],
)
def test_an_impossible_live_state_is_refused(changed):
    store = MemoryEventStore()
    store.enrol("edge-1")
    inbound = Inbound(store, clock=ManualClock())
    values = {"sent_at": 1, "head_seq": 3, "stations": {"s": {"state": "run"}}} | changed

    inbound.receive([("v1/edge-1/up/live", pack(Live(edge="edge-1", **values)))])

    assert store.contents.live == {}
    assert ("edge-1", "message.invalid") in store.contents.refusals


def test_without_a_backup_edges_may_prune_what_is_stored():
    store = MemoryEventStore()
    store.enrol("edge-1")
    inbound = Inbound(store, clock=ManualClock(), without_backup=True)
    inbound.receive([("v1/edge-1/up/hello", pack(hello()))])

    ((_, answer),) = inbound.receive(
        [("v1/edge-1/up/facts", pack(batch(group(1, [event_bytes("a")]))))]
    )

    assert unpack(answer, Ack).backed_up_through == 1


@pytest.mark.fault("F-39")
@given(st.binary(max_size=2_000), st.sampled_from(["hello", "facts", "telemetry", "live"]))
@settings(max_examples=300, deadline=None)
def test_no_bytes_do_harm(payload, channel):
    central = Central()
    central.greet()

    for data in (payload, zstandard.ZstdCompressor().compress(payload)):
        assert central.tell(f"v1/edge-1/up/{channel}", data) == []
    assert central.stored == []
