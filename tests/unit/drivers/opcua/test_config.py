"""Settings: every wrong word is named with file, key and what was expected."""

import tomllib
from pathlib import Path

import pytest

from lineside.contracts.clock import ManualClock
from lineside.contracts.errors import ConfigurationError
from lineside.drivers import opcua, registry
from lineside.drivers.base import Driver
from lineside.drivers.opcua import nodeids
from lineside.drivers.opcua.config import parse

SAMPLE = (Path(opcua.__file__).parent / "sample.toml").read_text(encoding="utf-8")
SIGNAL = {"name": "state", "node": "nsu=urn:plc;s=State"}


def table(**changes):
    return {"endpoint": "opc.tcp://plc:4840", "signals": [SIGNAL]} | changes


def sample():
    (device,) = tomllib.loads(SAMPLE)["device"]
    return {key: value for key, value in device.items() if key not in {"id", "driver"}}


def test_the_sample_builds_a_driver():
    driver = registry.build("opcua", sample(), clock=ManualClock(), file="edge.toml")
    assert isinstance(driver, Driver)


def test_the_sample_shows_every_key_with_its_default():
    shown = sample()
    plain = {key: value for key, value in shown.items() if key not in {"signals", "endpoint"}}
    assert parse(table(**plain), file="edge.toml") == parse(table(), file="edge.toml")
    signal_keys = set().union(*shown["signals"])
    assert signal_keys >= {"trigger", "writable", "type", "queue_size", "discard", "deadband"}


@pytest.mark.parametrize(
    ("changes", "key", "expected"),
    [
        ({"endpoint": "http://plc"}, "endpoint", "opc.tcp://"),
        ({"endpoint": "opc.tcp://plc"}, "endpoint", "4840"),
        ({"endpoint": "opc.tcp://a:b@plc:4840"}, "endpoint", "without user"),
        ({"endpoint": "opc.tcp://plc:99999"}, "endpoint", "4840"),
        ({"security_policy": "Basic256"}, "security_policy", "Basic256Sha256"),
        ({"security_policy": "None"}, "security_policy", "insecure = true"),
        ({"security_mode": "None"}, "security_mode", "exactly where"),
        ({"insecure": True}, "insecure", "false"),
        ({"insecure": "yes"}, "insecure", "true or false"),
        ({"publishing_ms": 0}, "publishing_ms", "10 to 60000"),
        ({"publishing_ms": float("nan")}, "publishing_ms", "10 to 60000"),
        ({"publish_requests": 1}, "publish_requests", "2 to 20"),
        ({"publish_requests": 2.5}, "publish_requests", "whole number"),
        ({"keep_alive_s": 0.2}, "keep_alive_s", "publishing_ms"),
        ({"lifetime_s": 5}, "lifetime_s", "three times"),
        ({"channel_lifetime_s": 10}, "channel_lifetime_s", "10 times"),
        ({"password": "x"}, "user", "a user"),
        ({"user": "x", "password_file": "nowhere"}, "password_file", "readable"),
        ({"pool_s": 1}, "pool_s", "no such key"),
        ({"signals": []}, "signals", "tables"),
        ({"signals": [1]}, "signals", "tables"),
        ({"signals": [SIGNAL, SIGNAL]}, "signals[2].name", "no other signal"),
        ({"signals": [{"name": "x"}]}, "signals[1].node", "text"),
    ],
)
def test_a_wrong_device_setting_is_named(changes, key, expected):
    with pytest.raises(ConfigurationError) as caught:
        parse(table(**changes), file="edge.toml")
    assert (caught.value.file, caught.value.key) == ("edge.toml", key)
    assert expected in caught.value.expected


@pytest.mark.parametrize(
    ("changes", "key", "expected"),
    [
        ({"node": "ns=4;s=State"}, "node", "by its URI"),
        ({"node": "nsu=urn:plc;x=State"}, "node", "nsu="),
        ({"node": "i=4294967296"}, "node", "number"),
        ({"node": "b=%%"}, "node", "base64"),
        ({"name": ""}, "name", "not empty"),
        ({"type": "real"}, "type", "float"),
        ({"queue_size": 0}, "queue_size", "1 to"),
        ({"queue_size": 3}, "queue_size", "at least 6"),
        ({"trigger": True, "queue_size": 1}, "queue_size", "more than 1 for a trigger"),
        ({"trigger": True, "deadband": 1}, "trigger", "deadband"),
        ({"deadband": 1, "deadband_percent": 1}, "deadband_percent", "either"),
        ({"deadband_percent": 101}, "deadband_percent", "0 to 100"),
        ({"discard": "none"}, "discard", "oldest"),
        ({"queue": 5}, "queue", "no such key"),
    ],
)
def test_a_wrong_signal_setting_is_named(changes, key, expected):
    with pytest.raises(ConfigurationError) as caught:
        parse(table(signals=[SIGNAL | changes]), file="edge.toml")
    assert caught.value.key == f"signals[1].{key}"
    assert expected in caught.value.expected


def test_queues_hold_twice_what_a_cycle_samples():
    signals = [
        SIGNAL,
        {"name": "fast", "node": "i=1", "sampling_ms": 10},
        {"name": "trigger", "node": "i=2", "trigger": True},
        {"name": "event", "node": "i=3", "sampling_ms": 0},
    ]
    parsed = parse(table(signals=signals, publishing_ms=250), file="edge.toml")
    assert [signal.queue_size for signal in parsed.signals] == [10, 50, 100, 10]


def test_paths_are_relative_to_the_file_and_secrets_stay_out_of_sight(tmp_path):
    (tmp_path / "secret").write_text("p4ss\n")
    parsed = parse(table(user="edge", password_file="secret"), file=str(tmp_path / "edge.toml"))
    assert parsed.password == "p4ss"
    assert "p4ss" not in repr(parsed)
    assert parsed.trust_list == tmp_path / "pki/opcua"


@pytest.mark.parametrize(
    "text",
    [
        "nsu=urn:plc;s=Machine1.State",
        'nsu=http://plc/x;s="DB1"."State;x"',
        "nsu=urn:odd%3Buri%25;i=7",
        "i=2258",
        "nsu=urn:plc;g=72962B91-FA75-4AE6-8D28-B404DC7DAF63",
        "nsu=urn:plc;b=M/RbKBsRVkePCePcx24oRA==",
    ],
)
def test_nodes_read_back_as_written(text):
    assert str(nodeids.parse(text)) == text


def test_a_namespace_is_found_where_it_stands_today():
    address = nodeids.parse("nsu=urn:plc;s=X")
    assert address.index(("http://opcfoundation.org/UA/", "urn:a", "urn:plc")) == 2
    assert address.index(("http://opcfoundation.org/UA/",)) is None
    assert nodeids.parse("ns=0;i=5").index(("http://opcfoundation.org/UA/",)) == 0
