"""Who renews, when, and what is said of an edge that cannot."""

from __future__ import annotations

import pytest

from lineside.contracts.clock import ManualClock
from lineside.edge_agent import config
from lineside.edge_agent.enrolment import Identity, files_in
from lineside.edge_agent.renewal import Renewal, renewal_at, warning
from lineside.edge_agent.startup import renewal_of

DAY = 86_400_000_000
IDENTITY = Identity(edge="e1", valid_from=0, valid_until=90 * DAY, fingerprint="80" + "0" * 62)


def renewal(folder, text: str) -> Renewal | None:
    (folder / "edge.toml").write_text(text)
    loaded = config.load(folder / "edge.toml")
    return renewal_of(loaded, clock=ManualClock(), notice=lambda code, said: None)


def test_only_an_edge_that_central_enrolled_asks_central_again(tmp_path) -> None:
    named = '[identity]\ncertificate = "edge.crt"\nkey = "edge.key"\nauthority = "ca.crt"\n'

    assert renewal(tmp_path, "") is None
    assert renewal(tmp_path, named) is None
    files_in(tmp_path).central.write_text("https://central:8400\n")
    assert renewal(tmp_path, named) is not None


@pytest.mark.parametrize("first", ["00", "80", "ff"])
def test_the_spread_lies_before_two_thirds_and_stays_after_a_restart(first: str) -> None:
    identity = Identity("e1", 0, 90 * DAY, first + "f" * 62)

    assert 54 * DAY <= renewal_at(identity) <= 60 * DAY
    assert renewal_at(identity) == renewal_at(identity)


@pytest.mark.parametrize(
    ("left", "said"),
    [(30, ""), (29, "30 days"), (14, "30 days"), (13, "14 days"), (6, "7 days"), (0, "7 days")],
)
def test_alarms_come_at_thirty_fourteen_and_seven_days(left: int, said: str) -> None:
    text = warning(IDENTITY, IDENTITY.valid_until - left * DAY, "Central is away.")

    assert bool(text) == bool(said)
    assert said in text


def test_after_the_end_the_line_goes_on_and_people_know_since_when() -> None:
    text = warning(IDENTITY, IDENTITY.valid_until + 3 * DAY, "")

    assert "ended 3 days ago" in text
    assert "The line goes on" in text


async def test_a_certificate_that_cannot_be_read_does_not_stop_the_agent(tmp_path) -> None:
    said: dict[str, str] = {}
    looking = Renewal(files_in(tmp_path), clock=ManualClock(), notice=said.__setitem__)

    assert not await looking.look()
    assert said == {}
