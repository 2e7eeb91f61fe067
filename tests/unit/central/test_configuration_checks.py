"""What central sees in a configuration before it is sent: the line, the key, what was expected."""

from __future__ import annotations

import pytest

from lineside.central.mes.edge_configuration.checking import PROBLEMS_MAX, check, first_secret
from lineside.central.mes.edge_configuration.difference import difference
from lineside.central.mes.edge_configuration.places import places

STATIONS = {"TURN": "line-1", "OVEN": "line-2"}
SOUND = """\
[scan]
badge = ["(?P<id>B-.+)"]

[[device]]
id = "plc"
driver = "modbus"
host = "192.0.2.30"

[[device.signals]]
name = "state"
address = 40001

[[device.signals]]
name = "total"
address = 40002

[[station]]
id = "TURN"
device = "plc"

[station.state]
signal = "state"
profile = "packml"

[[station.counter]]
name = "total"
signal = "total"
max_per_min = 60
"""


def found(text: str) -> list[tuple[str, int, str]]:
    return [
        (one.code, one.line, one.key) for one in check(text, edge="line-1", station_edges=STATIONS)
    ]


def test_a_sound_text_has_no_problems() -> None:
    assert found(SOUND) == []


@pytest.mark.parametrize(
    ("old", "new", "code", "line", "key"),
    [
        ('driver = "modbus"', "driver = modbus", "syntax", 6, ""),
        ("[scan]", "[sync]", "own_table", 1, "sync"),
        ("[scan]", "[scam]", "unknown_table", 1, "scam"),
        (
            "[[station]]",
            '[[station]]\nid = "TURN"\nstate_from = "acts"\n[[station]]',
            "id_twice",
            21,
            "station[1].id",
        ),
        ('id = "plc"', 'id = "the plc"', "id", 5, "device[0].id"),
        ('driver = "modbus"\n', "", "driver", 4, "device[0].driver"),
        ('device = "plc"', 'device = "plc2"', "no_device", 19, "station[0].device"),
        ('signal = "total"', 'signal = "sum"', "no_signal", 27, "station[0].counter[0].signal"),
        ('signal = "total"', 'signal = "x/sum"', "no_device", 27, "station[0].counter[0].signal"),
        (
            'device = "plc"',
            'device = "plc"\nstate_from = "act"',
            "word",
            20,
            "station[0].state_from",
        ),
        ('device = "plc"', 'device = "plc"\nparallel = 1', "type", 20, "station[0].parallel"),
        ('device = "plc"', 'device = "plc"\ncolour = 1', "unknown_key", 20, "station[0].colour"),
        (
            'device = "plc"',
            'device = "plc"\nscanners = ["s"]',
            "no_device",
            20,
            "station[0].scanners",
        ),
        (
            '[[station]]\nid = "TURN"',
            '[[station]]\nid = "OVEN"',
            "station_elsewhere",
            18,
            "station[0].id",
        ),
        (
            '[[station]]\nid = "TURN"',
            '[[station]]\nid = "NEW"',
            "station_unknown",
            18,
            "station[0].id",
        ),
        ('host = "192.0.2.30"', 'password = "hunter2"', "secret", 7, "device[0].password"),
        ("[[device]]", "[device]", "type", 4, "device"),
    ],
)
def test_a_problem_names_its_line_and_its_key(old, new, code, line, key) -> None:
    assert (code, line, key) in found(SOUND.replace(old, new, 1))


def test_a_secret_is_found_wherever_it_stands_and_its_value_is_never_shown() -> None:
    """Also in a text that is no TOML, in an address, and as a key in clear."""
    for line in (
        'password = "hunter2"',
        'x = { api_key = "hunter2" }',
        'endpoint = "opc.tcp://me:hunter2@192.0.2.10:4840"',
        'key = """-----BEGIN EC PRIVATE KEY-----\nhunter2"""',
    ):
        text = f'[[device]]\nid = "a"\ndriver = "b"\n{line}\n'
        assert first_secret(text) is not None
        assert first_secret(text + "broken = ") is not None or "{" in line
        problems = check(text, edge="line-1", station_edges={})
        assert "secret" in {one.code for one in problems}
        assert "hunter2" not in repr(problems)
    for fine in ('password = ""', 'password_file = "pki/password"', 'token_length = "4"'):
        assert first_secret(f"[[device]]\n{fine}\n") is None


def test_lines_are_right_behind_long_values() -> None:
    """Texts and lists over several lines, brackets in texts, quoted and dotted keys."""
    text = '''\
a = """
[[not.a.header]]
b = 1
"""  # [ not open
list = [  # ]
  { x = "]" },
  'it is [',
]
"quoted key" = 1
dotted.key = 2
[[t]]
long = \'\'\'
x = 1 \'\'\'
[t.inner]
y = 1
[[t.many]]
[[t]]
[[t.many]]
[[t.many]]
z = 1
'''
    lines = places(text)
    assert lines["list"] == 5
    assert lines["quoted key"] == 9
    assert lines["dotted.key"] == 10
    assert lines["t[0].inner.y"] == 15
    assert lines["t[1].many[1].z"] == 20
    assert "b" not in lines
    assert "t[0].x" not in lines


def test_a_text_full_of_errors_is_answered_with_some_of_them() -> None:
    assert len(found("[[device]]\n" * 1000)) == PROBLEMS_MAX


@pytest.mark.parametrize(
    "text",
    ["", "[[", "x = [" * 5000, "a" + ".a" * 5000 + " = 1", "\x00", "device = 3\nstation = [1]\n"],
)
def test_any_text_is_answered(text) -> None:
    check(text, edge="line-1", station_edges={})
    first_secret(text)
    difference(SOUND, text)


def test_a_difference_names_parts_and_keys_with_old_and_new() -> None:
    """A signal goes by its name, so one put before it changes nothing; comments do not count."""
    new = SOUND.replace(
        '[[device.signals]]\nname = "state"',
        '[[device.signals]]\nname = "new"\naddress = 1\n\n[[device.signals]]\nname = "state"',
        1,
    )
    new = new.replace("max_per_min = 60", "max_per_min = 90 # more") + '\n[[station]]\nid = "B"\n'
    changes = {(one.part, one.id): one for one in difference(SOUND, new)}
    assert {key: one.change for key, one in changes.items()} == {
        ("device", "plc"): "changed",
        ("station", "B"): "added",
        ("station", "TURN"): "changed",
    }
    assert [one.key for one in changes["device", "plc"].keys] == [
        "signals[new].address",
        "signals[new].name",
    ]
    (key,) = changes["station", "TURN"].keys
    assert (key.key, key.old, key.new) == ("counter[total].max_per_min", "60", "90")
    assert difference(SOUND, "# said\n" + SOUND) == []
    assert [one.change for one in difference(SOUND, "")] == ["removed"] * 3


def test_a_long_value_that_differs_at_its_end_is_a_change() -> None:
    long = "x" * 300
    old, new = (f'[[device]]\nid = "a"\nnote = "{long}{end}"\n' for end in "ab")
    assert len(difference(old, new)) == 1
