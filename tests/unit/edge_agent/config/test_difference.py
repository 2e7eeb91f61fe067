"""What one configuration changes of another, and what may be changed from afar."""

from __future__ import annotations

from pathlib import Path

import pytest

from lineside.contracts.errors import ConfigurationError
from lineside.edge_agent import config
from lineside.edge_agent.config import outcomes, shop, standing
from lineside.edge_agent.config.difference import difference, document, lines
from lineside.edge_agent.config.standing import Running

OWN = '[edge]\ndata_dir = "data"\n[sync]\nbroker = "mqtt://central"\n'
SHOP = """
[[device]]
id = "a"
driver = "modbus"
host = "192.0.2.1"
password = "old"
signals = [{ name = "state", address = 1, poll_s = 1 }, { name = "total", address = 2 }]
[[device]]
id = "b"
driver = "scripted"
[[station]]
id = "A"
device = "a"
[station.state]
signal = "state"
profile = "packml"
[[station.counter]]
name = "total"
signal = "total"
max_per_min = 60
[[station]]
id = "B"
state_from = "acts"
"""


def parsed(text: str) -> config.Configuration:
    return config.parse((OWN + text).encode(), file="edge.toml", folder=Path("/edge"))


def test_the_same_text_changes_nothing():
    found = difference(parsed(SHOP), parsed(SHOP))

    assert found.devices.touched == found.stations.touched == ()
    assert found.devices.untouched == ("a", "b")
    assert not found.interpreted


def test_every_key_is_told_with_what_it_was_and_secrets_never():
    """A device by its path, a signal by its name; a password is only said to change."""
    after = SHOP.replace("192.0.2.1", "192.0.2.9").replace("address = 2", "address = 7")
    after = after.replace('"old"', '"new"').replace('id = "b"', 'id = "c"')

    found = difference(parsed(SHOP), parsed(after + '[[station]]\nid="C"\nstate_from="acts"\n'))

    assert list(lines(found)) == [
        "+ device c: added",
        "~ device a: changed",
        "    host: 192.0.2.1 -> 192.0.2.9",
        "    password: *** -> ***",
        "    signals[total].address: 2 -> 7",
        "- device b: removed",
        "+ station C: added",
        "= stations not touched: A, B",
    ]
    assert document(found)["stations"] == {
        "added": ["C"], "changed": {}, "removed": [], "untouched": ["A", "B"],
    }  # fmt: skip


def test_a_signal_that_is_another_one_now_makes_its_station_begin_anew():
    """Its pace does not: it is the same signal."""
    moved = difference(parsed(SHOP), parsed(SHOP.replace("address = 2", "address = 7")))
    paced = difference(parsed(SHOP), parsed(SHOP.replace("poll_s = 1", "poll_s = 2")))

    assert moved.other_signals == {("a", "total")}
    assert moved.interpreted == {"A"}
    assert list(paced.devices.changed) == ["a"]
    assert not paced.interpreted


def test_what_only_screens_show_does_not_touch_an_interpreter():
    named = difference(parsed(SHOP), parsed(SHOP.replace('id = "A"', 'id = "A"\nname = "Press"')))

    assert list(named.stations.changed) == ["A"]
    assert not named.interpreted


@pytest.mark.parametrize("section", ["edge", "identity", "sync"])
def test_where_the_journal_lies_and_whom_the_edge_calls_is_not_set_from_afar(section):
    with pytest.raises(ConfigurationError, match=rf"{section} is '\[{section}\]'"):
        shop.from_central(parsed(SHOP), f"[{section}]\n{SHOP}", version=1)


def test_a_file_that_says_another_edge_is_not_put_in_while_the_agent_runs():
    """`[edge]`, `[identity]` and `[sync]` need a restart."""
    with pytest.raises(ConfigurationError, match=r"edge is 'another \[edge\]'"):
        shop.from_file(parsed(SHOP), '[edge]\ndata_dir = "x"\n' + SHOP, name="new.toml")


def test_central_goes_before_the_file_and_a_file_only_until_it_is_edited():
    own = parsed(SHOP)
    file = Running(content_hash="1", text="", beside=own.content_hash)

    assert standing.wins(Running(content_hash="1", text="", origin="central"), own)
    assert standing.wins(file, own)
    assert not standing.wins(file, parsed(SHOP + "# edited\n"))
    assert not standing.wins(None, own)


def test_a_confirmed_text_that_a_newer_program_refuses_gives_way_to_the_file():
    """It is told with its reason, and not silently replaced."""
    own = parsed('[[station]]\nid = "B"\nstate_from = "acts"\n')
    known = Running(content_hash="1" * 64, text="[stations]\n", origin="central", version=3)
    marks = {standing.RUNNING: standing.written(known)}

    runs, drivers, problem = outcomes.begin_with(own, marks, None)  # pyright: ignore[reportArgumentType]
    events, changes = outcomes.starting(own, runs, marks, problem, 7)

    assert (runs, drivers) == (own, {})
    assert [type(event).__name__ for event in events] == [
        "ConfigurationReverted", "ConfigurationApplied",
    ]  # fmt: skip
    assert events[0].reason == problem != ""
    taken, kept = standing.taken_back(changes), standing.running(changes)
    assert taken is not None
    assert taken.central == (3, "1" * 64)
    assert kept is not None
    assert kept.content_hash == own.content_hash
