"""`lineside-edge probe`: what it says of registers and bytes; the configurations it writes work."""

import argparse
import struct
import tomllib

import pytest

from lineside.contracts.clock import ManualClock
from lineside.drivers import registry
from lineside.drivers.decoding import Table
from lineside.drivers.serial_port import PortSettings
from lineside.edge_agent.commands import probe_modbus, probe_serial


def arguments(module, *words):
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return parser.parse_args(words)


def driver_of(skeleton):
    [table] = tomllib.loads(skeleton)["device"]
    table.pop("id")
    return registry.build(table.pop("driver"), table, clock=ManualClock(), file="skeleton")


def test_all_word_orders_stand_side_by_side():
    report = probe_modbus.describe(
        {0: 0xE979, 1: 0x42F6, 2: None, 3: 0x4142}, Table.HOLDING_REGISTERS, wide=True
    )
    [row] = [v for v in report["values"] if v["type"] == "float32"]
    assert row["CDAB"] == pytest.approx(123.456)
    assert {"address", "type", "ABCD", "CDAB", "BADC", "DCBA"} == set(row)
    assert report["missing"] == [2]
    assert report["registers"][0] == {
        "address": 0,
        "number": "40001",
        "hex": "E979",
        "uint16": 0xE979,
        "int16": 0xE979 - 65_536,
        "text": ".y",
    }
    assert report["registers"][2]["text"] == "AB"


def test_64_bit_values_need_four_registers():
    known = dict(enumerate(struct.unpack(">4H", struct.pack(">d", -1013.25))))
    report = probe_modbus.describe(known, Table.INPUT_REGISTERS, wide=True)
    [row] = [v for v in report["values"] if v["type"] == "float64"]
    assert (row["address"], row["ABCD"]) == (0, -1013.25)
    assert report["registers"][0]["number"] == "30001"


def test_bits_are_bits():
    report = probe_modbus.describe({16: 1, 17: 0, 10_000: None}, Table.COILS)
    assert report["bits"] == [
        {"address": 16, "number": "00017", "value": True},
        {"address": 17, "number": "00018", "value": False},
    ]


@pytest.mark.parametrize("table", list(Table))
def test_the_modbus_skeleton_is_a_configuration(table):
    args = arguments(probe_modbus, "plc.example:1502", "--table", table.value)
    settings = probe_modbus._settings(args)
    skeleton = probe_modbus.configuration(settings, {0: 1, 1: None, 2: 3}, table)
    assert driver_of(skeleton)
    args = arguments(probe_modbus, "--serial", "/dev/ttyX", "--unit", "17")
    assert driver_of(probe_modbus.configuration(probe_modbus._settings(args), {0: 1}, table))


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["host", "--serial", "/dev/x"],
        ["host", "--count", "126"],
        ["host:x"],
        ["host", "--unit", "999"],
    ],
)
def test_wrong_usage_is_status_2(words, capsys):
    assert probe_modbus.run(arguments(probe_modbus, *words)) == 2
    assert "expected" in capsys.readouterr().err


def test_a_device_that_is_not_there_is_one_sentence(capsys):
    assert probe_modbus.run(arguments(probe_modbus, "--serial", "/dev/nothing-here")) == 1
    assert "does not exist" in capsys.readouterr().err
    assert probe_serial.run(arguments(probe_serial, "/dev/nothing-here")) == 1
    assert "does not exist" in capsys.readouterr().err
    assert probe_serial.run(arguments(probe_serial, "/dev/x", "--send", r"\x1")) == 2


@pytest.mark.parametrize(
    ("readings", "prefix", "suffix"),
    [
        ([b"]C1A\r", b"]C1B\r"], b"", b"\r"),
        ([b"]C1A\r\n", b"]C1BB\r\n"], b"", b"\r\n"),
        ([b"\x02]d2A\x1dB\x03", b"\x02]d2C\x03"], b"\x02", b"\x03"),
        ([b"]C1A\x1d\t", b"]C1B\x1d\t"], b"", b"\t"),
        ([b"]C1A", b"]C1B"], b"", b""),
    ],
)
def test_the_framing_is_what_all_readings_have_in_common(readings, prefix, suffix):
    guess = probe_serial.guess_framing(readings)
    assert (guess.profile, guess.prefix, guess.suffix, guess.aim) == (
        "scanner",
        prefix,
        suffix,
        True,
    )
    assert driver_of(probe_serial.configuration(PortSettings(port="/dev/x"), guess))


def test_a_scale_is_known_by_its_lines():
    guess = probe_serial.guess_framing(
        [b"ST,GS,+ 1.0kg\r\nUS,GS,+ 2.0kg\r\n", b"ST,GS,+ 2.0kg\r\n"]
    )
    assert (guess.profile, guess.format, guess.suffix) == ("scale", "st_gs", b"\r\n")
    assert driver_of(probe_serial.configuration(PortSettings(port="/dev/x"), guess))


def test_advice_says_what_is_missing():
    guess = probe_serial.guess_framing([b"4006381333931", b"4006381333931"])
    assert any("AIM" in line for line in guess.advice)
    assert any("suffix" in line for line in guess.advice)
    assert any("different" in line for line in guess.advice)
    guess = probe_serial.guess_framing([b"]C1A\r]C1B\r", b"]C1C\r"])
    assert any("inside" in line for line in guess.advice)
