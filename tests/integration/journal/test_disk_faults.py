"""Faults of a real disk, injected into the system calls of a real process."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lineside.contracts.clock import SystemClock
from lineside.contracts.events import SignedOn
from lineside.edge_agent.journal.errors import JournalFailedError
from lineside.edge_agent.journal.medium import Medium
from lineside.edge_agent.journal.store import Journal

PROGRAM = Path(__file__).with_name("journal_program.py")
EVENTS = 300


def run(journal: Path, inject: str) -> tuple[list[str], int]:
    """Words of the program under strace, and its exit status."""
    if shutil.which("strace") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("strace is not installed")
        pytest.skip("strace is not installed")
    done = subprocess.run(
        [
            *("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync,pwrite64"),
            *("-e", f"inject={inject}", sys.executable, str(PROGRAM), str(journal), str(EVENTS)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    if "PTRACE" in done.stderr or "ptrace" in done.stderr:
        pytest.skip("this machine does not let processes be traced")
    return done.stdout.splitlines(), done.returncode


def numbers(words: list[str], word: str) -> list[int]:
    return [int(line.split()[1]) for line in words if line.startswith(word + " ")]


def stored(journal: Path) -> list[int]:
    with Journal.open(journal, clock=SystemClock()) as opened:
        assert list(opened.reader.verify()) == []
        events = opened.read(0, 10_000)
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        return [int(event.event.reason.split()[0]) for event in events]


@pytest.mark.fault("F-05")
@pytest.mark.parametrize("nth", [40, 90])
def test_a_failed_fsync_stops_the_agent_and_what_it_said_is_there(tmp_path, nth):
    """After one EIO nothing is known about the pages; only a fresh start can tell."""
    words, status = run(tmp_path / "j.db", f"fsync,fdatasync:error=EIO:when={nth}")

    saved = numbers(words, "saved")
    assert (status, words[-1]) == (3, "stopped")
    assert 0 < len(saved) < EVENTS
    kept = stored(tmp_path / "j.db")
    assert kept[: len(saved)] == saved
    assert len(kept) <= len(saved) + 1


@pytest.mark.fault("F-06")
def test_a_full_disk_refuses_and_goes_on_by_itself(tmp_path):
    words, status = run(tmp_path / "j.db", "pwrite64:error=ENOSPC:when=200..260")

    assert status == 0
    assert numbers(words, "refused")
    assert words[-2] == f"saved {EVENTS - 1}"
    assert stored(tmp_path / "j.db") == numbers(words, "saved")


@pytest.mark.fault("F-02")
@pytest.mark.parametrize("nth", [30, 33, 200])
def test_a_process_killed_in_a_write_keeps_what_it_said(tmp_path, nth):
    words, _ = run(tmp_path / "j.db", f"pwrite64:signal=SIGKILL:when={nth}")

    saved = numbers(words, "saved")
    assert "closed" not in words
    kept = stored(tmp_path / "j.db")
    assert kept[: len(saved)] == saved
    assert len(kept) <= len(saved) + 1


@pytest.mark.fault("F-08")
def test_a_file_system_that_becomes_read_only_stops_the_agent(tmp_path):
    words, status = run(tmp_path / "j.db", "pwrite64:error=EROFS:when=200+")

    saved = numbers(words, "saved")
    assert (status, words[-1]) == (3, "stopped")
    assert 0 < len(saved) < EVENTS
    assert stored(tmp_path / "j.db")[: len(saved)] == saved


@pytest.mark.fault("F-08")
def test_a_journal_on_a_read_only_disk_is_refused_with_its_reason(tmp_path, monkeypatch):
    def shut(*_: object, **__: object) -> int:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("lineside.edge_agent.journal.opening.os.open", shut)
    with pytest.raises(JournalFailedError, match="Read-only file system"):
        Journal.open(tmp_path / "j.db", clock=SystemClock(), examine=lambda _: Medium())


@pytest.mark.fault("F-07")
def test_a_disk_that_takes_half_a_second_a_flush_loses_nothing(tmp_path):
    words, status = run(tmp_path / "j.db", "fsync,fdatasync:delay_enter=500000:when=40..50")

    assert status == 0
    assert numbers(words, "saved") == stored(tmp_path / "j.db") == list(range(EVENTS))


@pytest.mark.fault("F-10")
def test_a_copy_without_its_log_is_an_older_journal_whose_numbers_are_not_used_again(tmp_path):
    """Central knows the newer head; the edge seals the old epoch and goes on in a new one."""
    path, copy = tmp_path / "j.db", tmp_path / "copy" / "j.db"
    copy.parent.mkdir()
    event = SignedOn(occurred_at=1, recorded_at=1)
    with Journal.open(path, clock=SystemClock()) as journal:
        journal.append_now([event] * 3)
        journal.run(lambda c: c.execute("PRAGMA user_version").fetchone()).result()
    with Journal.open(path, clock=SystemClock()) as journal:
        journal.append_now([event] * 4)
        shutil.copy(path, copy)  # and not the -wal beside it
        known, epoch = journal.head(), journal.epoch

    with Journal.open(copy, clock=SystemClock()) as rolled_back:
        assert rolled_back.head() == 3 < known
        rolled_back.begin_epoch(3).result()
        told = rolled_back.append_now([event])
        assert (rolled_back.epoch != epoch, told.first_seq) == (True, 4)
        assert list(rolled_back.reader.verify()) == []
