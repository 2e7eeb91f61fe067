"""`lineside-edge probe` against a running server and a real tty."""

import argparse
import asyncio
import json
import threading
import tomllib

from lineside.edge_agent.commands import probe_modbus, probe_serial
from lineside.sim.servers.modbus import SimModbusServer
from lineside.sim.servers.serial import SimScanner


def arguments(module, *words):
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return parser.parse_args(words)


def test_probe_serial_listens_on_a_tty(tmp_path, capsys):
    with SimScanner(tmp_path / "scanner", prefix=b"\x02", suffix=b"\x03") as scanner:

        async def scan():
            for code in (b"]C1A", b"]d2B\x1d", b"]C1\\"):
                await asyncio.sleep(0.3)
                await scanner.scan(code)

        thread = threading.Thread(target=lambda: asyncio.run(scan()))
        thread.start()
        try:
            words = [str(scanner.path), "--seconds", "20", "--readings", "3", "--json"]
            assert probe_serial.run(arguments(probe_serial, *words)) == 0
        finally:
            thread.join()
        shown = json.loads(capsys.readouterr().out)
        assert [r["raw"] for r in shown["readings"]] == [
            r"\x02]C1A\x03",
            r"\x02]d2B\x1d\x03",
            r"\x02]C1\x5c\x03",
        ]
        assert (shown["prefix"], shown["suffix"], shown["aim"]) == (r"\x02", r"\x03", True)
        assert (
            probe_serial.run(arguments(probe_serial, str(scanner.path), "--seconds", "0.05")) == 1
        )


async def test_probe_modbus_reads_a_server_with_holes(tmp_path, capsys):
    async with SimModbusServer([3]) as server:
        server.set(3, state=6, parameter=315.25)
        server.dig_hole(3, 5)
        target, file = f"127.0.0.1:{server.port}", tmp_path / "device.toml"
        words = [target, "--unit", "3", "--count", "8", "--config", str(file)]
        status = await asyncio.to_thread(
            probe_modbus.run, arguments(probe_modbus, *words, "--json")
        )
        assert status == 0
        shown = json.loads(capsys.readouterr().out)
        assert shown["missing"] == [5]
        [row] = [v for v in shown["values"] if v["type"] == "float32" and v["address"] == 6]
        assert row["CDAB"] == 315.25
        assert tomllib.loads(file.read_text())["device"]
        assert await asyncio.to_thread(probe_modbus.run, arguments(probe_modbus, *words)) == 0
        assert "315.25" in capsys.readouterr().out
        bits = [target, "--unit", "3", "--table", "coils"]
        assert await asyncio.to_thread(probe_modbus.run, arguments(probe_modbus, *bits)) == 1
        assert "illegal function" in capsys.readouterr().err
