"""Every wrong key or value is named with file, key and what was expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from lineside.contracts.clock import SystemClock
from lineside.contracts.errors import ConfigurationError
from lineside.drivers import registry
from lineside.edge_agent import cli, config

GOOD = """
[edge]
pages_max = 7
[sync]
broker = "mqtt://127.0.0.1:1883"
[[device]]
id = "plc"
driver = "modbus"
host = "192.0.2.1"
[[device.signals]]
name = "state"
[[device.signals]]
name = "count"
[[device.signals]]
name = "seq"
[[device.signals]]
name = "ack"
[[device]]
id = "scanner"
driver = "serial_line"
[[station]]
id = "OP10"
device = "plc"
scanners = ["scanner"]
oee_target = 0.82
[station.state]
signal = "state"
profile = "packml"
map = {"15" = "SETUP"}
[[station.counter]]
name = "total"
signal = "count"
bits = 16
max_per_min = 60
[[station.trigger]]
name = "piece"
sequence = "seq"
acknowledge = "ack"
[station.scan]
badge = ["(?P<id>EMP\\\\d+)"]
"""


def parse(text: str) -> config.Configuration:
    return config.parse(text.encode(), file="edge.toml", folder=Path("/plant"))


def test_a_right_file_is_read_with_its_defaults():
    found = parse(GOOD)
    (station,) = found.stations
    assert (found.host, found.port) == ("127.0.0.1", 8601)
    assert found.data_dir == Path("/plant/data")
    assert station.state is not None
    assert station.state.states()["15"] == "SETUP"
    assert station.state.states()["6"] == "RUN"
    assert station.counter[0].wraps_at == 65_536
    assert str(station.oee_target) == "0.82"
    assert found.devices[0].settings["host"] == "192.0.2.1"
    assert found.station_rules["OP10"].match("EMP7") == ("badge", "EMP7", "")


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("bits = 16", 'bits = "x"', "station[0].counter[0].bits"),
        ("bits = 16", "bitz = 16", "station[0].counter[0].bitz"),
        ("bits = 16", "bits = 16\nmodulus = 9", "station[0].counter[0].modulus"),
        ("bits = 16", "bits = 2", "station[0].counter[0].bits"),
        ("max_per_min = 60", "max_per_min = 0", "station[0].counter[0].max_per_min"),
        ('id = "OP10"', "", "station[0].id"),
        ('id = "OP10"', 'id = "OP 10"', "station[0].id"),
        ('profile = "packml"', 'profile = "packm"', "station[0].state.profile"),
        ('"SETUP"', '"SET"', "station[0].state.map[...]"),
        ('signal = "count"', 'signal = "cnt"', "station[0].counter[0].signal"),
        ('signal = "count"', 'signal = "other/count"', "station[0].counter[0].signal"),
        ('scanners = ["scanner"]', 'scanners = ["pistol"]', "station[0].scanners"),
        ('acknowledge = "ack"', 'acknowledge = "scanner/ack"', "station[0].trigger[0].acknowledge"),
        ("[sync]", "[sink]", "sink"),
        ("mqtt://127.0.0.1:1883", "http://x", "sync.broker"),
        ("pages_max = 7", 'id = "line-1"', "edge.id"),
        ("pages_max = 7", 'listen = "x"', "edge.listen"),
        ("pages_max = 7", 'listen = "x:99999"', "edge.listen"),
        ("pages_max = 7", "simulation = 1", "edge.simulation"),
        ("oee_target = 0.82", 'oee_target = "high"', "station[0].oee_target"),
        ('driver = "modbus"', "", "device[0].driver"),
        ('id = "scanner"\ndriver', 'id = "plc"\ndriver', "device[1].id"),
        ("EMP", "(a|b)+", "station[0].scan"),
        ("[edge]", '[identity]\nkey = "k"\n[edge]', "identity"),
        ("[edge]", "[edge", "file"),
    ],
)
def test_a_wrong_file_is_named_by_its_key(old, new, key):
    assert old in GOOD
    with pytest.raises(ConfigurationError) as caught:
        parse(GOOD.replace(old, new, 1))
    assert caught.value.key == key
    assert caught.value.file == "edge.toml"
    assert caught.value.expected


SCALE = """
[[device]]
id = "scale"
driver = "scripted"
[[station]]
id = "PACK"
device = "scale"
state_from = "acts"
counts_from = "scale"
[station.scale]
signal = "weight"
empty_below = 0.02
"""


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('[station.scale]\nsignal = "weight"\nempty_below = 0.02', "", "scale"),
        ('counts_from = "scale"', 'counts_from = "declaration"', "scale"),
        ("empty_below = 0.02", "", "scale.empty_below"),
        ("empty_below = 0.02", "empty_below = 0", "scale.empty_below"),
        ("0.02", "0.02\ntolerance = 0.5", "scale.tolerance"),
        ("0.02", "0.02\npiece_weight = -1", "scale.piece_weight"),
        ("0.02", "0.02\npieces_max = 0", "scale.pieces_max"),
        ("0.02", '0.02\nunit = "lb"', "scale.unit"),
        ("0.02", '0.02\nunit_signal = "plc/unit"', "scale.unit_signal"),
    ],
)
def test_a_wrong_scale_is_named_by_its_key(old, new, key):
    right = GOOD + SCALE
    parse(right)
    with pytest.raises(ConfigurationError) as caught:
        parse(right.replace(SCALE, SCALE.replace(old, new, 1)))
    assert caught.value.key == f"station[1].{key}"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigurationError, match="a readable file"):
        config.load(tmp_path / "edge.toml")


def test_bytes_that_are_no_text_are_refused():
    with pytest.raises(ConfigurationError, match="TOML in UTF-8"):
        config.parse(b"\xff\xfe", file="edge.toml", folder=Path())


def test_the_sample_is_right():
    sample = Path(config.__file__).parent.parent / "sample.toml"
    found = config.load(sample)
    for device in found.devices:
        registry.build(device.driver, device.settings, clock=SystemClock(), file="sample.toml")
    assert [station.id for station in found.stations] == ["TURN-1", "BENCH", "PACK"]


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["config", "check"], 0, "stations TURN-1, BENCH"),
        (["config", "check", "--json"], 0, '"stations": ["TURN-1", "BENCH", "PACK"]'),
    ],
)
def test_the_program_checks_a_file(capsys, tmp_path, arguments, status, words):
    file = tmp_path / "edge.toml"
    sample = Path(config.__file__).parent.parent / "sample.toml"
    file.write_bytes(sample.read_bytes())
    assert cli.main([*arguments, str(file)]) == status
    assert words in capsys.readouterr().out


def test_the_doctor_looks_at_configuration_and_disk(capsys, tmp_path):
    file = tmp_path / "edge.toml"
    file.write_text('[edge]\nid = "line-1"\n', encoding="utf-8")
    assert cli.main(["doctor", str(file)]) in {0, 1}  # the disk of the test machine may be full
    assert "configuration" in capsys.readouterr().out
    assert cli.main(["doctor", str(tmp_path / "none.toml"), "--json"]) == 1
    assert '"ok": false' in capsys.readouterr().out


def test_the_program_names_what_is_wrong_and_replaces_only_what_is_right(capsys, tmp_path):
    good, bad = tmp_path / "edge.toml", tmp_path / "bad.toml"
    good.write_text(GOOD.replace('driver = "modbus"\nhost', 'driver = "scripted"\n#'), "utf-8")
    bad.write_text("[edge]\nlisten = 5\n", encoding="utf-8")
    assert cli.main(["config", "apply", str(bad), str(good)]) == 1
    assert "edge.listen" in capsys.readouterr().err
    assert "pages_max = 7" in good.read_text(encoding="utf-8")
    with pytest.raises(SystemExit) as usage:
        cli.main(["config"])
    assert usage.value.code == 2
    with pytest.raises(SystemExit) as helped:
        cli.main(["run", "--help"])
    assert helped.value.code == 0
    assert "example" in capsys.readouterr().out
