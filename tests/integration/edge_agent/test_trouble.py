"""A full disk, a lost device, a page too many: said, refused, and over by itself."""

from __future__ import annotations

import asyncio

import pytest

from lineside.contracts.samples import DriverNotice
from lineside.edge_agent.errors import TooManyWatchersError
from lineside.edge_agent.journal.errors import JournalFullError
from lineside.edge_agent.terminal import views


@pytest.fixture
def full_disk(line, monkeypatch):
    """A switch: while it is on, the journal takes nothing."""
    real = line.agent.journal.append_async
    switch = {"on": True}

    async def append(events, **more):
        if switch["on"]:
            raise JournalFullError
        return await real(events, **more)

    monkeypatch.setattr(line.agent.journal, "append_async", append)
    return switch


@pytest.mark.fault("F-06")
async def test_a_full_disk_refuses_visibly_and_recovers_by_itself(line, full_disk):
    """Nothing is shown as saved; afterwards everything goes on."""
    answer = await line.scan("B-1")
    assert (answer["answer"], answer["code"]) == ("refused", "edge.not_recording")
    assert "disk is full" in answer["why"]["en"]
    screen = await line.screen()
    assert not screen["recording"]
    assert "disk is full" in screen["recording_problem"]["en"]
    assert (await line.http.get("/healthz")).status_code == 503

    full_disk["on"] = False
    await line.must("B-1")
    assert (await line.screen())["recording"]
    assert (await line.http.get("/healthz")).status_code == 200


@pytest.mark.fault("F-06")
async def test_facts_of_a_machine_wait_for_the_disk_and_are_recorded_once(line, full_disk):
    """The device is not asked for more until its facts are safe."""
    waiting = asyncio.create_task(line.signals(state=6, total=10, scrap=0, sequence=3))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not waiting.done()
    full_disk["on"] = False
    await asyncio.wait_for(waiting, 20)
    assert [event.value for event in line.events("counter_read")] == [10, 0]
    await line.signals(state=6, total=10)
    assert len(line.events("counter_read")) == 2


async def test_a_fault_in_a_decision_books_nothing_and_says_so(line, monkeypatch):
    """A program's fault is not an operator's problem."""

    def broken(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr("lineside.edge_agent.terminal.desk.decide", broken)
    head = line.agent.journal.head()
    answer = await line.scan("B-1")
    assert answer["code"] == "edge.fault"
    assert line.agent.journal.head() == head


@pytest.mark.fault("F-22")
async def test_a_lost_device_is_unknown_time_on_the_screen(line):
    """No signal is not a stop."""
    await line.signals(state=6)
    await line.must("WO-1")
    line.advance(60)
    turning = next(one for one in line.agent.lines if one.station == "TURN")
    now = line.clock.now()
    await turning.take("plc", [DriverNotice(kind="lost", detail="", read_at=now, since=now)])
    line.advance(60)
    screen = await line.screen()
    assert screen["machine"]["state"] == "UNKNOWN"
    assert [segment["category"] for segment in screen["segments"]][-2:] == ["running", "unknown"]
    assert 0.4 < screen["figures"]["unknown_share"] < 0.6
    assert screen["figures"]["provisional"]
    assert screen["unexplained"] == []


async def test_a_page_gets_the_screen_at_once_and_after_every_change(line):
    """And not more pages than the agent serves."""
    stream = line.agent.desk.stream("TURN")
    first = await anext(stream)
    assert isinstance(first, views.StateMessage)
    assert first.state.people == []
    await line.must("B-1")
    second = await asyncio.wait_for(anext(stream), 10)
    assert isinstance(second, views.StateMessage)
    assert [one.person for one in second.state.people] == ["P-1"]
    assert line.agent.watchers.count == 1

    line.agent.watchers._most = 1
    with pytest.raises(TooManyWatchersError):
        line.agent.desk.stream("TURN")
    assert (await line.http.get("/api/stations/TURN/stream")).status_code == 503
    await stream.aclose()
    assert line.agent.watchers.count == 0


async def test_projections_that_cannot_follow_refuse_decisions_until_they_can(line, monkeypatch):
    """What is committed stays committed; nothing is decided on a state that is not known."""
    real = line.agent.recorder._follow
    broken = {"on": True}

    def follow():
        if broken["on"]:
            raise OSError("disk full")
        return real()

    monkeypatch.setattr(line.agent.recorder, "_follow", follow)
    first = await line.scan("B-1")
    assert first["answer"] == "accepted"
    second = await line.scan("WO-1")
    assert second["code"] == "edge.not_recording"
    broken["on"] = False
    await line.must("WO-1")
    assert [one["person"] for one in (await line.screen())["people"]] == ["P-1"]
