"""Clients of the OPC UA benchmark that store nothing, each a process of its own.

`python -m benchmarks._opcua_clients bare|driver ENDPOINT VARIABLES` prints `ready`, and then how
many values have come, ten times a second while more come.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from asyncua import ua as typed_ua
from asyncua.client.client import Client

from lineside.contracts.clock import SystemClock
from lineside.contracts.samples import SignalSample
from lineside.drivers.opcua.driver import build

ua: Any = typed_ua  # its annotations do not fit its own use
PUBLISHING_MS, QUEUE, SUBSCRIBE_AT_ONCE = 100, 1000, 100
NAMESPACE = "urn:lineside:load"


class Counting:
    """What has come so far."""

    def __init__(self) -> None:
        self.values = 0

    def datachange_notification(self, node: Any, val: Any, data: Any) -> None:
        """Do nothing but count."""
        del node, val, data
        self.values += 1

    async def tell(self, variables: int) -> None:
        """Say that the first values are there, then how many came since."""
        while self.values < variables:  # noqa: ASYNC110 - the handler must do nothing but count
            await asyncio.sleep(0.05)
        self.values = told = 0
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            await asyncio.sleep(0.1)
            if self.values != told:
                told = self.values
                sys.stdout.write(f"{told}\n")
                sys.stdout.flush()


async def bare(endpoint: str, variables: int, counting: Counting) -> None:
    """The library's own subscription with a handler that does nothing."""
    client = Client(endpoint, timeout=30)
    async with client:
        index = await client.get_namespace_index(NAMESPACE)
        handler: Any = counting
        subscription: Any = await client.create_subscription(PUBLISHING_MS, handler)
        nodes = [client.get_node(ua.NodeId(f"V{n}", index)) for n in range(variables)]
        for at in range(0, variables, SUBSCRIBE_AT_ONCE):
            await subscription.subscribe_data_change(
                nodes[at : at + SUBSCRIBE_AT_ONCE], queuesize=QUEUE, sampling_interval=0
            )
        await counting.tell(variables)


def settings(endpoint: str, variables: int) -> dict[str, Any]:
    """The table of our device, as in `edge.toml`."""
    return {
        "endpoint": endpoint,
        "security_policy": "None",
        "insecure": True,
        "publishing_ms": PUBLISHING_MS,
        "sampling_ms": 0,
        "signals": [
            {"name": f"V{n}", "node": f"nsu={NAMESPACE};s=V{n}", "queue_size": QUEUE}
            for n in range(variables)
        ],
    }


async def driver(endpoint: str, variables: int, counting: Counting) -> None:
    """Our driver; its samples go nowhere."""
    with tempfile.TemporaryDirectory() as folder:
        ours = build(
            settings(endpoint, variables), clock=SystemClock(), file=str(Path(folder) / "edge.toml")
        )
        await ours.connect()
        teller = asyncio.create_task(counting.tell(variables))
        async for batch in ours.readings():
            counting.values += sum(isinstance(reading, SignalSample) for reading in batch)
        await teller


if __name__ == "__main__":
    kind = {"bare": bare, "driver": driver}[sys.argv[1]]
    asyncio.run(kind(sys.argv[2], int(sys.argv[3]), Counting()))
