"""Every driver's sample is a configuration that its driver accepts, and shows every key."""

import tomllib
from pathlib import Path

import msgspec
import pytest

import lineside.drivers
from lineside.contracts.clock import ManualClock
from lineside.contracts.errors import ConfigurationError
from lineside.drivers import registry
from lineside.drivers.base import Driver
from lineside.drivers.modbus.config import DeviceSettings, SignalSettings
from lineside.drivers.scripted.config import ScriptedSettings
from lineside.drivers.serial_line.config import SerialLineSettings

HOME = Path(next(iter(lineside.drivers.__path__)))
MINE = ("modbus", "serial_line", "scripted")


def tables(name):
    for table in tomllib.loads((HOME / name / "sample.toml").read_text())["device"]:
        yield {key: value for key, value in table.items() if key != "id"}


@pytest.mark.parametrize("name", MINE)
def test_the_sample_builds_a_driver(name):
    found = list(tables(name))
    assert found
    for table in found:
        assert table.pop("driver") == name
        driver = registry.build(name, table, clock=ManualClock(), file="sample.toml")
        assert isinstance(driver, Driver)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("modbus", DeviceSettings),
        ("serial_line", SerialLineSettings),
        ("scripted", ScriptedSettings),
    ],
)
def test_the_sample_shows_every_key(name, shape):
    text = (HOME / name / "sample.toml").read_text()
    keys = {field.name for field in msgspec.structs.fields(shape)}
    if name == "modbus":
        keys |= {field.name for field in msgspec.structs.fields(SignalSettings)}
    missing = [key for key in keys if f"{key} =" not in text and f"[device.{key}]" not in text]
    assert sorted(set(missing) - {"signals", "table"}) == []


@pytest.mark.parametrize("name", MINE)
def test_a_misspelt_key_is_named_with_its_file(name):
    table = next(iter(tables(name)))
    del table["driver"]
    with pytest.raises(ConfigurationError, match=r"edge.toml: pool_s is 1"):
        registry.build(name, table | {"pool_s": 1}, clock=ManualClock(), file="edge.toml")


def test_an_unknown_driver_is_named_with_the_known_ones():
    with pytest.raises(ConfigurationError, match="modbus"):
        registry.build("modbuss", {}, clock=ManualClock(), file="edge.toml")


@pytest.mark.parametrize(
    ("name", "change", "text"),
    [
        (
            "modbus",
            {"transport": "udp"},
            "transport is 'udp', expected one of rtu, rtu_over_tcp, tcp",
        ),
        ("serial_line", {"parity": "odd?"}, "parity is 'odd?', expected one of even, none, odd"),
        ("serial_line", {"baud": "fast"}, "baud is 'fast', expected int, got str"),
        ("scripted", {"steps": [{"quality": "fine"}]}, "good, uncertain, bad"),
    ],
)
def test_a_wrong_value_is_answered_with_what_may_stand_there(name, change, text):
    table = next(iter(tables(name)))
    del table["driver"]
    with pytest.raises(ConfigurationError) as caught:
        registry.build(name, table | change, clock=ManualClock(), file="edge.toml")
    assert text in str(caught.value)


def test_a_wrong_value_deep_in_a_signal_is_answered_with_its_choices():
    signal = {"name": "s", "address": 0, "table": "registers"}
    settings = {"host": "h", "addressing": "zero", "signals": [signal]}
    with pytest.raises(ConfigurationError) as caught:
        registry.build("modbus", settings, clock=ManualClock(), file="edge.toml")
    assert caught.value.key == "signals[0].table"
    assert "one of coils, discrete, input, holding" in str(caught.value)
