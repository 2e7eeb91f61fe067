"""Desired state is applied whole or not at all, and what is missing is asked for."""

import msgspec
import pytest

from lineside.contracts.clock import ManualClock
from lineside.contracts.commands import Hold, ItemInfo, encode_document
from lineside.contracts.envelope import Desired, DesiredObject, desired_hash, pack
from lineside.contracts.errors import InvalidMessageError
from lineside.contracts.units import Thing, ThingKind
from lineside.edge_agent.sync.desired_store import DesiredStore
from lineside.edge_agent.sync.downlink import Downlink

TOPIC = "v1/edge-1/down/desired"


def item(identity: str, position: int, *, revision: int = 1, name: str = "Valve") -> DesiredObject:
    body = encode_document(ItemInfo(item=identity, name=name))
    return DesiredObject(
        kind="item", id=identity, revision=revision, position=position, body=msgspec.Raw(body)
    )


def gone(identity: str, position: int, revision: int = 2) -> DesiredObject:
    return DesiredObject(kind="item", id=identity, revision=revision, position=position)


class Edge:
    def __init__(self, path):
        self.clock = ManualClock(1)
        self.store = DesiredStore(path)
        self.greeted = 0
        self.reports = 0
        self.downlink = Downlink(
            "edge-1", self.store, clock=self.clock, greet=self._greet, report=self._report
        )

    def _greet(self):
        self.greeted += 1

    def _report(self):
        self.reports += 1

    def hear(self, *objects, after, through, edge="edge-1", **more):
        message = Desired(edge=edge, after=after, through=through, objects=objects, **more)
        self.downlink.received(TOPIC, pack(message))

    def items(self):
        return {found.item: found.name for found in self.store.documents(ItemInfo)}


@pytest.fixture
def edge(tmp_path):
    edge = Edge(tmp_path / "desired.db")
    yield edge
    edge.store.close()


def test_differences_are_applied_in_order_and_survive_a_restart(edge, tmp_path):
    edge.hear(item("A", 1), item("B", 2), after=0, through=2)
    edge.hear(item("A", 3, revision=2, name="Pump"), gone("B", 4), after=2, through=4)
    edge.store.close()

    again = DesiredStore(tmp_path / "desired.db")
    found = again.document(ItemInfo, "A")

    assert found is not None
    assert found.name == "Pump"
    assert again.document(ItemInfo, "B") is None
    assert (again.cursor, again.revision("item", "A")) == (4, 2)
    again.close()


def test_a_doubled_message_changes_nothing_and_asks_for_nothing(edge):
    edge.hear(item("A", 1), after=0, through=1)
    edge.hear(item("A", 1), after=0, through=1)

    assert edge.greeted == 0
    assert edge.reports == 1
    assert edge.store.cursor == 1


def test_a_missing_message_makes_the_edge_ask_but_not_all_the_time(edge):
    edge.hear(item("B", 2), after=1, through=2)
    edge.hear(item("C", 3), after=2, through=3)

    assert edge.greeted == 1
    assert edge.items() == {}

    edge.clock.advance(3_000_000)
    edge.hear(item("D", 4), after=3, through=4)
    assert edge.greeted == 2


def test_a_complete_state_removes_what_is_not_in_it(edge):
    edge.hear(item("A", 1), item("B", 2), after=0, through=2)
    edge.hear(item("B", 1), item("C", 2), after=0, through=7, complete=True)

    assert edge.items() == {"B": "Valve", "C": "Valve"}
    assert edge.store.cursor == 7


def test_a_complete_state_in_parts_counts_only_with_its_last_part(edge):
    edge.hear(item("A", 1), after=0, through=1)
    edge.hear(item("B", 3), after=0, through=3, complete=True, more=True)
    assert edge.items() == {"A": "Valve"}

    edge.hear(item("C", 5), after=3, through=5, complete=True)

    assert edge.items() == {"B": "Valve", "C": "Valve"}


def test_half_of_a_complete_state_is_forgotten_when_the_connection_breaks(edge):
    edge.hear(item("B", 3), after=0, through=3, complete=True, more=True)
    edge.downlink.disconnected()
    edge.hear(item("C", 5), after=3, through=5, complete=True)

    assert edge.items() == {}
    assert edge.greeted == 1


def test_a_document_that_cannot_be_used_is_kept_reported_and_the_one_before_stays(edge):
    edge.hear(item("A", 1), after=0, through=1)
    broken = DesiredObject(
        kind="item", id="A", revision=2, position=2, body=msgspec.Raw(b'{"type":"item"}')
    )
    future = DesiredObject(
        kind="of_the_future", id="F", revision=1, position=3, body=msgspec.Raw(b"{}")
    )

    edge.hear(broken, future, after=1, through=3)

    assert edge.items() == {"A": "Valve"}
    assert edge.store.revision("item", "A") == 1
    reports = edge.store.unreported()
    assert [(report.id, report.revision, bool(report.refused)) for report in reports] == [
        ("A", 1, False),
        ("A", 2, True),
        ("F", 1, True),
    ]
    assert edge.store.content_hash == desired_hash(
        [("item", "A", 2, b'{"type":"item"}'), ("of_the_future", "F", 1, b"{}")]
    )


def test_reports_stay_until_they_are_in_the_journal(edge):
    edge.hear(item("A", 1), item("B", 2), after=0, through=2)
    first, second = edge.store.unreported()

    edge.store.reported(first.number)

    assert edge.store.unreported() == [second]


def test_listeners_hear_what_changed(edge):
    heard = []
    edge.store.on_change(heard.append)
    hold = Hold(
        hold="H1", thing=Thing(kind=ThingKind.LOT, item="A", id="L1"), reason="crack", since=1
    )
    body = msgspec.Raw(encode_document(hold))

    edge.hear(
        DesiredObject(kind="hold", id="H1", revision=1, position=1, body=body), after=0, through=1
    )

    assert heard == [{("hold", "H1")}]
    assert edge.store.document(Hold, "H1") == hold


@pytest.mark.parametrize("topic", ["v1/edge-2/down/desired", "v1/edge-1/down/ack"])
def test_messages_for_others_are_refused(edge, topic):
    message = Desired(edge="edge-2", after=0, through=1, objects=(item("A", 1),))

    with pytest.raises(InvalidMessageError):
        edge.downlink.received(topic, pack(message))
    with pytest.raises(InvalidMessageError):
        edge.hear(item("A", 1), after=0, through=1, edge="edge-2")
    assert edge.items() == {}
