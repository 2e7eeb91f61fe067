"""What stations do now, ahead of their facts."""

from __future__ import annotations

import pytest

from lineside.central.ingest.event_store import PostgresEventStore
from lineside.central.ingest.inbound import Inbound
from lineside.contracts import events as ev
from lineside.contracts.clock import US_PER_SECOND
from lineside.contracts.envelope import Live, pack


@pytest.fixture
def say(client, engine, clock):
    """An edge says what its stations do."""
    client.post("/api/v1/mes/edges", json={"id": "line-1"}).raise_for_status()
    inbound = Inbound(PostgresEventStore(engine, now=clock.now()), clock=clock)

    def live(state: str, head_seq: int) -> None:
        said = Live(
            edge="line-1",
            sent_at=clock.now(),
            head_seq=head_seq,
            stations={"S1": {"state": state, "detail": "MDI", "orders": "WO-1"}},
        )
        inbound.receive([("v1/line-1/up/live", pack(said))])

    return live


def stations(client) -> list[dict[str, object]]:
    answer = client.get("/api/v1/mes/live")
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_state_is_provisional_until_its_facts_are_here(client, say, report, at) -> None:
    say("running", 2)

    (station,) = stations(client)
    assert (station["station"], station["state"], station["orders"]) == ("S1", "running", "WO-1")
    assert (station["provisional"], station["known_seq"], station["head_seq"]) == (True, 0, 2)

    moment = at("08:00:00")
    facts = [ev.SignedOn(occurred_at=moment, recorded_at=moment) for _ in range(2)]
    report("line-1", *facts, head=2)
    (station,) = stations(client)
    assert (station["provisional"], station["known_seq"]) == (False, 2)


def test_the_newest_state_replaces_the_former_and_silence_is_told(client, say, clock) -> None:
    say("running", 1)
    say("stopped", 1)
    assert [(s["state"], s["silent"]) for s in stations(client)] == [("stopped", False)]

    clock.advance(16 * US_PER_SECOND)

    assert [s["silent"] for s in stations(client)] == [True]


def test_a_trace_says_how_much_of_the_history_is_still_to_come(client, say, report, at) -> None:
    moment = at("08:00:00")
    report("line-1", ev.SignedOn(occurred_at=moment, recorded_at=moment), head=1)
    say("running", 41)

    (known,) = client.get("/api/v1/trace/known").json()

    assert (known["seq"], known["still_to_come"]) == (1, 40)


def test_states_are_for_those_who_may_see_edges(client, token_of) -> None:
    nobody = {"Authorization": f"Bearer {token_of()}"}

    assert client.get("/api/v1/mes/live", headers=nobody).status_code == 403
