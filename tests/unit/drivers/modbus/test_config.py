"""What the settings of a Modbus device may say, and which requests follow from them."""

import pytest

from lineside.contracts.errors import ConfigurationError
from lineside.drivers.decoding import Table
from lineside.drivers.modbus.config import read_config
from lineside.drivers.modbus.plan import plan_blocks


def settings(*signals, **device):
    plain = {"host": "192.0.2.1", "addressing": "zero", "signals": [signal(**s) for s in signals]}
    return plain | device


def signal(**values):
    return {"name": "s", "address": 0, "table": "holding"} | values


def blocks(*signals, **device):
    config = read_config(settings(*signals, **device), file="f")
    return [
        (block.unit, block.table.value, block.first, block.count, block.names)
        for block in plan_blocks(config, file="f")
    ]


@pytest.mark.parametrize(
    ("device", "key"),
    [
        ({"host": ""}, "host"),
        ({"port": 0}, "port"),
        ({"transport": "rtu"}, "serial"),
        ({"serial": {"port": "/dev/x"}}, "serial"),
        ({"transport": "ascii"}, "transport"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"retries": -1}, "retries"),
        ({"max_registers": 126}, "max_registers"),
        ({"max_bits": 0}, "max_bits"),
        ({"word_order": "ACBD"}, "word_order"),
        ({"addressing": "guess"}, "addressing"),
        ({"unit": 256}, "signals[0].unit"),
        ({"transport": "rtu_over_tcp", "unit": 248}, "signals[0].unit"),
        ({"transport": "rtu_over_tcp", "unit": 0}, "signals[0].unit"),
        ({"signals": []}, "signals"),
        ({"forbidden": [{"first": 4, "last": 2, "table": "coils"}]}, "forbidden[0].last"),
        ({"forbidden": [{"first": 4, "last": 5}]}, "forbidden[0]"),
    ],
)
def test_a_wrong_device_setting_is_named(device, key):
    with pytest.raises(ConfigurationError) as caught:
        read_config(settings({}, **device), file="edge.toml")
    assert (caught.value.file, caught.value.key) == ("edge.toml", key)


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"name": ""}, "name"),
        ({"address": 65_536}, "address"),
        ({"address": 65_535, "type": "int32"}, "address"),
        ({"address": "x"}, "address"),
        ({"table": "registers"}, "table"),
        ({"type": "int8"}, "type"),
        ({"type": "bit"}, "bit"),
        ({"type": "bit", "bit": 16}, "bit"),
        ({"bit": 1}, "bit"),
        ({"type": "float32", "factor": 2}, "factor"),
        ({"factor": 0}, "factor"),
        ({"order": "ABDC"}, "order"),
        ({"poll_s": 0}, "poll_s"),
        ({"table": "input", "writable": True}, "writable"),
        ({"type": "bit", "bit": 1, "writable": True}, "writable"),
        ({"access": "write"}, "access"),
        ({"type": "float32", "torn_guard": True}, "torn_guard"),
        ({"type": "string", "length": 126}, "length"),
        ({"type": "string", "invalid": [1]}, "invalid"),
    ],
)
def test_a_wrong_signal_setting_is_named(values, key):
    with pytest.raises(ConfigurationError) as caught:
        read_config(settings({"name": "good"}, values), file="edge.toml")
    assert caught.value.key == f"signals[1].{key}"


def test_two_signals_of_one_name_are_refused():
    with pytest.raises(ConfigurationError, match=r"signals\[1\].name"):
        read_config(settings({}, {}), file="f")


def test_signals_share_requests_only_within_unit_table_and_interval():
    assert blocks(
        {"name": "a", "address": 0},
        {"name": "b", "address": 2},
        {"name": "c", "address": 1, "unit": 2},
        {"name": "d", "address": 1, "table": "input"},
        {"name": "e", "address": 1, "poll_s": 5},
        {"name": "f", "address": 3, "table": "coils"},
    ) == [
        (1, "coils", 3, 1, "f"),
        (1, "holding", 0, 3, "a, b"),
        (1, "holding", 1, 1, "e"),
        (1, "input", 1, 1, "d"),
        (2, "holding", 1, 1, "c"),
    ]


def test_a_group_is_one_request_however_far_apart_its_signals_are():
    """The gap rule joins what is near; a group joins what belongs together."""
    far = [
        {"name": "sequence", "address": 0, "group": "piece"},
        {"name": "other", "address": 50},
        {"name": "weight", "address": 100, "type": "float32", "group": "piece"},
    ]
    assert blocks(*far, max_gap=0) == [(1, "holding", 0, 102, "sequence, weight, other")]
    far[2]["address"] = 124
    with pytest.raises(ConfigurationError, match="group piece"):
        blocks(*far)


def test_a_group_of_two_units_is_refused():
    with pytest.raises(ConfigurationError, match="one unit"):
        blocks({"name": "a", "group": "g"}, {"name": "b", "unit": 2, "group": "g"})


def test_write_only_and_forbidden_registers_are_never_read_along():
    near = [{"name": "a", "address": 0}, {"name": "b", "address": 4}]
    assert len(blocks(*near)) == 1
    hole = [{"first": 2, "last": 2, "table": "holding"}]
    assert len(blocks(*near, forbidden=hole)) == 2
    write_only = {"name": "w", "address": 2, "access": "write", "writable": True}
    assert [block[2:] for block in blocks(*near, write_only)] == [(0, 1, "a"), (4, 1, "b")]


def test_a_32_bit_value_is_never_cut_by_the_limit_of_a_small_device():
    found = blocks(
        {"name": "a", "address": 0, "type": "int32"},
        {"name": "b", "address": 2, "type": "int32"},
        {"name": "c", "address": 4, "type": "int32"},
        max_registers=5,
    )
    assert [block[2:4] for block in found] == [(0, 4), (4, 2)]


def test_bits_of_one_register_are_one_item():
    config = read_config(
        settings(*({"name": f"b{n}", "type": "bit", "bit": n} for n in range(16))), file="f"
    )
    [block] = plan_blocks(config, file="f")
    assert (block.count, len(block.items)) == (1, 1)
    values, problems = block.values(bytes((3, 2, 0b1000_0000, 0b0000_0001)))
    assert [name for name, on in zip(block.signals, values, strict=True) if on] == ["b0", "b15"]
    assert problems == {}


def test_bits_of_a_bit_table_come_in_order_of_the_protocol():
    """Bit 0 of the first byte is the first address."""
    config = read_config(
        settings(*({"name": f"c{n}", "address": n, "table": "coils"} for n in (3, 4, 11))), file="f"
    )
    [block] = plan_blocks(config, file="f")
    assert (block.table, block.first, block.count) == (Table.COILS, 3, 9)
    values, _ = block.values(b"\x01\x02\x01\x01")
    assert (block.signals, values) == (("c3", "c4", "c11"), [True, False, True])
