"""A hello that was delayed on the way, and clocks that cannot say so."""

import pytest

from lineside.central.ingest.inbound import Inbound
from lineside.central.ingest.memory_store import MemoryEventStore
from lineside.contracts.clock import ManualClock
from lineside.contracts.codec import GENESIS_HASH
from lineside.contracts.envelope import Ack, Hello, pack, unpack

NOW = 1_790_000_000_000_000
YEAR_2000 = 946_684_800_000_000


class Central:
    def __init__(self) -> None:
        store = MemoryEventStore("1-abcd")
        store.enrol("edge-1")
        self.inbound = Inbound(store, clock=ManualClock(NOW))

    def greet(self, boot: str, *, sent_at: int, head_seq: int) -> str:
        """What the answer says: `welcome`, `fenced`, or nothing."""
        hello = Hello(
            edge="edge-1",
            epoch="abcdef",
            head_seq=head_seq,
            head_hash=GENESIS_HASH.hex(),
            oldest_seq=1,
            cursor=0,
            desired_hash="",
            boot=boot,
            sent_at=sent_at,
        )
        answers = self.inbound.receive([("v1/edge-1/up/hello", pack(hello))])
        acks = [unpack(data, Ack) for topic, data in answers if topic.endswith("welcome")]
        return (acks[-1].problem or "welcome") if acks else ""


@pytest.mark.fault("F-16", "F-38")
def test_a_late_hello_does_not_fence_an_agent_that_started_with_a_dead_clock():
    """Seen in the simulation: the right agent was fenced, until a person enrolled it again."""
    central = Central()
    assert central.greet("old", sent_at=NOW, head_seq=10) == "welcome"
    assert central.greet("new", sent_at=YEAR_2000, head_seq=11) == "welcome"

    assert central.greet("old", sent_at=NOW + 30, head_seq=10) == ""

    assert central.greet("new", sent_at=YEAR_2000 + 30, head_seq=12) == "welcome"


@pytest.mark.fault("F-16", "F-42", "F-59")
def test_an_agent_that_goes_on_beside_a_copy_with_a_dead_clock_fences_it():
    """What it has recorded since shows that it lives, whatever the clocks say."""
    central = Central()
    assert central.greet("old", sent_at=NOW, head_seq=10) == "welcome"
    assert central.greet("copy", sent_at=YEAR_2000, head_seq=8) == "welcome"

    assert central.greet("old", sent_at=NOW + 30, head_seq=13) == "welcome"
    assert central.greet("copy", sent_at=YEAR_2000 + 30, head_seq=9) == "fenced"
