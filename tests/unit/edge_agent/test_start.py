"""What an agent loads before its terminal answers: nothing that it does not need by then."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from lineside.contracts.clock import ManualClock
from lineside.contracts.errors import ConfigurationError, DriverUnavailableError
from lineside.contracts.samples import DriverNotice, Reading
from lineside.drivers import registry
from lineside.drivers.late import LateDriver

NOT_BEFORE_READY = (
    "asyncua", "pymodbus", "pandas", "numpy", "httpx", "weasyprint", "sqlalchemy", "alembic",
    "iotcore", "lineside.central", "lineside.sim",
)  # fmt: skip
EDGE = """
[edge]
listen = "127.0.0.1:0"
[[device]]
id = "plc"
driver = "opcua"
endpoint = "opc.tcp://127.0.0.1:{port}"
security_policy = "None"
insecure = true
signals = [{{ name = "good", node = "nsu=urn:plc;s=good" }}]
[[device]]
id = "meter"
driver = "modbus"
host = "127.0.0.1"
port = {port}
addressing = "zero"
signals = [{{ name = "good", address = 0, table = "holding" }}]
[[station]]
id = "S1"
state_from = "acts"
counts_from = "unit_finished"
"""
PROGRAM = """
import asyncio, sys
from pathlib import Path
from lineside.edge_agent import cli
from lineside.edge_agent import config

args = cli.parser("run").parse_args(["run", sys.argv[1]])

async def main():
    from lineside.edge_agent.app import Agent
    agent = Agent(config.load(args.file))
    await agent.begin()
    agent._server()[1].close()
    agent.close()

asyncio.run(main())
print(*sorted(name for name in sys.argv[2:] if name in sys.modules))
"""


@pytest.mark.fault("F-02")
def test_until_its_terminal_listens_an_agent_loads_no_library_of_a_device_or_of_central(
    tmp_path: Path,
) -> None:
    """What it loads decides how soon after a kill the terminal is there again."""
    file = tmp_path / "edge.toml"
    file.write_text(EDGE.format(port=9))

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(file), *NOT_BEFORE_READY],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].split() == []  # above it: the log


def test_only_the_command_that_is_asked_for_is_loaded() -> None:
    """`run` does not pay for `probe`; asked for no command, all are offered."""
    program = (
        "import sys; from lineside.edge_agent import cli; cli.parser(sys.argv[1]);"
        "print(*sorted(n for n in sys.modules if n.startswith('lineside.edge_agent.commands.')))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program, "run"], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["lineside.edge_agent.commands.agent"]


class TestALateDriver:
    def test_wrong_settings_are_refused_before_the_driver_is_loaded(self) -> None:
        """A wrong key stops the start, as with every driver, and is not found out later."""
        with pytest.raises(ConfigurationError, match="endpoint"):
            registry.build("opcua", {"signals": []}, clock=ManualClock(), file="edge.toml")

    def test_it_is_loaded_once_and_then_passes_everything_on(self) -> None:
        asyncio.run(_connects_twice())

    def test_a_write_before_the_first_connection_is_refused(self) -> None:
        late = LateDriver(_Known)

        with pytest.raises(DriverUnavailableError, match="never connected"):
            asyncio.run(late.write("lamp", value=True))
        asyncio.run(late.close())


class _Known:
    made = 0

    def __init__(self) -> None:
        _Known.made += 1
        self.calls: list[object] = []

    async def connect(self) -> None:
        self.calls.append("connect")

    async def readings(self) -> AsyncIterator[Sequence[Reading]]:
        yield [DriverNotice(kind=str(self.calls), detail="", read_at=0)]

    async def write(self, signal, value) -> None:
        self.calls.append((signal, value))

    async def close(self) -> None:
        self.calls.append("close")


async def _connects_twice() -> None:
    before = _Known.made
    late = LateDriver(_Known)

    await late.connect()
    await late.write("lamp", value=True)
    await late.close()
    await late.connect()
    seen = [reading async for batch in late.readings() for reading in batch]

    assert _Known.made == before + 1
    calls = ["connect", ("lamp", True), "close", "connect"]
    assert seen == [DriverNotice(kind=str(calls), detail="", read_at=0)]
