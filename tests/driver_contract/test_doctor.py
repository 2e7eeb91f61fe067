"""`lineside-edge doctor` names the cause, with real servers that are really wrong."""

import asyncio
import os
import pty
import shutil
import socket

import pytest

from lineside.central.authority import Authority
from lineside.contracts.clock import ManualClock, SystemClock
from lineside.edge_agent.commands import doctor
from lineside.edge_agent.enrolment import save_identity
from lineside.sim.servers.certificates import make_identity
from lineside.sim.servers.modbus import SimModbusServer
from lineside.sim.servers.opcua import SimOpcUaServer

DAY_US = 86_400_000_000


def closed_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def press(host, port, more=""):
    return (
        f'[[device]]\nid = "press"\ndriver = "modbus"\nhost = "{host}"\nport = {port}\n{more}'
        'addressing = "modicon"\n[[device.signals]]\nname = "state"\naddress = 40001\n'
    )


@pytest.fixture
def ask(tmp_path):
    async def look(devices="", *, clock=None, more=""):
        file = tmp_path / "edge.toml"
        file.write_text(
            f'[edge]\ndata_dir = "data"\nlisten = "127.0.0.1:{closed_port()}"\n{more}{devices}',
            encoding="utf-8",
        )
        found = await doctor.examine(file, clock=clock or SystemClock())
        return {one.check: one for one in found}

    return look


async def test_a_name_that_nobody_knows(ask):
    found = (await ask(press("press.invalid", 502)))["device press"]
    assert (found.ok, found.cause) == (False, "network")
    assert "press.invalid" in found.text
    assert found.hint


async def test_a_port_at_which_nothing_listens(ask):
    port = closed_port()
    found = (await ask(press("127.0.0.1", port)))["device press"]
    assert (found.ok, found.cause) == (False, "port")
    assert str(port) in found.text


@pytest.mark.fault("F-29")
async def test_a_port_behind_which_nobody_answers(ask):
    async def mute(reader, writer):
        await reader.read()
        writer.close()

    async with await asyncio.start_server(mute, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        device = press("127.0.0.1", port, "timeout_s = 0.2\nretries = 0\n")
        found = (await ask(device))["device press"]
    assert (found.ok, found.cause) == (False, "network")


async def test_a_modbus_device_in_order(ask):
    async with SimModbusServer([1]) as server:
        found = (await ask(press("127.0.0.1", server.port)))["device press"]
    assert found.ok, found


@pytest.mark.fault("F-24")
@pytest.mark.fault("F-28")
async def test_an_opc_ua_server_from_distrust_to_a_wrong_node(ask, tmp_path):
    identity = make_identity("urn:lineside:test:server", hosts=("127.0.0.1",))
    async with SimOpcUaServer(namespace="urn:lineside:test", identity=identity) as server:
        await server.add_machine("M1", parameters={"torque": 1.5})
        device = f'[[device]]\nid = "plc"\ndriver = "opcua"\nendpoint = "{server.endpoint}"\n'
        right = f'[[device.signals]]\nname = "state"\nnode = "{server.node("M1.State")}"\n'
        wrong = f'[[device.signals]]\nname = "gone"\nnode = "{server.node("M1.Gone")}"\n'

        stranger = (await ask(device + right))["device plc"]
        assert (stranger.ok, stranger.cause) == (False, "certificate")

        rejected = tmp_path / "pki/opcua/rejected"
        for certificate in rejected.iterdir():
            shutil.move(certificate, tmp_path / "pki/opcua/trusted" / certificate.name)
        assert (await ask(device + right))["device plc"].ok

        partly = (await ask(device + right + wrong))["device plc"]
        assert (partly.ok, partly.cause) == (False, "node")
        assert "gone" in partly.text


@pytest.mark.fault("F-34")
async def test_a_scanner_that_is_not_plugged_in_and_one_that_is(ask, tmp_path):
    away = f'[[device]]\nid = "scanner"\ndriver = "serial_line"\nport = "{tmp_path}/none"\n'
    found = (await ask(away))["device scanner"]
    assert (found.ok, found.cause) == (False, "serial_device")

    ours, theirs = pty.openpty()
    try:
        there = away.replace(f"{tmp_path}/none", os.ttyname(theirs))
        assert (await ask(there))["device scanner"].ok
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.fault("F-69")
async def test_a_certificate_that_ends_soon_or_has_ended(ask, tmp_path):
    now = SystemClock().now()
    authority = Authority.create(tmp_path / "authority", site="test", now=now)
    issued = authority.issue_edge("line-1", now=now, days=90)
    issued.save(tmp_path / "made", "edge")
    files = {path.suffix: path for path in (tmp_path / "made").iterdir()}
    save_identity(
        tmp_path,
        key=files[".key"].read_bytes(),
        certificate=files[".crt"].read_bytes(),
        authority=authority.certificate,
    )
    more = '[identity]\ncertificate = "edge.crt"\nkey = "edge.key"\nauthority = "ca.crt"\n'

    assert (await ask(more=more))["certificate"].ok
    soon = (await ask(more=more, clock=ManualClock(now + 85 * DAY_US)))["certificate"]
    assert (soon.ok, soon.cause) == (False, "certificate")
    ended = (await ask(more=more, clock=ManualClock(now + 95 * DAY_US)))["certificate"]
    assert "ended" in ended.text
    assert "invite" in ended.hint


@pytest.mark.fault("F-16")
async def test_a_dead_clock(ask):
    found = (await ask(clock=ManualClock(0)))["clock"]
    assert (found.ok, found.cause) == (False, "clock")


async def test_a_wrong_configuration_is_the_only_finding(tmp_path):
    file = tmp_path / "edge.toml"
    file.write_text("[edge]\nlisten = 5\n", encoding="utf-8")
    (found,) = await doctor.examine(file, clock=SystemClock())
    assert (found.ok, found.cause) == (False, "configuration")
    assert "edge.listen" in found.text
