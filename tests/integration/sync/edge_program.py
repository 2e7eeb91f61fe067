"""An edge that appends and syncs until it is killed; it prints what it was told to be saved.

Arguments: folder, port, certificate folder or `-`, number of events.
"""

import asyncio
import sys
from decimal import Decimal
from pathlib import Path

from lineside.contracts.clock import SystemClock
from lineside.contracts.events import CounterRead
from lineside.edge_agent.journal.store import Journal
from lineside.edge_agent.sync.desired_store import DesiredStore
from lineside.edge_agent.sync.mqtt import Broker, Tls
from lineside.edge_agent.sync.service import SyncService


def say(word: object) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def main(folder: Path, port: int, certificates: str, count: int) -> None:
    clock = SystemClock()
    tls = None
    if certificates != "-":
        base = Path(certificates)
        tls = Tls(base / "ca.crt", base / "edge-1.crt", base / "edge-1.key")
    with Journal.open(folder / "edge-1.db", clock=clock) as journal:
        desired = DesiredStore(folder / "edge-1-desired.db")
        service = SyncService(
            "edge-1", Broker("127.0.0.1", port, tls), journal=journal, desired=desired, clock=clock
        )
        task = asyncio.create_task(service.run())
        start = int(journal.baselines().get("counter", b"0"))
        for number in range(start + 1, count + 1):
            now = clock.now()
            read = CounterRead(
                occurred_at=now, recorded_at=now, counter="c", value=number, max_per_min=Decimal(60)
            )
            await journal.append_async([read], baselines={"counter": str(number).encode()})
            say(f"saved {number}")
        say("done")
        await task


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
