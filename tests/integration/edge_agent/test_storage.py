"""A slow, full or damaged disk, as people see it: on the terminal, in /healthz and /metrics."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time

import msgspec
import pytest

from lineside.contracts.commands import ItemInfo, encode_document
from lineside.contracts.envelope import DesiredObject
from lineside.contracts.events import GapFound
from lineside.edge_agent.journal.errors import JournalFullError
from lineside.edge_agent.journal.schema import sqlite

DEADLINE_S = 30.0


@contextlib.asynccontextmanager
async def watched(line):
    """The screens that a page of TURN gets, newest last; the disk is being watched."""
    screens = []

    async def read():
        async for message in line.agent.desk.stream("TURN"):
            screens.append(message.state)  # noqa: PERF401 - each at once, not all at the end

    tasks = [asyncio.create_task(read()), asyncio.create_task(line.agent.storage.run())]
    try:
        yield screens
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition):
    """Wait for a condition with a deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def measured(line):
    """Values of /metrics by name without prefix."""
    text = (await line.http.get("/metrics")).text
    rows = [row.split() for row in text.splitlines() if not row.startswith("#")]
    return {row[0].removeprefix("lineside_edge_"): float(row[-1]) for row in rows}


def codes(screen):
    return [notice.code for notice in screen.notices]


@pytest.mark.fault("F-07")
async def test_a_slow_disk_shows_that_it_is_saving_and_the_sign_goes_by_itself(line):
    """Nobody has to touch the page; what waits is answered when it is saved."""
    goes_on = threading.Event()
    async with watched(line) as screens:
        await until(lambda: screens)
        assert not screens[-1].saving
        stuck = line.agent.journal.run(lambda _: goes_on.wait(DEADLINE_S))
        try:
            act = asyncio.create_task(line.scan("B-1"))
            await until(lambda: screens[-1].saving)
            assert not act.done()
            found = (await line.http.get("/healthz")).json()
            assert any("The disk is slow" in problem for problem in found["problems"])
            assert (await measured(line))["journal_waiting_seconds"] > 0.5
        finally:
            goes_on.set()
        assert (await asyncio.wait_for(act, DEADLINE_S))["answer"] == "accepted"
        await until(lambda: not screens[-1].saving)
        await asyncio.wrap_future(stuck)
    assert (await line.http.get("/healthz")).json()["problems"] == []


@pytest.mark.fault("F-06")
async def test_a_full_disk_is_a_banner_that_says_what_is_refused_and_what_to_do(line):
    """SQLite itself finds no room; with room again the sign goes after the next saved fact."""

    def limit(pages):
        return line.agent.journal.run(
            lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchone()
        )

    async with watched(line) as screens:
        await until(lambda: screens)
        assert screens[-1].notices == []
        await asyncio.wrap_future(limit(1))  # SQLite takes the least that it can: the present size
        answer = {"code": ""}
        for _ in range(1000):
            answer = await line.scan("NOTHING-" + "x" * 200)
            if answer["code"] == "edge.not_recording":
                break
        assert answer["code"] == "edge.not_recording"
        await until(lambda: codes(screens[-1]) == ["disk.full"])
        (notice,) = screens[-1].notices
        assert "are refused" in notice.why.en
        assert "磁盘" in notice.what.zh
        assert "free disk space" in notice.todo.en
        health = await line.http.get("/healthz")
        assert health.status_code == 503
        assert any("free disk space" in problem for problem in health.json()["problems"])
        assert (await measured(line))["journal_pressed"] == 1

        await asyncio.wrap_future(limit(1_000_000))
        await line.must("B-1")
        await until(lambda: "disk.full" not in codes(screens[-1]))
    assert (await line.http.get("/healthz")).status_code == 200


@pytest.mark.fault("F-06")
async def test_what_central_sends_and_has_no_room_is_a_banner_and_the_line_goes_on(line):
    """The line works with the copies that it had, and the page says so in plain words."""

    def limit(pages):
        line.agent.desired._database.execute(f"PRAGMA max_page_count = {pages}").fetchall()

    name = "long " * 9000
    item = DesiredObject(
        kind="item", id="NEW", revision=1, position=99,
        body=msgspec.Raw(encode_document(ItemInfo(item="NEW", name=name))),
    )  # fmt: skip
    async with watched(line) as screens:
        await until(lambda: screens)
        limit(1)
        with pytest.raises(JournalFullError):
            line.agent.desired.apply([item], through=99)
        await until(lambda: codes(screens[-1]) == ["disk.central_refused"])
        assert "What central sends" in screens[-1].notices[0].why.en
        await line.must("B-1")

        limit(1_000_000)
        line.agent.desired.apply([item], through=99)
        await until(lambda: not screens[-1].notices)


async def test_a_disk_that_lives_on_its_reserve_refuses_trend_values_and_says_so(line, monkeypatch):
    """Facts are still saved: the banner is another one than on a full disk."""
    async with watched(line) as screens:
        await until(lambda: screens)
        monkeypatch.setattr(line.agent.journal._writer, "pressed", True)
        await until(lambda: codes(screens[-1]) == ["disk.pressed"])
        assert screens[-1].recording
        assert "trend values are refused" in screens[-1].notices[0].why.en


@pytest.mark.fault("F-09")
async def test_a_salvaged_journal_names_what_is_missing_since_when(line_at, tmp_path):
    """The page says it until the next start; the numbers are those of the certificates."""
    async with line_at(tmp_path) as line:
        await line.must("B-1")
        await line.must("WO-1")
        head = line.agent.journal.head()
        line.agent.journal.set_watermarks(durable_through=head - 2).result()
    connection = sqlite.connect(tmp_path / "data" / "journal.db")
    connection.execute("DROP TRIGGER event_is_never_edited")
    connection.execute("UPDATE event SET data = x'00' WHERE seq = ?", (head,))
    connection.execute("DELETE FROM cursor WHERE name = 'verified'")
    connection.commit()
    connection.close()

    async with line_at(tmp_path) as line:
        screen = await line.screen()
        (notice,) = screen["notices"]
        gaps = [event for event in line.events("gap_found") if event.device == "journal"]
        missing = [int(gap.signal) for gap in gaps if isinstance(gap, GapFound)]
        assert head in missing
        assert notice["code"] == "journal.salvaged"
        shown = str(missing[0]) if len(missing) == 1 else f"{missing[0]}-{missing[-1]}"
        assert f"Missing records: {shown};" in notice["why"]["en"]
        assert f"缺失的记录：{shown}；" in notice["why"]["zh"]
        assert "2026-03-02 06:00" in notice["why"]["en"]
        assert "journal.db.damaged-1" in notice["why"]["en"]
        problems = (await line.http.get("/healthz")).json()["problems"]
        assert any("damaged" in problem and shown in problem for problem in problems)
        assert (await measured(line))["journal_facts_damaged"] == len(missing)
        await acknowledged_by_a_leader(line)


async def acknowledged_by_a_leader(line):
    """Nobody else can; it goes from every page of the edge, and stands among the facts."""
    await line.act("sign_on", id="again-1", badge="B-1")
    asked = {"notice": "journal.salvaged"}
    alone = await line.act("acknowledge_notice", id="again-2", **asked)
    assert (alone["code"], alone["overridable"]) == ("notice.leader_needed", True)
    assert (await line.screen())["notices"]

    answer = await line.act("acknowledge_notice", id="again-3", override="B-9", **asked)
    assert answer["code"] == "notice.acknowledged"
    assert (await line.screen())["notices"] == (await line.screen("GRIND"))["notices"] == []
    (fact,) = line.events("call_acknowledged")
    assert (fact.call, fact.by) == ("journal.salvaged", ("P-1", "P-9"))
    entry = (await line.screen())["entries"][0]
    assert entry["text"] == {
        "zh": "呼叫已确认 · 记录文件曾损坏",
        "en": "Call acknowledged · Damaged records",
    }


async def test_a_doubtful_place_and_a_log_that_is_held_back_are_told(line, monkeypatch):
    """For maintenance alone: nobody at the machine can do anything about them."""
    medium = type(line.agent.journal.medium)(warnings=("It is a memory disk.",))
    monkeypatch.setattr(line.agent.journal, "medium", medium)
    monkeypatch.setattr(line.agent.journal._writer, "wal_over_cap", True)
    problems = (await line.http.get("/healthz")).json()["problems"]
    assert "It is a memory disk." in problems
    assert any("holds the journal's log back" in problem for problem in problems)
    found = await measured(line)
    assert (found["journal_held_back"], found["journal_place_doubtful"]) == (1, 1)
    assert (await line.screen())["notices"] == []
