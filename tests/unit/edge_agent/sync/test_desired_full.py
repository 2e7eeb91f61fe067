"""Central's documents on a disk without room."""

from __future__ import annotations

import msgspec
import pytest

from lineside.contracts import topics
from lineside.contracts.clock import US_PER_SECOND, ManualClock
from lineside.contracts.commands import ItemInfo, encode_document
from lineside.contracts.envelope import Desired, DesiredObject, pack
from lineside.edge_agent.journal.errors import JournalFullError
from lineside.edge_agent.sync.desired_store import DesiredStore
from lineside.edge_agent.sync.downlink import Downlink


def item(name: str, position: int, text: str = "B") -> DesiredObject:
    return DesiredObject(
        kind="item",
        id=name,
        revision=1,
        position=position,
        body=msgspec.Raw(encode_document(ItemInfo(item=name, name=text))),
    )


def limit(store: DesiredStore, pages: int) -> None:
    """SQLite itself finds no room beyond so many pages; it takes no fewer than there are."""
    store._database.execute(f"PRAGMA max_page_count = {pages}").fetchall()


@pytest.fixture
def store(tmp_path):
    found = DesiredStore(tmp_path / "desired.db")
    yield found
    found.close()


@pytest.mark.fault("F-06")
def test_a_full_disk_refuses_a_document_whole_and_the_copies_before_stay_in_use(store):
    """A typed error that says what to do; with room again the same document is applied."""
    store.apply([item("A", 1)], through=1)
    limit(store, 1)
    more = [item(f"C{n}", n + 1, "long " * 2000) for n in range(1, 5)]

    with pytest.raises(JournalFullError, match="Free disk space"):
        store.apply(more, through=5)
    assert store.full
    assert store.cursor == 1
    assert [one.item for one in store.documents(ItemInfo)] == ["A"]
    assert [one.id for one in store.unreported()] == ["A"]

    limit(store, 1_000_000)
    store.apply(more, through=5)
    assert not store.full
    assert store.cursor == 5
    assert len(store.documents(ItemInfo)) == 5


@pytest.mark.fault("F-06")
def test_what_found_no_room_is_asked_for_again(store):
    """Central sends only differences: a lost one would otherwise wait for the next change."""
    greeted: list[int] = []
    clock = ManualClock(0)
    downlink = Downlink(
        "edge-1",
        store,
        clock=clock,
        greet=lambda: greeted.append(clock.monotonic()),
        report=lambda: None,
    )
    limit(store, 1)
    payload = pack(
        Desired(edge="edge-1", after=0, through=1, objects=(item("C", 1, "long " * 9000),))
    )

    for _ in range(2):
        with pytest.raises(JournalFullError):
            downlink.received(topics.down("edge-1", "desired"), payload)
        clock.advance(3 * US_PER_SECOND)
    assert len(greeted) == 2

    limit(store, 1_000_000)
    downlink.received(topics.down("edge-1", "desired"), payload)
    assert store.cursor == 1
