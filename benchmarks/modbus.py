"""Modbus TCP: CPU a read of 125 registers, decoded to typed values, by our driver and by others.

All ask one server (libmodbus, a process of its own) for the same 125 registers, again and again.
CPU is that of the client's process (user and system); wall time is not compared, since server and
client share cores. Rounds take turns, ratios are of neighbours in time; their median counts.

Two layouts: `typed` holds 25 float32, 25 int32 and 25 uint16, `flat` 125 uint16 signals.

* `ours`: the driver, from its request to `SignalSample`s with quality and time.
* `pymodbus`: its asynchronous client and its own conversion, a call for each value.
* `bare`: asyncio streams and one `struct`, no checks: the limit.
* `gateway`: thingsboard-gateway 3.8 with 125 tags, values counted where it publishes them (MQTT).
  It does more than the driver (it publishes), and part of its CPU is what it uses when it polls
  nothing, given as `idle_cpu_share`. At shorter intervals its polls overtake each other.

Prints one line of JSON. Run: `python -m benchmarks.modbus [reads a round]`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from pymodbus.client import AsyncModbusTcpClient

from benchmarks.peers import gateway_python, start_gateway
from benchmarks.start import used
from lineside.central.broker import EmbeddedBroker
from lineside.contracts.clock import SystemClock, sleep_blocking
from lineside.drivers.modbus.driver import build

REGISTERS = 125
SERVER_SOURCE = Path(__file__).parent.parent / "tests/peers/libmodbus/server.c"
TYPED = [
    (kind, first + at, count)
    for first in range(0, REGISTERS, 5)
    for kind, at, count in (("float32", 0, 2), ("int32", 2, 2), ("uint16", 4, 1))
]
FLAT = [("uint16", at, 1) for at in range(REGISTERS)]
ROUNDS, WARM_READS = 9, 50
GATEWAY_POLL_MS, GATEWAY_S, GATEWAY_READY_S = 250, 20.0, 60.0
NEVER_MS, IDLE_S = 3_600_000, 10.0

Layout = list[tuple[str, int, int]]
Watched = tuple[int, float]


@contextlib.contextmanager
def server(folder: Path) -> Generator[int]:
    """The libmodbus server; its port."""
    compiler = shutil.which("cc")
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libmodbus"],
        capture_output=True,
        text=True,
        check=False,
    )
    if compiler is None or flags.returncode:
        raise SystemExit("benchmarks.modbus needs a C compiler and libmodbus-dev.")
    subprocess.run(
        [
            *(compiler, "-O2", "-DREGISTERS=200", SERVER_SOURCE, "-o", folder / "server"),
            *flags.stdout.split(),
        ],
        check=True,
    )
    with subprocess.Popen(
        [folder / "server", "tcp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


async def ours(port: int, layout: Layout, reads: int) -> float:
    """CPU seconds of the driver."""
    signals = [
        {"name": f"s{first}", "address": first, "table": "holding", "type": kind}
        for kind, first, _ in layout
    ]
    driver = build(
        {
            "host": "127.0.0.1",
            "port": port,
            "addressing": "zero",
            "poll_s": 1e-6,
            "signals": signals,
        },
        clock=SystemClock(),
        file="benchmark",
    )
    await driver.connect()
    readings = driver.readings()
    for _ in range(WARM_READS):
        await anext(readings)
    began = time.process_time()
    for _ in range(reads):
        batch = await anext(readings)
        assert len(batch) == len(layout)
    took = time.process_time() - began
    await readings.aclose()  # type: ignore[attr-defined]
    await driver.close()
    return took


async def pymodbus(port: int, layout: Layout, reads: int) -> float:
    """CPU seconds of pymodbus with its own conversion."""
    client = AsyncModbusTcpClient("127.0.0.1", port=port)
    await client.connect()
    types = {
        "float32": client.DATATYPE.FLOAT32,
        "int32": client.DATATYPE.INT32,
        "uint16": client.DATATYPE.UINT16,
    }
    slices = [(types[kind], first, first + count) for kind, first, count in layout]

    async def read() -> list[Any]:
        found = (await client.read_holding_registers(0, count=REGISTERS)).registers
        return [
            client.convert_from_registers(found[begin:end], kind) for kind, begin, end in slices
        ]

    for _ in range(WARM_READS):
        await read()
    began = time.process_time()
    for _ in range(reads):
        assert len(await read()) == len(layout)
    took = time.process_time() - began
    client.close()
    return took


async def bare(port: int, layout: Layout, reads: int) -> float:
    """CPU seconds of asyncio streams and one struct."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    codes = {"float32": "f", "int32": "i", "uint16": "H"}
    form = struct.Struct(">" + "".join(codes[kind] for kind, _, _ in layout))
    request = struct.Struct(">HHHBBHH")

    async def read(number: int) -> tuple[Any, ...]:
        writer.write(request.pack(number & 0xFFFF, 0, 6, 1, 3, 0, REGISTERS))
        answer = await reader.readexactly(9 + 2 * REGISTERS)
        return form.unpack_from(answer, 9)

    for number in range(WARM_READS):
        await read(number)
    began = time.process_time()
    for number in range(reads):
        assert len(await read(number)) == len(layout)
    took = time.process_time() - began
    writer.close()
    await writer.wait_closed()
    return took


class Sink:
    """Takes what the gateway publishes, and gives the one answer that it waits for: no limits."""

    def __init__(self, port: int) -> None:
        self.values = 0
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.on_message = self._take
        self._client.connect("127.0.0.1", port)
        self._client.subscribe("v1/#", qos=1)
        self._client.loop_start()

    def _take(self, client: Client, _: object, message: MQTTMessage) -> None:
        if message.topic.startswith("v1/devices/me/rpc/request/"):
            limits = ("messages", "telemetryMessages", "telemetryDataPoints")
            answer = {"rateLimits": dict.fromkeys(limits, "0:0"), "maxInflightMessages": 100}
            topic = message.topic.replace("request", "response")
            client.publish(topic, json.dumps(answer), qos=1)
        elif message.topic == "v1/gateway/telemetry":
            for rows in json.loads(message.payload).values():
                self.values += sum(len(row["values"]) for row in rows)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def gateway_settings(port: int, poll_ms: int) -> dict[str, Any]:
    tags = [
        {
            "tag": f"s{at}",
            "type": "16uint",
            "functionCode": 3,
            "objectsCount": 1,
            "address": at,
        }
        for at in range(REGISTERS)
    ]
    slave = {
        "host": "127.0.0.1",
        "port": port,
        "method": "socket",
        "type": "tcp",
        "unitId": 1,
        "deviceName": "meter",
        "timeout": 5,
        "byteOrder": "BIG",
        "wordOrder": "BIG",
        "retries": True,
        "retryOnEmpty": True,
        "retryOnInvalid": True,
        "pollPeriod": poll_ms,
        "connectAttemptTimeMs": 500,
        "connectAttemptCount": 5,
        "waitAfterFailedAttemptsMs": 1000,
        "attributes": [],
        "timeseries": tags,
        "attributeUpdates": [],
        "rpc": [],
    }
    return {"master": {"slaves": [slave]}}


def watched_gateway(folder: Path, port: int, python: Path, poll_ms: int, seconds: float) -> Watched:
    """Values that came and CPU seconds that went in some seconds of a running gateway."""
    folder.mkdir()
    broker = EmbeddedBroker(folder / "broker")
    broker.start()
    sink = Sink(broker.port)
    settings = gateway_settings(port, poll_ms)
    (folder / "gateway").mkdir()
    process = start_gateway(
        python,
        folder / "gateway",
        {"type": "modbus", "name": "meter"},
        settings,
        port=broker.port,
    )
    try:
        deadline = time.perf_counter() + GATEWAY_READY_S
        while not sink.values and time.perf_counter() < deadline:
            sleep_blocking(0.1)
        sleep_blocking(5.0)  # it is still starting other things
        values, cpu_s = sink.values, used(process.pid)[0]
        sleep_blocking(seconds)
        return sink.values - values, used(process.pid)[0] - cpu_s
    finally:
        process.kill()
        process.wait()
        sink.close()
        broker.stop()


def gateway(folder: Path, port: int) -> dict[str, float]:
    """Values a CPU second of thingsboard-gateway; empty where it cannot be installed or run."""
    python = gateway_python()
    if python is None:
        return {}
    _, idle_s = watched_gateway(folder / "idle", port, python, NEVER_MS, IDLE_S)
    values, cpu_s = watched_gateway(folder / "polls", port, python, GATEWAY_POLL_MS, GATEWAY_S)
    if not values:
        log = (folder / "polls/gateway/gateway.log").read_text(errors="replace")
        sys.stderr.write(f"thingsboard-gateway is left out: it published nothing.\n{log[-2000:]}\n")
        return {}
    return {
        "values": values,
        "cpu_s": cpu_s,
        "idle_cpu_share": idle_s / IDLE_S,
        "values_per_cpu_s": values / cpu_s,
    }


def quartiles(name: str, over: list[float], under: list[float]) -> dict[str, float]:
    """Median and quartiles of ratios of neighbours."""
    low, middle, high = statistics.quantiles(
        [one / other for one, other in zip(over, under, strict=True)], n=4
    )
    return {name: middle, f"{name}_q1": low, f"{name}_q3": high}


def main(reads: int) -> None:
    taken: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory() as scratch, server(Path(scratch)) as port:
        for _ in range(ROUNDS):
            for layout_name, layout in (("typed", TYPED), ("flat", FLAT)):
                for client in (pymodbus, ours, bare):
                    took = asyncio.run(client(port, layout, reads))
                    rounds = taken.setdefault(layout_name, {}).setdefault(client.__name__, [])
                    rounds.append(took / reads)
        peer = gateway(Path(scratch), port)
    result: dict[str, Any] = {"registers": REGISTERS, "reads": reads}
    for layout_name, found in taken.items():
        result[layout_name] = {
            **{f"{name}_us": statistics.median(one) * 1e6 for name, one in found.items()},
            **quartiles("ratio_to_pymodbus", found["ours"], found["pymodbus"]),
            **quartiles("ratio_to_bare", found["ours"], found["bare"]),
        }
    result["values_per_cpu_s"] = len(FLAT) / statistics.median(taken["flat"]["ours"])
    if peer:
        ratio = result["values_per_cpu_s"] / peer["values_per_cpu_s"]
        result |= {"gateway": peer, "times_gateway": ratio}
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
