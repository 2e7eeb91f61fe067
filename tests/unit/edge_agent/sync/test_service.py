"""The sync's event loop, without a broker."""

import asyncio

import pytest

from lineside.contracts.clock import SystemClock
from lineside.edge_agent.journal.store import Journal
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
