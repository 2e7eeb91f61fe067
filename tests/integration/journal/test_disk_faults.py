"""Faults of a real disk, injected into the system calls of a real process."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lineside.contracts.clock import SystemClock
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


def test_a_full_disk_refuses_and_goes_on_by_itself(tmp_path):
    words, status = run(tmp_path / "j.db", "pwrite64:error=ENOSPC:when=200..260")

    assert status == 0
    assert numbers(words, "refused")
    assert words[-2] == f"saved {EVENTS - 1}"
    assert stored(tmp_path / "j.db") == numbers(words, "saved")


@pytest.mark.parametrize("nth", [30, 33, 200])
def test_a_process_killed_in_a_write_keeps_what_it_said(tmp_path, nth):
    words, _ = run(tmp_path / "j.db", f"pwrite64:signal=SIGKILL:when={nth}")

    saved = numbers(words, "saved")
    assert "closed" not in words
    kept = stored(tmp_path / "j.db")
    assert kept[: len(saved)] == saved
    assert len(kept) <= len(saved) + 1
