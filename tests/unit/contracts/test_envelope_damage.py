"""A flipped bit must not make another message of one."""

import contextlib

import pytest

from lineside.contracts.codec import decode_event
from lineside.contracts.commands import decode_document
from lineside.contracts.envelope import Ack, pack, unpack
from lineside.contracts.errors import InvalidMessageError, LinesideError

ACK = Ack(
    edge="edge-1",
    lane="facts",
    epoch="c21b8d9ba4c8b3e2",
    durable_through=900,
    backed_up_through=700,
    incarnation="4-9f3c",
    server_at=1_790_000_000_000_000,
)


@pytest.mark.fault("F-39")
def test_no_flipped_bit_makes_another_acknowledgement():
    """Seen in the simulation: a garbled hello opened an epoch that no edge has."""
    data = pack(ACK)
    for place in range(len(data) * 8):
        damaged = bytearray(data)
        damaged[place // 8] ^= 1 << place % 8
        with contextlib.suppress(LinesideError):
            assert unpack(bytes(damaged), Ack) == ACK


@pytest.mark.fault("F-39")
def test_a_message_that_was_cut_short_is_refused():
    data = pack(ACK)
    for length in range(len(data)):
        with pytest.raises(InvalidMessageError):
            unpack(data[:length], Ack)


@pytest.mark.fault("F-52", "F-71")
@pytest.mark.parametrize("data", [b'{"type":"agent_stopped","station":"\xa8"}', b'{"\xff":1}'])
def test_bytes_that_are_no_utf8_are_refused_in_order(data):
    """Found by fuzzing: a UnicodeDecodeError would have ended central's transaction."""
    for schema in (1, 0):
        with pytest.raises(InvalidMessageError):
            decode_event(data, schema=schema)
    with pytest.raises(InvalidMessageError):
        decode_document(data)
