import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineside.contracts import codec, commands, envelope, topics
from lineside.contracts.errors import InvalidMessageError, UnsupportedVersionError
from lineside.contracts.events import EVENT_TYPES, CounterRead, MachineState, StateChanged
from lineside.contracts.examples import example

CASES = Path(__file__).resolve().parents[2] / "cases" / "events"


@pytest.mark.parametrize("kind", EVENT_TYPES, ids=lambda kind: kind.__name__)
def test_every_field_of_every_event_survives_the_bytes(kind):
    event = example(kind)
    assert codec.decode_event(codec.encode_event(event)) == event


@pytest.mark.parametrize("path", sorted(CASES.rglob("*.json")), ids=lambda path: path.stem)
@pytest.mark.fault("F-61")
def test_golden_events_of_every_schema_can_still_be_read(path):
    """The bytes that older edges stored are read for ever."""
    schema = int(path.parent.name.removeprefix("schema-"))
    data = msgspec.json.encode(json.loads(path.read_text()))
    event = codec.decode_event(data, schema=schema)
    assert type(event).__struct_config__.tag == path.stem


def test_several_events_have_the_bytes_that_each_has_alone():
    events = [example(kind) for kind in EVENT_TYPES]
    events.append(StateChanged(occurred_at=1, recorded_at=2, state=MachineState.RUN, reason="a\nb"))
    assert codec.encode_events(events) == [codec.encode_event(event) for event in events]
    assert codec.encode_events(events[:1]) == [codec.encode_event(events[0])]
    assert codec.encode_events([]) == []
    with pytest.raises(InvalidMessageError):
        codec.encode_events([events[0], msgspec.structs.replace(events[0], reason="x" * 70_000)])


def test_defaults_are_left_out_of_the_bytes():
    event = StateChanged(occurred_at=1, recorded_at=2, state=MachineState.RUN)
    assert (
        codec.encode_event(event)
        == b'{"type":"state_changed","occurred_at":1,"recorded_at":2,"state":"RUN"}'
    )


def test_decimals_travel_as_text():
    event = CounterRead(
        occurred_at=1, recorded_at=1, counter="c", value=1, max_per_min=Decimal("0.10")
    )
    assert b'"max_per_min":"0.10"' in codec.encode_event(event)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b'{"type":"no_such"}',
        b'{"type":"state_changed"}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_bytes_that_are_no_event_are_refused(data):
    with pytest.raises(InvalidMessageError):
        codec.decode_event(data)


def test_a_newer_schema_is_named():
    with pytest.raises(UnsupportedVersionError, match="Schema 99"):
        codec.decode_event(b"{}", schema=99)


@pytest.mark.fault("F-45")
def test_an_event_too_large_is_refused_with_a_hint():
    event = StateChanged(occurred_at=1, recorded_at=1, state=MachineState.RUN, raw="x" * 70_000)
    with pytest.raises(InvalidMessageError, match="Shorten"):
        codec.encode_event(event)


@given(st.lists(st.binary(max_size=20), max_size=5), st.lists(st.binary(max_size=20), max_size=5))
def test_different_lists_of_events_have_different_hashes(one, other):
    same = codec.chain_hash(codec.GENESIS_HASH, one) == codec.chain_hash(codec.GENESIS_HASH, other)
    assert same == (one == other)


@given(st.binary(max_size=300))
@pytest.mark.fault("F-39")
def test_unpack_answers_garbage_with_one_error(data):
    with pytest.raises(InvalidMessageError):
        envelope.unpack(data, envelope.Ack)


def test_messages_survive_the_wire():
    ack = envelope.Ack(
        edge="line-1",
        lane="facts",
        epoch="ab",
        durable_through=4,
        backed_up_through=0,
        incarnation="1-a",
        server_at=5,
    )
    assert envelope.unpack(envelope.pack(ack), envelope.Ack) == ack
    assert ack.expected == 5


@pytest.mark.fault("F-45")
def test_a_bomb_is_not_unpacked():
    import zstandard

    bomb = zstandard.ZstdCompressor().compress(b"0" * (envelope.UNPACKED_BYTES_MAX + 1))
    with pytest.raises(InvalidMessageError, match="unpacks to"):
        envelope.unpack(bomb, envelope.Ack)


def test_another_protocol_is_named():
    hello = envelope.Hello(
        edge="e",
        epoch="a",
        head_seq=0,
        head_hash="",
        oldest_seq=1,
        cursor=0,
        desired_hash="",
        boot="b",
        sent_at=1,
        protocol=2,
    )
    with pytest.raises(UnsupportedVersionError, match="Protocol 2"):
        envelope.unpack(envelope.pack(hello), envelope.Hello)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "v1/e",
        "v2/e/up/facts",
        "v1/e/down/ack",
        "v1/e/up/other",
        "v1/../up/facts",
        "v1/a b/up/facts",
        "v1/e/up/facts/x",
    ],
)
def test_foreign_topics_are_refused(topic):
    with pytest.raises(InvalidMessageError):
        topics.parse_up(topic)


def test_own_topics_are_read_back():
    assert topics.parse_up(topics.up("line-1", "facts")) == ("line-1", "facts")


def test_equal_documents_have_equal_bytes():
    one = commands.Reasons(stops={"A": ("甲", "a"), "B": ("乙", "b")}, defects={})
    other = commands.Reasons(stops={"B": ("乙", "b"), "A": ("甲", "a")}, defects={})
    assert commands.encode_document(one) == commands.encode_document(other)
    assert commands.decode_document(commands.encode_document(one)) == one
