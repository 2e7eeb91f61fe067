"""Where a journal may lie, and what it does when its disk is slow, full, held back or shut."""

import threading

import pytest

from lineside.contracts.clock import ManualClock
from lineside.contracts.events import SignedOn
from lineside.edge_agent.journal import medium, store, writer
from lineside.edge_agent.journal.errors import (
    JournalBusyError,
    JournalFullError,
    JournalPlaceError,
)
from lineside.edge_agent.journal.medium import Ballast
from lineside.edge_agent.journal.schema import sqlite
from lineside.edge_agent.journal.store import Journal


def event(text: str = "") -> SignedOn:
    return SignedOn(occurred_at=1, recorded_at=2, reason=text)


def opened(path, ballast_bytes: int = 0, telemetry_events_max: int = 1_000) -> Journal:
    return Journal.open(
        path,
        clock=ManualClock(),
        ballast_bytes=ballast_bytes,
        telemetry_events_max=telemetry_events_max,
    )


@pytest.mark.fault("F-14")
@pytest.mark.parametrize("filesystem", ["nfs4", "nfs", "cifs", "smb3", "9p", "fuse.sshfs"])
def test_a_disk_of_another_computer_is_refused_before_anything_is_written(tmp_path, filesystem):
    folder = tmp_path / "data"
    with pytest.raises(JournalPlaceError, match=filesystem):
        Journal.open(
            folder / "j.db",
            clock=ManualClock(),
            examine=lambda place: medium.judge(place, filesystem, 500.0),
        )
    assert list(folder.iterdir()) == []


@pytest.mark.fault("F-14")
@pytest.mark.parametrize(
    ("filesystem", "flush", "word"),
    [
        ("overlay", 500.0, "container"),
        ("tmpfs", 5.0, "memory"),
        ("ext4", 12.0, "12 microseconds"),
        ("ext4", 300.0, ""),
        ("", 0.0, ""),
    ],
)
def test_a_doubtful_disk_is_told_and_used(tmp_path, filesystem, flush, word):
    with Journal.open(
        tmp_path / "j.db",
        clock=ManualClock(),
        examine=lambda place: medium.judge(place, filesystem, flush),
    ) as journal:
        assert [word in warning for warning in journal.medium.warnings] == [True] * bool(word)
        assert journal.append_now([event()]).last_seq == 1


@pytest.mark.fault("F-14")
def test_the_file_system_and_the_time_of_a_flush_are_found(tmp_path):
    assert medium.filesystem_of(tmp_path) != ""
    assert medium.flush_us(tmp_path) > 0
    assert list(tmp_path.iterdir()) == []
    assert medium.flush_us(tmp_path / "missing") == 0


def limit(journal: Journal, more: int) -> None:
    """Let the file grow by so many pages only; SQLite then says what a full disk says."""

    def work(connection):
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages + more}")

    journal.run(work).result(5)


@pytest.mark.fault("F-06")
def test_a_full_disk_takes_the_ballast_and_telemetry_before_a_fact_is_refused(tmp_path):
    """Half of the telemetry goes as a counted gap; its room is the facts' room."""
    path = tmp_path / "j.db"
    with opened(path, ballast_bytes=64 * 1024, telemetry_events_max=200) as journal:
        ballast = tmp_path / "j.db.ballast"
        assert ballast.stat().st_size == 64 * 1024
        journal.append_now([event("t" * 500) for _ in range(150)], lane="telemetry")
        limit(journal, 3)

        for number in range(5):
            journal.append_now([event(f"{number}" + "x" * 3_000)])

        assert not ballast.exists()
        assert journal.pressed
        assert journal.head() == 5
        assert journal.reader.telemetry_gaps()
        with pytest.raises(JournalFullError):
            journal.append([event()], lane="telemetry")

        def fill() -> None:
            for _ in range(50):
                journal.append_now([event("x" * 30_000)])

        with pytest.raises(JournalFullError, match="not saved"):
            fill()
        assert journal.failure is None
        assert list(journal.reader.verify()) == []


@pytest.mark.fault("F-06")
def test_the_ballast_comes_back_by_itself_when_there_is_room(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "BALLAST_EVERY_S", 0.01)
    with opened(tmp_path / "j.db", ballast_bytes=64 * 1024) as journal:
        journal.append_now([event()])
        limit(journal, 0)

        def fill() -> None:
            for _ in range(20):
                journal.append_now([event("x" * 30_000)])

        with pytest.raises(JournalFullError):
            fill()
        limit(journal, 100_000)
        back = threading.Event()
        for _ in range(500):
            if not journal.pressed or back.wait(0.01):
                break

        assert not journal.pressed
        assert (tmp_path / "j.db.ballast").exists()
        journal.append_now([event()], lane="telemetry")


@pytest.mark.fault("F-06")
def test_no_ballast_is_kept_where_there_is_little_room(tmp_path):
    ballast = Ballast(tmp_path / "b", 1 << 50)
    ballast.take()
    assert not ballast.held
    assert not ballast.release()


@pytest.mark.fault("F-07")
def test_a_slow_disk_is_told_and_more_than_the_queue_holds_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "QUEUE_EVENTS_MAX", 50)
    monkeypatch.setattr(store, "QUEUE_WAIT_S", 0.05)
    with opened(tmp_path / "j.db") as journal:
        assert journal.waiting_s == 0
        slow, started = threading.Event(), threading.Event()

        def work(_: sqlite.Connection) -> None:
            started.set()
            slow.wait(20)

        blocked = journal.run(work)
        assert started.wait(5)
        accepted = [journal.append([event(str(number))]) for number in range(50)]

        with pytest.raises(JournalBusyError, match="not saved"):
            journal.append([event("one too many")])
        assert journal.waiting_s > 0.04

        slow.set()
        blocked.result(5)
        assert [future.result(5).last_seq for future in accepted] == list(range(1, 51))
        journal.append_now([event("goes on")])
        for _ in range(500):
            if journal.waiting_s == 0:
                break
            started.wait(0)
        assert journal.head() == 51


@pytest.mark.fault("F-11")
def test_a_reader_that_holds_the_log_back_is_told_and_its_end_frees_the_log(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "WAL_BYTES_MAX", 300_000)
    monkeypatch.setattr(writer, "CHECKPOINT_BYTES", 100_000)
    path = tmp_path / "j.db"
    with opened(path) as journal:
        journal.append_now([event()])
        stuck = sqlite.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)
        stuck.execute("BEGIN")
        stuck.execute("SELECT count(*) FROM event").fetchone()
        for _ in range(60):
            journal.append_now([event("x" * 20_000)])
        journal.run(lambda _: None).result(5)
        assert journal.held_back
        grown = (tmp_path / "j.db-wal").stat().st_size

        stuck.execute("COMMIT")
        stuck.close()
        for _ in range(60):
            journal.append_now([event("x" * 20_000)])
        journal.run(lambda _: None).result(5)

        assert not journal.held_back
        assert (tmp_path / "j.db-wal").stat().st_size <= grown + 300_000
