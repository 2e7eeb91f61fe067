"""Messages that come twice, late, out of order or broken, into a real database."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from lineside.central.ingest.event_store import PostgresEventStore
from lineside.central.ingest.inbound import Inbound
from lineside.contracts.codec import GENESIS_HASH, chain_hash, encode_event
from lineside.contracts.envelope import Ack, Batch, Group, Hello, pack, unpack
from lineside.contracts.events import SignedOn

EPOCH = "0123456789abcdef"
FACTS = "v1/line-1/up/facts"


@pytest.fixture
def inbound(report, engine, clock) -> Inbound:
    report.edge("line-1")
    found = Inbound(PostgresEventStore(engine, now=clock.now()), clock=clock)
    hello = Hello(
        edge="line-1", epoch=EPOCH, head_seq=0, head_hash=GENESIS_HASH.hex(), oldest_seq=1,
        cursor=0, desired_hash="", boot="b00", sent_at=clock.now(),
    )  # fmt: skip
    found.receive([("v1/line-1/up/hello", pack(hello))])
    return found


def batches(count: int) -> tuple[list[bytes], list[bytes]]:
    """Packed batches of three facts each, and the facts."""
    packed, told, previous = [], [], GENESIS_HASH
    for number in range(count):
        data = [
            encode_event(SignedOn(occurred_at=5, recorded_at=6, reason=f"{number}/{index}"))
            for index in range(3)
        ]
        now = chain_hash(previous, data)
        group = Group(
            first_seq=len(told) + 1, schema=1, previous=previous.hex(), hash=now.hex(),
            events=tuple(msgspec.Raw(one) for one in data),
        )  # fmt: skip
        packed.append(pack(Batch(edge="line-1", lane="facts", epoch=EPOCH, groups=(group,))))
        told += data
        previous = now
    return packed, told


def tell(inbound: Inbound, payload: bytes) -> Ack | None:
    answers = inbound.receive([(FACTS, payload)])
    return unpack(answers[0][1], Ack) if answers else None


def stored(engine) -> list[bytes]:
    with engine.connect() as connection:
        rows: Any = connection.execute(text("SELECT data FROM raw_event ORDER BY position"))
        return [bytes(one) for one in rows.scalars()]


@pytest.mark.fault("F-38")
def test_batches_doubled_and_out_of_order_are_stored_once_and_answers_never_fall(inbound, engine):
    """A batch that is days old changes nothing; what is acknowledged only rises."""
    packed, told = batches(20)
    chance = random.Random(38)
    through = 0
    while through < len(told):
        ack = tell(inbound, chance.choice(packed))
        assert ack is not None
        assert ack.durable_through >= through
        assert ack.problem in {"", "gap"}
        through = ack.durable_through
        assert stored(engine) == told[:through], "acknowledged is stored, and nothing besides"
    late = tell(inbound, packed[0])
    assert late is not None
    assert (late.problem, late.durable_through) == ("", len(told))
    assert stored(engine) == told


@pytest.mark.fault("F-39")
def test_whichever_bit_flips_nothing_of_the_message_is_stored_and_it_can_come_again(
    inbound, engine
):
    """Refused by its checksum and counted; the same message, whole, is taken afterwards."""
    packed, told = batches(1)
    chance = random.Random(39)
    for _ in range(150):
        broken = bytearray(packed[0])
        broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
        ack = tell(inbound, bytes(broken))
        assert ack is None or ack.durable_through == 0
        assert stored(engine) == []
    with engine.connect() as connection:
        counted = connection.execute(text("SELECT sum(count) FROM ingest_refusal")).scalar_one()
    assert counted >= 140
    ack = tell(inbound, packed[0])
    assert ack is not None
    assert ack.durable_through == 3
    assert stored(engine) == told
