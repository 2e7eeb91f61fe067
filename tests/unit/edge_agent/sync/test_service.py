"""The sync's event loop, without a broker."""

import asyncio
from concurrent.futures import Future

import msgspec
import pytest

from lineside.contracts.clock import SystemClock
from lineside.contracts.commands import ItemInfo, encode_document
from lineside.contracts.envelope import DesiredObject
from lineside.edge_agent.journal.errors import JournalFullError
from lineside.edge_agent.journal.store import Journal
from lineside.edge_agent.sync.actions import OpenEpoch
from lineside.edge_agent.sync.desired_store import DesiredStore
from lineside.edge_agent.sync.mqtt import Broker
from lineside.edge_agent.sync.service import SyncService


async def test_a_cancellation_that_meets_a_wake_up_ends_the_sync(tmp_path):
    """An agent that stops just as something is committed must not wait for ever."""
    clock = SystemClock()
    desired = DesiredStore(tmp_path / "desired.db")
    with Journal.open(tmp_path / "journal.db", clock=clock) as journal:
        service = SyncService(
            "edge-1", Broker("127.0.0.1", 1), journal=journal, desired=desired, clock=clock
        )
        # Without the wire: a connection that is refused is of no interest here.
        service._link.start = lambda: None
        task = asyncio.create_task(service.run())
        await asyncio.sleep(0.05)

        service._changed.set()
        await asyncio.sleep(0)  # the waiter is done, and has not yet run on
        task.cancel()

        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(5):
                await task
    desired.close()


@pytest.mark.fault("F-06")
async def test_a_full_disk_puts_reports_and_epochs_off_and_ends_nothing(tmp_path, monkeypatch):
    """Seen in the simulation: either of them ended the sync, and with it the agent."""
    full = [True]
    append, begin = Journal.append_async, Journal.begin_epoch

    async def append_async(self, events, **more):
        if full[0]:
            raise JournalFullError
        return await append(self, events, **more)

    def begin_epoch(self, base):
        if full[0]:
            refused: Future[str] = Future()
            refused.set_exception(JournalFullError())
            return refused
        return begin(self, base)

    monkeypatch.setattr(Journal, "append_async", append_async)
    monkeypatch.setattr(Journal, "begin_epoch", begin_epoch)
    clock = SystemClock()
    desired = DesiredStore(tmp_path / "desired.db")
    item = DesiredObject(
        kind="item", id="A", revision=1, position=1,
        body=msgspec.Raw(encode_document(ItemInfo(item="A", name="B"))),
    )  # fmt: skip
    desired.apply([item], through=1)
    with Journal.open(tmp_path / "journal.db", clock=clock) as journal:
        service = SyncService(
            "edge-1", Broker("127.0.0.1", 1), journal=journal, desired=desired, clock=clock
        )
        before = journal.epoch
        await service._record_applied()
        await service._carry_out([OpenEpoch(0)])
        assert (journal.head(), journal.epoch) == (0, before)
        assert desired.unreported()

        full[0] = False
        await service._record_applied()
        await service._open_epoch()

        assert journal.head() == 1
        assert not desired.unreported()
        assert journal.epoch != before
    desired.close()
