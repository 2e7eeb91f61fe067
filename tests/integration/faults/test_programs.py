"""Real agents as programs: two on one journal, a file system that is read-only."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import urllib.request
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

DEADLINE_S = 60.0
EDGE_TOML = """
[edge]
listen = "127.0.0.1:0"
data_dir = "{data}"

[[device]]
id = "plc"
driver = "scripted"
repeat = true
steps = [
  {{ after_s = 0.2, values = {{ state = 6 }} }},
  {{ after_s = 0.2, values = {{ state = 4 }} }},
]

[[station]]
id = "TURN"
device = "plc"
counts_from = "counter"
[station.state]
signal = "state"
profile = "packml"
"""


@contextlib.contextmanager
def program(file: Path) -> Generator[subprocess.Popen[str]]:
    """An agent; killed at the end."""
    running = subprocess.Popen(
        [sys.executable, "-m", "lineside.edge_agent.cli", "run", str(file)],
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def address(running: subprocess.Popen[str]) -> str:
    """Where its terminal listens; it is ready then."""
    assert running.stdout is not None
    said = running.stdout.readline()
    assert "terminal at" in said, running.communicate()[1]
    return said.rsplit(" ", 1)[1].strip()


@pytest.mark.fault("F-13")
def test_a_second_agent_on_one_journal_leaves_with_its_own_code_and_says_why(tmp_path):
    file = tmp_path / "edge.toml"
    file.write_text(EDGE_TOML.format(data="data"), encoding="utf-8")
    with program(file) as first:
        here = address(first)
        with program(file) as second:
            _, said = second.communicate(timeout=DEADLINE_S)
            assert second.returncode == 69
        assert "in use by another agent" in said.splitlines()[-1]
        assert "Stop the other agent" in said.splitlines()[-1]
        with urllib.request.urlopen(here + "healthz", timeout=DEADLINE_S) as answer:
            assert answer.status == 200


@pytest.fixture
def mounted(tmp_path) -> Iterator[Path]:
    """A file system of this test's own in memory."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "lineside-test", str(place)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        pytest.skip(f"nothing may be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.mark.fault("F-08")
def test_an_agent_on_a_file_system_that_is_read_only_ends_with_a_clear_code_and_says_why(
    tmp_path, mounted
):
    """As after a restart on a disk that the kernel has turned read-only; later it works."""
    file = tmp_path / "edge.toml"
    file.write_text(EDGE_TOML.format(data=mounted / "data"), encoding="utf-8")
    with program(file) as running:
        address(running)
    subprocess.run(["mount", "-o", "remount,ro", str(mounted)], check=True)
    with program(file) as running:
        _, said = running.communicate(timeout=DEADLINE_S)
        assert (running.returncode, "Read-only file system" in said) == (75, True), said
    subprocess.run(["mount", "-o", "remount,rw", str(mounted)], check=True)
    with program(file) as running:
        address(running)
