"""What the journal promises: numbered, chained, once, refused visibly, found when damaged."""

import asyncio
import threading
from concurrent.futures import wait

import pytest

from lineside.contracts.clock import ManualClock
from lineside.contracts.codec import GENESIS_HASH, chain_hash
from lineside.contracts.errors import InvalidMessageError
from lineside.contracts.events import SignedOn
from lineside.contracts.units import Act
from lineside.edge_agent.journal.errors import (
    JournalFailedError,
    JournalFullError,
    JournalLockedError,
    JournalUsageError,
)
from lineside.edge_agent.journal.reading import JournalReader
from lineside.edge_agent.journal.schema import sqlite
from lineside.edge_agent.journal.store import Journal


def event(text: str = "", act: Act | None = None) -> SignedOn:
    return SignedOn(occurred_at=1, recorded_at=2, reason=text, act=act)


def act_of(name: str, size: int) -> list[SignedOn]:
    return [event(f"{name} {number}", Act(id=name, size=size)) for number in range(size)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.db"


@pytest.fixture
def journal(path):
    with Journal.open(path, clock=ManualClock(1_000)) as opened:
        yield opened


def test_numbers_run_from_one_without_gaps_and_go_on_after_a_restart(path):
    with Journal.open(path, clock=ManualClock()) as journal:
        first = journal.append_now([event("a"), event("b")])
        epoch = journal.epoch
    with Journal.open(path, clock=ManualClock()) as journal:
        second = journal.append_now([event("c")])
        read = [(stored.seq, stored.event.reason) for stored in journal.read(0, 10)]

        assert (first.first_seq, first.last_seq, second.first_seq) == (1, 2, 3)
        assert read == [(1, "a"), (2, "b"), (3, "c")]
        assert journal.epoch == epoch


def test_the_chain_begins_at_genesis_and_covers_the_stored_bytes(journal):
    journal.append_now([event("a"), event("b")])
    journal.append_now([event("c")])

    first, second = journal.groups(0, 500, 1_000_000)

    assert first.previous == GENESIS_HASH
    assert first.hash == chain_hash(GENESIS_HASH, first.events)
    assert second.previous == first.hash == journal.hash_at(2)
    assert second.hash == journal.head_hash
    assert list(journal.reader.verify()) == []


def test_an_act_asked_twice_is_booked_once_and_answered_alike(journal):
    once = journal.append_now(act_of("scan-1", 2), answer=b"accepted")
    again = journal.append_now(act_of("scan-1", 2), answer=b"something else")

    assert (again.first_seq, again.last_seq) == (once.first_seq, once.last_seq) == (1, 2)
    assert again.duplicate
    assert not once.duplicate
    assert again.answer == journal.act_answer("scan-1") == b"accepted"
    assert journal.head() == 2


def test_an_act_asked_twice_within_one_group_is_booked_once(journal):
    futures = [journal.append(act_of("scan-1", 1), answer=b"yes", wait=False) for _ in range(50)]

    results = [future.result(5) for future in futures]

    assert sum(not result.duplicate for result in results) == 1
    assert {result.answer for result in results} == {b"yes"}
    assert journal.head() == 1


def test_an_act_whose_size_is_not_its_events_is_refused(journal):
    with pytest.raises(JournalUsageError, match="has 1 events and says 2"):
        journal.append([event(act=Act(id="x", size=2))])
    with pytest.raises(JournalUsageError, match="one act"):
        journal.append([*act_of("a", 1), *act_of("b", 1)])
    assert journal.head() == 0


def test_an_event_that_is_too_large_is_refused_before_it_is_queued(journal):
    with pytest.raises(InvalidMessageError):
        journal.append([event("x" * 70_000)])


def test_an_act_stays_in_one_group_and_other_events_are_cut_to_size(journal):
    journal.append_now(act_of("large", 400))
    journal.append_now([event(str(number)) for number in range(450)])

    sizes = [len(group.events) for group in journal.groups(0, 5_000, 10_000_000)]

    assert sizes == [400, 200, 200, 50]


def test_groups_respect_their_bounds_and_start_with_the_group_that_holds_the_next_event(journal):
    for size in (3, 4, 5):
        journal.append_now([event(str(number)) for number in range(size)])

    assert [group.first_seq for group in journal.groups(0, 7, 1_000_000)] == [1, 4]
    assert [group.first_seq for group in journal.groups(0, 1, 1_000_000)] == [1]
    assert [group.first_seq for group in journal.groups(5, 500, 1_000_000)] == [4, 8]
    assert [group.first_seq for group in journal.groups(0, 500, 1)] == [1]


def test_many_threads_share_commits_and_nothing_is_lost(journal):
    def work(name: int) -> None:
        for number in range(50):
            journal.append_now([event(f"{name}/{number}")])

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    told = [stored.event.reason for stored in journal.read(0, 1_000)]
    assert sorted(told) == sorted(f"{name}/{number}" for name in range(8) for number in range(50))
    for name in range(8):
        own = [text for text in told if text.startswith(f"{name}/")]
        assert own == [f"{name}/{number}" for number in range(50)]


def test_events_nobody_waits_for_are_committed_by_themselves(journal):
    future = journal.append([event("quiet")], wait=False)

    assert future.result(5).last_seq == 1


async def test_asyncio_waits_without_holding_the_loop_and_cancelling_does_not_unsave(journal):
    appended = await journal.append_async([event("a")])
    task = asyncio.ensure_future(asyncio.wrap_future(journal.append([event("b")], wait=False)))
    await asyncio.sleep(0)
    task.cancel()
    await journal.append_async([event("c")])

    assert appended.last_seq == 1
    assert [stored.event.reason for stored in journal.read(0, 9)] == ["a", "b", "c"]


def test_baselines_stand_with_their_events(path):
    with Journal.open(path, clock=ManualClock()) as journal:
        journal.append_now([event()], baselines={"press/count": b"17", "saw/count": b"3"})
        journal.append_now([event()], baselines={"press/count": b"18"})
    with Journal.open(path, clock=ManualClock()) as journal:
        assert journal.baselines() == {"press/count": b"18", "saw/count": b"3"}


def test_a_listener_hears_the_head_after_each_commit_and_may_fail(journal):
    heard: list[tuple[str, int]] = []

    def failing(lane: str, head: int) -> None:
        raise RuntimeError(lane, head)

    journal.on_commit(failing)
    journal.on_commit(lambda lane, head: heard.append((lane, head)))
    journal.append_now([event(), event()])
    journal.append_now([event()])
    journal.set_watermarks(durable_through=1).result(5)

    assert heard == [("facts", 2), ("facts", 3)]


def test_watermarks_are_remembered(path):
    with Journal.open(path, clock=ManualClock()) as journal:
        journal.set_watermarks(durable_through=5, incarnation="3-ab").result(5)
    with Journal.open(path, clock=ManualClock()) as journal:
        assert journal.watermarks().durable_through == 5
        assert journal.watermarks().incarnation == "3-ab"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET data = x'00'",
        "DELETE FROM event",
        "DELETE FROM event_group",
        "UPDATE event_group SET hash = x'00'",
        "UPDATE telemetry SET data = x'00'",
    ],
)
def test_what_is_written_is_neither_edited_nor_deleted(journal, path, statement):
    journal.append_now([event()])
    journal.append_now([event()], lane="telemetry")
    connection = sqlite.connect(path)

    with pytest.raises(sqlite.IntegrityError):
        connection.execute(statement)
    connection.close()


@pytest.mark.fault("F-13")
def test_a_second_agent_is_refused_and_the_first_goes_on(journal, path):
    with pytest.raises(JournalLockedError, match="in use by another agent"):
        Journal.open(path, clock=ManualClock())

    assert journal.append_now([event()]).last_seq == 1


def corrupt(path, seq: int) -> None:
    connection = sqlite.connect(path)
    connection.execute("DROP TRIGGER event_is_never_edited")
    (data,) = connection.execute("SELECT data FROM event WHERE seq = ?", (seq,)).fetchone()
    flipped = data[:-4] + bytes([data[-4] ^ 1]) + data[-3:]
    connection.execute("UPDATE event SET data = ? WHERE seq = ?", (flipped, seq))
    connection.commit()
    connection.close()


@pytest.mark.fault("F-09")
def test_a_damaged_tail_is_found_when_the_journal_is_opened(path):
    with Journal.open(path, clock=ManualClock()) as journal:
        for text in "abc":
            journal.append_now([event(text)])
    connection = sqlite.connect(path)
    connection.execute("DELETE FROM cursor WHERE name = 'verified'")
    connection.commit()
    connection.close()
    corrupt(path, 2)

    with Journal.open(path, clock=ManualClock()) as journal:
        assert journal.salvaged is not None
        assert journal.salvaged.lost == ((2, 2),)


@pytest.mark.fault("F-09")
def test_damage_before_the_verified_mark_is_found_by_verify(path):
    with Journal.open(path, clock=ManualClock()) as journal:
        for text in "abc":
            journal.append_now([event(text)])
    corrupt(path, 2)

    with Journal.open(path, clock=ManualClock()) as journal:
        assert [seq for seq, _ in journal.reader.verify()] == [2]


@pytest.mark.fault("F-06")
def test_a_full_disk_refuses_visibly_and_recovers_by_itself(journal):
    def limit(pages: int):
        def work(connection):
            connection.execute(f"PRAGMA max_page_count={pages}")

        return work

    journal.append_now([event("before")])
    (pages,) = journal.run(lambda c: c.execute("PRAGMA page_count").fetchone()).result(5)
    journal.run(limit(pages + 1)).result(5)

    def fill() -> None:
        for _ in range(5):
            journal.append_now([event("x" * 50_000)])

    with pytest.raises(JournalFullError, match="not saved"):
        fill()
    refused_at = journal.head()
    journal.run(limit(1_000_000)).result(5)

    assert journal.append_now([event("after")]).last_seq == refused_at + 1
    assert journal.failure is None
    assert list(journal.reader.verify()) == []


def test_any_other_error_stops_the_journal_for_good_and_says_so(path):
    journal = Journal.open(path, clock=ManualClock())
    told: list[object] = []
    journal.on_fatal(told.append)
    connection = sqlite.connect(path)
    connection.execute("ALTER TABLE event_group RENAME TO lost")
    connection.close()

    futures = [journal.append([event()]) for _ in range(3)]
    wait(futures, timeout=5)

    assert all(isinstance(future.exception(), JournalFailedError) for future in futures)
    with pytest.raises(JournalFailedError):
        journal.append([event()])
    assert told == [journal.failure]
    journal.close()


@pytest.mark.fault("F-12")
def test_telemetry_is_a_ring_whose_thinning_is_counted(path):
    with Journal.open(path, clock=ManualClock(), telemetry_events_max=100) as journal:
        for number in range(30):
            journal.append_now([event(str(number))] * 10, lane="telemetry")

        assert journal.head("telemetry") == 300
        assert len(journal.read(0, 1_000, "telemetry")) <= 100
        ((first, last),) = journal.reader.telemetry_gaps()
        assert first == 1
        assert last + len(journal.read(0, 1_000, "telemetry")) == 300
        assert journal.groups(0, 500, 10_000_000, "telemetry")[0].first_seq == last + 1


@pytest.mark.fault("F-10")
def test_a_new_epoch_chains_what_came_after_its_base_anew(path):
    with Journal.open(path, clock=ManualClock()) as journal:
        for text in "abcd":
            journal.append_now([event(text)])
        old, kept = journal.epoch, journal.groups(0, 500, 1_000_000)

        new = journal.begin_epoch(2).result(5)
        journal.append_now([event("e")])

        groups = journal.groups(0, 500, 1_000_000)
        assert new == journal.epoch != old
        assert journal.epoch_base == 2
        assert groups[:2] == kept[:2]
        assert groups[2].previous == GENESIS_HASH == journal.hash_at(2)
        assert [group.events for group in groups[:4]] == [group.events for group in kept]
        assert list(journal.reader.verify()) == []
    with Journal.open(path, clock=ManualClock()) as journal:
        assert (journal.epoch, journal.head()) == (new, 5)


def test_a_new_epoch_inside_a_group_is_refused_and_the_journal_goes_on(journal):
    journal.append_now([event("a"), event("b"), event("c")])

    with pytest.raises(JournalUsageError):
        journal.begin_epoch(2).result(5)

    assert journal.append_now([event("d")]).last_seq == 4


def test_closing_commits_what_waits(path):
    journal = Journal.open(path, clock=ManualClock())
    future = journal.append([event()], wait=False)
    journal.close()

    assert future.result(0).last_seq == 1
    with pytest.raises(JournalFailedError, match="closed"):
        journal.append([event()])


def test_another_process_can_read_while_the_agent_writes(journal, path):
    journal.append_now([event("a")])
    reader = JournalReader(path)
    journal.append_now([event("b")])

    assert [stored.event.reason for stored in reader.read(0, 9)] == ["a", "b"]
    reader.close()
